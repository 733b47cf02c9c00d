import CInotifyTools
import Foundation
import Glibc
import JobCore
import Synchronization

/// The one owner of libinotifytools, whose state is the whole process's. Not thread-safe: one thread uses it, always,
/// and its beginning and end have the process to themselves.
///
/// Of the library this uses what is sound: initialising, and the limits. Its watch table goes wrong in trees that live long, so
/// watches are set by the kernel's own calls on the library's descriptor, and `DirectoryTable` knows which is which. Its way of
/// reading needs five calls for what has come, and one does: between a file's rename and its submission each counts.
final class Inotify {
  /// A watch's number.
  typealias Watch = Int32

  /// An event as the kernel wrote it down.
  struct Record {
    var watch: Watch
    var mask: UInt32
    var cookie: UInt32
    /// Valid until the next event is asked for.
    var name: UnsafeRawBufferPointer
    func has(_ bit: Int32) -> Bool { mask & UInt32(bitPattern: bit) != 0 }
    var isFolder: Bool { has(IN_ISDIR) }
  }

  /// A copy of an event.
  struct Event {
    var watch: Watch
    var mask: UInt32
    var cookie: UInt32
    var name: [UInt8]
    init(_ record: Record) {
      (watch, mask, cookie, name) = (record.watch, record.mask, record.cookie, Array(record.name))
    }
    func has(_ bit: Int32) -> Bool { mask & UInt32(bitPattern: bit) != 0 }
    var isFolder: Bool { has(IN_ISDIR) }
  }

  /// The library's descriptor, for poll(2).
  let descriptor: Int32

  // The library closes its descriptor before it frees its tables: who waited for the one must not begin beside the other.
  private static let setup = Mutex(())

  /// Initialises the library. Throws a sentence for the user.
  init() throws(JobError) {
    descriptor = try Self.setup.withLock { _ throws(JobError) in try Self.open() }
  }

  private static func open() throws(JobError) -> Int32 {
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
    _ = fcntl(found, F_SETFD, FD_CLOEXEC)
    _ = fcntl(found, F_SETFL, O_NONBLOCK)
    return found
  }

  deinit {
    Self.setup.withLock { _ in inotifytools_cleanup() }
    buffer.deallocate()
  }

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

  // What was read and not handed out yet.
  private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 65_536, alignment: 8)
  private var unread = 0..<0
  // The last reading left room for another event, so there was none.
  private var isEmptied = false
  private static let header = MemoryLayout<inotify_event>.size
  private static let longest = MemoryLayout<inotify_event>.size + Int(NAME_MAX) + 1

  /// Whether events have been read and not handed out.
  var hasUnread: Bool { !unread.isEmpty }

  /// The next event, if one has come; nil once what was there has been handed out.
  func next() -> Record? {
    if unread.isEmpty {
      guard !isEmptied, fill() else {
        isEmptied = false
        return nil
      }
    }
    let start = UnsafeRawPointer(base).advanced(by: unread.lowerBound)
    let event = start.loadUnaligned(as: inotify_event.self)
    let length = Int(event.len)
    unread = (unread.lowerBound + Self.header + length)..<unread.upperBound
    // The name follows the struct in memory, padded with zeros to `len`.
    let name = start.advanced(by: Self.header)
    let count = length == 0 ? 0 : strnlen(name.assumingMemoryBound(to: CChar.self), length)
    return Record(
      watch: event.wd, mask: event.mask, cookie: event.cookie, name: UnsafeRawBufferPointer(start: name, count: count))
  }

  // Whole events, as many as fit (inotify(7)).
  private func fill() -> Bool {
    var got = read(descriptor, base, buffer.count)
    while got < 0, errno == EINTR { got = read(descriptor, base, buffer.count) }
    guard got > 0 else { return false }
    unread = 0..<got
    isEmptied = buffer.count - got >= Self.longest
    return true
  }

  private var base: UnsafeMutableRawPointer { buffer.baseAddress.unsafelyUnwrapped }

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
