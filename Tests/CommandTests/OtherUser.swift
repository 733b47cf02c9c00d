import Foundation
import ProgramKit
import TestKit

/// A user who is nobody in particular: what root's tests run the program as.
enum OtherUser {
  /// The number of the user and of the group.
  static let number = 65534
  /// Runs what follows as that user.
  static func command(group: Int = number) -> [String] {
    ["/usr/bin/setpriv", "--reuid=\(number)", "--regid=\(group)", "--clear-groups", "--"]
  }

  /// Why this machine cannot try it; nil: it can.
  static let isMissing: String? = {
    guard getuid() == 0, access("/usr/bin/setpriv", X_OK) == 0 else { return "needs root and setpriv" }
    let program = Fixture.program.hasPrefix("/") ? Fixture.program : ChildProcess.builtProducts + "/" + Fixture.program
    var folder = program as NSString
    while folder.length > 1 {
      var info = stat()
      guard stat(folder as String, &info) == 0, info.st_mode & 0o005 == 0o005 else {
        return "other users cannot get to \(program)"
      }
      folder = folder.deletingLastPathComponent as NSString
    }
    return nil
  }()
}

/// A folder that every user can get to, with a name short enough for a socket; with the folders `run` and `drops` in it.
final class OpenFolder {
  let path = "/var/tmp/pd-\(UUID().uuidString.prefix(8))"

  /// `owner`: whose the folders in it are; nil: the present user's.
  init(owner: Int? = nil) throws {
    for name in ["", "/run", "/drops"] {
      try FileManager.default.createDirectory(atPath: path + name, withIntermediateDirectories: false)
      chmod(path + name, 0o755)
      if let owner, !name.isEmpty { chown(path + name, uid_t(owner), gid_t(owner)) }
    }
  }
  // What stays is litter, not a failure.
  deinit { try? FileManager.default.removeItem(atPath: path) }
}
