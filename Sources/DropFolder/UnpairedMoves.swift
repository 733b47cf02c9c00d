import JobCore

/// Folders and prompts that were renamed away and whose new name has not been seen yet, by the kernel's cookie.
struct UnpairedMoves {
  struct Folder {
    var watch: Inotify.Watch
    var from: FileKey
    fileprivate var since: ContinuousClock.Instant
  }
  private var folders: [UInt32: Folder] = [:]
  private var prompt: (cookie: UInt32, from: FileKey)?
  /// The two halves of a move are next to each other in the queue; a moment is plenty.
  static let patience: Duration = .milliseconds(10)

  /// Whether the new name of a folder is waited for.
  var isWaiting: Bool { !folders.isEmpty }

  mutating func folderLeft(_ cookie: UInt32, _ watch: Inotify.Watch, from place: FileKey) {
    folders[cookie] = Folder(watch: watch, from: place, since: .now)
  }

  mutating func folderArrived(_ cookie: UInt32) -> Folder? { folders.removeValue(forKey: cookie) }

  /// The folder was found by looking: where it came from, if it was waited for.
  mutating func folderIsFound(_ watch: Inotify.Watch) -> [FileKey] {
    guard !folders.isEmpty else { return [] }
    let found = folders.filter { $0.value.watch == watch }
    for cookie in found.keys { folders[cookie] = nil }
    return found.values.map(\.from)
  }

  /// Folders that came to no watched place: they are outside now.
  mutating func takeLost() -> [Folder] {
    guard !folders.isEmpty else { return [] }
    let limit = ContinuousClock.now - Self.patience
    let lost = folders.filter { $0.value.since <= limit }
    for cookie in lost.keys { folders[cookie] = nil }
    return Array(lost.values)
  }

  mutating func promptLeft(_ cookie: UInt32, from place: FileKey) { prompt = (cookie, place) }

  /// A file has got this name; whose it was before, where that was a prompt's.
  mutating func fileArrived(_ cookie: UInt32) -> FileKey? {
    guard let move = prompt, move.cookie == cookie else { return nil }
    prompt = nil
    return move.from
  }
}
