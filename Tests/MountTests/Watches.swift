import Foundation
import TestKit

/// What a process holds, as the kernel tells it.
enum Watches {
  /// How many inotify watches it has. Throws where `/proc` cannot be read.
  static func of(_ process: ChildProcess) throws -> Int {
    let folder = "/proc/\(process.processID)"
    var count = 0
    for number in try FileManager.default.contentsOfDirectory(atPath: folder + "/fd") {
      // It may be closed by now.
      guard
        (try? FileManager.default.destinationOfSymbolicLink(atPath: "\(folder)/fd/\(number)")) == "anon_inode:inotify"
      else { continue }
      let reported = try String(contentsOfFile: "\(folder)/fdinfo/\(number)", encoding: .utf8)
      count += reported.split(separator: "\n").count { $0.hasPrefix("inotify wd:") }
    }
    return count
  }

  /// How many descriptors it has open.
  static func descriptors(of process: ChildProcess) throws -> Int {
    try FileManager.default.contentsOfDirectory(atPath: "/proc/\(process.processID)/fd").count
  }

  /// How many bytes of memory it occupies.
  static func memory(of process: ChildProcess) throws -> Int {
    let status = try String(contentsOfFile: "/proc/\(process.processID)/status", encoding: .utf8)
    let line = status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") } ?? ""
    return (line.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Int($0) } ?? 0) << 10
  }
}
