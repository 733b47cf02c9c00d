import JobCore

/// Inotify, where it can be had, and whether watches are left.
struct KernelWatches {
  typealias Watch = Inotify.Watch

  private(set) var inotify: Inotify?
  /// Why there is none.
  private(set) var trouble: JobError?
  private var areUsedUp = false
  private var hasChanged = false

  /// For poll(2); below zero where there is none.
  var descriptor: Int32 { inotify?.descriptor ?? -1 }

  /// Opens inotify, unless it is open. Whether it could not be opened before. Throws a sentence for the user.
  mutating func open() throws(JobError) -> Bool {
    guard inotify == nil else { return false }
    hasChanged = true
    do throws(JobError) {
      inotify = try Inotify()
    } catch {
      trouble = error
      throw error
    }
    defer { trouble = nil }
    return trouble != nil
  }

  /// Watches may be had again: they are asked for.
  mutating func tryAgain() { areUsedUp = false }

  /// The watch of an open folder itself, whatever its path has become. `isWatched`: whether it has one. Nil: there is none left.
  mutating func watch(_ folder: borrowing Descriptor, isWatched: Bool) -> Watch? {
    // Once they are used up, only those that have one are asked for again: they get the same.
    guard let inotify, !areUsedUp || isWatched else { return nil }
    do throws(SystemError) {
      return try inotify.watch(folder)
    } catch {
      areUsedUp = true
      return nil
    }
  }

  func unwatch(_ watch: Watch) {
    // Folders that the kernel does not watch have numbers below zero.
    if watch >= 0 { inotify?.unwatch(watch) }
  }

  /// Whether events have been read and not handed out: poll(2) does not say so.
  var hasUnread: Bool { inotify?.hasUnread == true }

  /// The next event, if one has come; its name is valid until the next is asked for.
  func next() -> Inotify.Record? { inotify?.next() }

  /// Whether anything has changed since this was asked for last.
  mutating func takeChange() -> Bool {
    defer { hasChanged = false }
    return hasChanged
  }
}
