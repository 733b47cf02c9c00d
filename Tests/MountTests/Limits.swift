import Foundation
import ProgramKit
import TestKit

/// The kernel's limits of inotify.
enum Limits {
  /// A command that starts a program in a user namespace of its own, with limits of its own: those in `/proc/sys/user` are
  /// the namespace's, while those in `/proc/sys/fs/inotify` are the machine's for whoever is root outside. Throws `Missing`
  /// where the machine does not allow it.
  static func namespace(watches: Int? = nil, instances: Int? = nil) throws -> [String] {
    let line = line(watches, instances)
    let wrapper = [try Machine.tool("unshare"), "--user", "--map-root-user", try Machine.tool("sh"), "-c"]
    try Machine.run("unshare", Array(wrapper.dropFirst()) + [line + "true"])
    // Entering a namespace makes the process forget that it is to die with the test runner.
    return wrapper + [line + "exec \"$@\"", "limited", try Machine.tool("setpriv"), "--pdeathsig", "KILL", "--"]
  }

  /// Sets them anew for a program that was started in such a namespace.
  static func set(_ process: ChildProcess, watches: Int? = nil, instances: Int? = nil) throws {
    try Machine.run(
      "nsenter",
      ["-t", "\(process.processID)", "-U", "--preserve-credentials", "sh", "-c", line(watches, instances) + "true"])
  }

  private static func line(_ watches: Int?, _ instances: Int?) -> String {
    [("watches", watches), ("instances", instances)].compactMap { name, value in
      value.map { "echo \($0) > /proc/sys/user/max_inotify_\(name) && " }
    }.joined()
  }

  /// Lets the machine keep no more than `count` events for whoever sets up inotify from now on, until `end` of what is
  /// returned. There is no such limit of a namespace's own; the kernel looks at it only when inotify is set up.
  static func queue(_ count: Int) throws -> Undo {
    let path = "/proc/sys/fs/inotify/max_queued_events"
    let old = try String(contentsOfFile: path, encoding: .utf8).trimmingCharacters(in: .whitespacesAndNewlines)
    guard access(path, W_OK) == 0 else { throw Missing(description: "\(path) cannot be written") }
    let undo = try Undo("echo \"$1\" > \"$2\"", [old, path])
    try Machine.shell("echo \(count) > max_queued_events", in: "/proc/sys/fs/inotify")
    return undo
  }
}
