import Glibc
import JobCore

/// Renames of this process's temporary files to the names that they are for, as the kernel reports them.
///
/// The kernel gives both halves of a rename one cookie. The first half tells by the former name who made the file, so the second
/// need not be looked at: it says nothing that this process does not know. What somebody else does to the file then is an event
/// of its own.
struct OwnMoves {
  // What the names begin with; empty: there are none.
  private let prefix: [UInt8]
  // The last one whose first half was reported, as the other half follows at once; 0: none.
  private var cookie: UInt32 = 0

  /// Takes what the names of this process's temporary files begin with, and of nobody else's.
  init(prefix: [UInt8]) { self.prefix = prefix }

  /// A temporary file of promptdrop's was reported.
  mutating func heard(_ record: Inotify.Record) {
    guard record.has(IN_MOVED_FROM), !prefix.isEmpty, record.name.count > prefix.count else { return }
    let isOwn = prefix.withUnsafeBytes { prefix in
      guard let mine = prefix.baseAddress, let name = record.name.baseAddress else { return false }
      return memcmp(mine, name, prefix.count) == 0
    }
    if isOwn { cookie = record.cookie }
  }

  /// Whether the record is the other half of such a rename.
  mutating func isOwn(_ record: Inotify.Record) -> Bool {
    guard cookie != 0, record.cookie == cookie, record.has(IN_MOVED_TO) else { return false }
    cookie = 0
    return true
  }
}
