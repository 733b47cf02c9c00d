import CInotifyTools
import Foundation
import Glibc
import JobCore

/// The one owner of libinotifytools, whose state is the whole process's. Not thread-safe: one thread uses it, always.
///
/// Of the library this uses what is sound: initialising, and reading events one at a time without waiting. Its watch
/// table goes wrong in trees that live long, so watches are set by the kernel's own calls on the library's descriptor,
/// and `DirectoryTable` knows which is which.
final class Inotify {
  /// A watch's number.
  typealias Watch = Int32

  /// A copy of an event; the library's own is overwritten by the next.
  struct Event {
    var watch: Watch
    var mask: UInt32
    var cookie: UInt32
    var name: [UInt8]
    func has(_ bit: Int32) -> Bool { mask & UInt32(bitPattern: bit) != 0 }
    var isFolder: Bool { mask & UInt32(IN_ISDIR) != 0 }
  }

  /// The library's descriptor, for poll(2).
  let descriptor: Int32

  /// Initialises the library. Throws a sentence for the user.
  init() throws(JobError) {
    let before = Inotify.descriptors()
    errno = 0
    guard inotifytools_initialize() != 0 else {
      let why = String(cString: strerror(inotifytools_error()))
      let (limit, raise) = Self.limit("instances", atLeast: 512)
      throw JobError(
        code: .inotifyUnavailable, message: "inotify cannot be used: \(why)\(limit).",
        hint: "To raise the limit, run `\(raise)` as root. promptdrop goes back to watching by itself.", retryable: true
      )
    }
    // The library has no accessor for its descriptor: it is the inotify descriptor that was not there before.
    guard let found = Inotify.descriptors().subtracting(before).first else {
      inotifytools_cleanup()
      throw JobError(code: .inotifyUnavailable, message: "The inotify descriptor was not found in /proc/self/fd.")
    }
    descriptor = found
    _ = fcntl(found, F_SETFD, FD_CLOEXEC)
  }

  deinit { inotifytools_cleanup() }

  private static func descriptors() -> Set<Int32> {
    guard let folder = opendir("/proc/self/fd") else { return [] }
    defer { closedir(folder) }
    var found: Set<Int32> = []
    while let entry = readdir(folder) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      var target = [CChar](repeating: 0, count: 64)
      guard let number = Int32(name), readlink("/proc/self/fd/\(name)", &target, 63) > 0 else { continue }
      let link = String(decoding: target.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
      if link == "anon_inode:inotify" { found.insert(number) }
    }
    return found
  }

  /// Everything that can matter to a file, and to the folder itself.
  private static let mask =
    UInt32(IN_CREATE | IN_MODIFY | IN_CLOSE_WRITE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE | IN_ATTRIB)
    | UInt32(IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR | IN_DONT_FOLLOW | IN_EXCL_UNLINK)

  /// Watches an open folder, whatever its path is or becomes. Throws `SystemError`: ENOSPC when the user's watches are used up.
  func watch(_ folder: borrowing Descriptor) throws(SystemError) -> Watch {
    // The dot at the end has the link before it followed.
    var path = Self.descriptorPath
    for digit in String(folder.number).utf8 { path.append(CChar(bitPattern: digit)) }
    path += Self.itself
    let watch = inotify_add_watch(descriptor, path, Inotify.mask)
    guard watch >= 0 else { throw SystemError(errno) }
    return watch
  }

  private static let descriptorPath = "/proc/self/fd/".utf8.map { CChar(bitPattern: $0) }
  private static let itself = "/.".utf8.map { CChar(bitPattern: $0) } + [0]

  /// Stops watching; the kernel confirms with IN_IGNORED.
  func unwatch(_ watch: Watch) {
    // EINVAL means that the kernel dropped it already: the same end.
    _ = inotify_rm_watch(descriptor, watch)
  }

  /// The next event, if one has come.
  func next() -> Event? {
    // Timeout 0 with one event is the library's way to look without waiting.
    guard let event = inotifytools_next_events(0, 1) else { return nil }
    let length = Int(event.pointee.len)
    // The name follows the struct in memory, padded with zeros to `len`.
    let start = UnsafeRawPointer(event).advanced(by: MemoryLayout<inotify_event>.size)
    let bytes = UnsafeRawBufferPointer(start: start, count: length)
    let name = Array(bytes.prefix { $0 != 0 })
    return Event(watch: event.pointee.wd, mask: event.pointee.mask, cookie: event.pointee.cookie, name: name)
  }

  /// What to do when the watches are used up.
  static func outOfWatches(_ path: String, interval: Duration) -> JobError {
    let (limit, raise) = limit("watches", atLeast: 524_288)
    return JobError(
      code: .outOfWatches,
      message: "No inotify watch is left for \(path) and what is below it\(limit); "
        + "promptdrop scans what it cannot watch every \(interval.brief).",
      hint: "To raise the limit, run `\(raise)` as root. promptdrop goes back to watching by itself.", retryable: true)
  }

  // A user has a limit, and so has each namespace that users are in: the lower one counts.
  private static func limit(_ what: String, atLeast: Int) -> (limit: String, raise: String) {
    let user = what == "watches" ? inotifytools_get_max_user_watches() : inotifytools_get_max_user_instances()
    // Where it cannot be read, it is not what bites.
    let text = (try? String(contentsOfFile: "/proc/sys/user/max_inotify_\(what)", encoding: .utf8)) ?? ""
    let space = Int(text.trimmingCharacters(in: .whitespacesAndNewlines)) ?? Int.max
    let limit = min(user < 0 ? Int.max : Int(user), space)
    let name = space == limit && space != Int(user) ? "user.max_inotify_\(what)" : "fs.inotify.max_user_\(what)"
    let words = limit == .max ? "" : " (\(limit) for each user)"
    return (words, "sysctl \(name)=\(limit == .max ? atLeast : max(atLeast, limit * 2))")
  }
}
