import Foundation
import TestKit
import Testing

/// Everything below a folder, to see whether somebody writes.
struct Snapshot: Equatable {
  struct File: Hashable {
    let inode: UInt64
    let size: Int64
    let seconds: Int, nanoseconds: Int
  }
  /// Each path with what changes whenever it is written or replaced.
  var files: [String: File] = [:]
  /// Each regular file's bytes.
  var contents: [String: Data] = [:]

  /// Reads the folder. Throws where it cannot be listed.
  init(_ folder: String) throws {
    for name in try FileManager.default.subpathsOfDirectory(atPath: folder) {
      var info = stat()
      // Gone since it was listed: so it changed, and the next look shows it.
      guard lstat("\(folder)/\(name)", &info) == 0 else { continue }
      guard info.st_mode & S_IFMT == S_IFREG else { continue }
      files[name] = File(
        inode: UInt64(info.st_ino), size: Int64(info.st_size), seconds: info.st_mtim.tv_sec,
        nanoseconds: info.st_mtim.tv_nsec)
      contents[name] = FileManager.default.contents(atPath: "\(folder)/\(name)")
    }
  }

  /// Waits until nothing has been written below the folder for a while: what goes on writing is a loop.
  static func quiet(_ folder: String, for length: Duration, within limit: Duration = .seconds(40)) async throws {
    var last = try Snapshot(folder)
    var since = ContinuousClock.now
    try await eventually(within: limit, "nothing is written below \(folder) for \(length)") {
      let now = try Snapshot(folder)
      if now != last { (last, since) = (now, .now) }
      return .now - since >= length
    }
  }
}
