import Foundation
import TestKit

/// A system call as strace tells of it.
public struct TracedCall: CustomStringConvertible, Sendable {
  /// Its name.
  public let name: String
  /// The path of its first descriptor; of a rename, the old one.
  public let path: String
  /// Of a rename: the new path.
  public let target: String
  /// What it wrote or sent, as text.
  public let data: String
  /// What it wrote or sent.
  public let bytes: [UInt8]
  /// Places in the trace: where it began and where it had returned.
  public let began: Int
  /// As `began`.
  public fileprivate(set) var ended: Int

  /// Whether it writes to a file.
  public var isWrite: Bool {
    ["write", "pwrite64", "writev", "pwritev", "pwritev2"].contains(name) && path.hasPrefix("/")
  }
  /// Whether it sends to a socket.
  public var isSend: Bool {
    ["write", "writev", "sendto", "sendmsg", "sendmmsg"].contains(name)
      && (path.hasPrefix("socket:") || path.hasPrefix("TCP"))
  }
  /// Whether it syncs a file or a folder.
  public var isSync: Bool { ["fsync", "fdatasync"].contains(name) }
  /// Whether it renames.
  public var isRename: Bool { name.hasPrefix("rename") }
  /// For a failure's message.
  public var description: String { "\(began)–\(ended) \(name) \(path) \(target) \(data.prefix(60))" }
}

/// The program under strace.
public enum Trace {
  private static let tool = "/usr/bin/strace"

  /// Whether there is strace, and it may trace (a container may forbid it).
  public static let isPossible: Bool = {
    guard access(tool, X_OK) == 0 else { return false }
    let process = Process()
    process.executableURL = URL(fileURLWithPath: tool)
    process.arguments = ["-qq", "-o", "/dev/null", "/bin/true"]
    process.standardError = FileHandle.nullDevice
    do { try process.run() } catch { return false }
    process.waitUntilExit()
    return process.terminationStatus == 0
  }()

  private static let names =
    "write,pwrite64,writev,pwritev,pwritev2,sendto,sendmsg,sendmmsg,fsync,fdatasync,rename,renameat,renameat2"

  /// What traces a command that runs on into a file: every call that writes, sends, syncs or renames. The tracer is no
  /// parent of the command, so that who ends the command ends both.
  public static func watcher(into log: String) -> [String] {
    let all = tracer(into: log)
    return [all[0], "-D"] + all.dropFirst()
  }

  private static func tracer(into log: String, of names: String = Self.names) -> [String] {
    [tool, "-f", "-qq", "-y", "-xx", "-s", "1048576", "-e", "trace=\(names)", "-e", "signal=none", "-o", log]
  }

  /// Works the bench's folder off under strace: what it opened, of which `data` is the name, and what it renamed.
  public static func opened(_ bench: Fixture, _ flags: [String: String?] = [:]) async throws -> (Outcome, [TracedCall])
  {
    let log = bench.home.path("opened")
    let run = try await bench.once(
      flags.merging(["--timeout": "60s"]) { $1 },
      through: tracer(into: log, of: "open,openat,openat2,rename,renameat,renameat2"))
    return (run, read(try bench.home.read("opened")))
  }

  /// Works the bench's folder off under strace.
  public static func once(_ bench: Fixture, _ environment: [String: String?] = [:]) async throws -> (
    Outcome, [TracedCall]
  ) {
    let log = bench.home.path("trace")
    var wrapper = tracer(into: log)
    // The tracer itself does not get the variables of the traced.
    for (name, value) in environment { if let value { wrapper += ["-E", "\(name)=\(value)"] } }
    let run = try await bench.once(["--timeout": "60s"], through: wrapper)
    return (run, read(try bench.home.read("trace")))
  }

  /// Works the bench's folder off, and counts the calls by name.
  public static func count(_ bench: Fixture, _ flags: [String: String?] = [:]) async throws -> (Outcome, [String: Int])
  {
    let table = bench.home.path("table")
    let run = try await bench.once(
      flags.merging(["--timeout": "60s"]) { $1 }, through: [tool, "-f", "-qq", "-c", "-o", table])
    var counts: [String: Int] = [:]
    // Seconds and the like, then the number of calls, perhaps the number of errors, the call's name.
    for line in try bench.home.read("table").split(separator: "\n") {
      let words = line.split(separator: " ")
      guard words.count >= 5, let name = words.last, name != "total", let count = Int(words[3]) else { continue }
      counts[String(name)] = count
    }
    return (run, counts)
  }

  /// Reads strace's lines: "PID name(args) = result", or in two parts where another thread's call came between.
  public static func read(_ log: String) -> [TracedCall] {
    var calls: [TracedCall] = []
    var open: [Substring: Int] = [:]
    for (place, line) in log.split(separator: "\n").enumerated() {
      let parts = line.split(separator: " ", maxSplits: 1, omittingEmptySubsequences: true)
      guard parts.count == 2 else { continue }
      let (thread, rest) = (parts[0], parts[1].drop { $0 == " " })
      if rest.hasPrefix("<... ") {
        if let index = open.removeValue(forKey: thread) { calls[index].ended = place }
        continue
      }
      guard let call = parse(rest, place) else { continue }
      if rest.contains("<unfinished ...>") { open[thread] = calls.count }
      calls.append(call)
    }
    return calls
  }

  private static func parse(_ text: Substring, _ place: Int) -> TracedCall? {
    guard let bracket = text.firstIndex(of: "(") else { return nil }
    let name = String(text[..<bracket])
    let quoted = Self.quoted(text)
    let strings = quoted.map { String(decoding: $0, as: UTF8.self) }
    let folders = paths(text)
    if name.hasPrefix("rename") {
      guard strings.count >= 2 else { return nil }
      func full(_ file: String, _ index: Int) -> String {
        file.hasPrefix("/") || folders.isEmpty ? file : folders[min(index, folders.count - 1)] + "/" + file
      }
      return TracedCall(
        name: name, path: full(strings[0], 0), target: full(strings[1], 1), data: "", bytes: [], began: place,
        ended: place)
    }
    return TracedCall(
      name: name, path: folders.first ?? "", target: "", data: strings.joined(), bytes: Array(quoted.joined()),
      began: place,
      ended: place)
  }

  // With -xx every string, in quotes or in angle brackets, is all \xNN: nothing in it can be taken for strace's own signs.
  private static func quoted(_ text: Substring) -> [[UInt8]] {
    text.split(separator: "\"", omittingEmptySubsequences: false).enumerated().filter { $0.offset % 2 == 1 }
      .map { unescape($0.element) }
  }

  private static func paths(_ text: Substring) -> [String] {
    var found: [String] = []
    var rest = text
    while let start = rest.firstIndex(of: "<"), let end = rest[start...].firstIndex(of: ">") {
      let inner = rest[rest.index(after: start)..<end]
      if inner != "unfinished ..." { found.append(String(decoding: unescape(inner), as: UTF8.self)) }
      rest = rest[rest.index(after: end)...]
    }
    return found
  }

  private static func unescape(_ text: Substring) -> [UInt8] {
    var bytes: [UInt8] = []
    var rest = text.utf8[...]
    while let first = rest.first {
      if first == UInt8(ascii: "\\"), rest.dropFirst().first == UInt8(ascii: "x"),
        let byte = UInt8(String(decoding: rest.dropFirst(2).prefix(2), as: UTF8.self), radix: 16)
      {
        bytes.append(byte)
        rest = rest.dropFirst(4)
      } else {
        bytes.append(first)
        rest = rest.dropFirst()
      }
    }
    return bytes
  }
}
