import Foundation
import Glibc

/// The writes and syncs that promptdrop makes for one drop, read from a trace of it, for `replay.c` to make again.
struct ReplayPlan {
  /// One step a line, as `replay.c` reads it.
  private(set) var text = ""

  /// The steps before the submission, counted.
  var summary: String {
    let steps = text.split(separator: "\n").prefix { $0 != "post" }
    func count(_ verb: String) -> Int { steps.count { $0.hasPrefix(verb) } }
    return "\(count("write")) writes, \(count("fsync") + count("datasync")) syncs, \(count("rename")) renames"
  }

  private static let calls =
    "write,writev,pwrite64,pwritev,pwritev2,sendto,sendmsg,fsync,fdatasync,rename,renameat,renameat2,linkat,unlinkat,unlink"

  /// Traces the fourth of a few drops: by then nothing is done for the first time.
  init(program: Program, parent: String, service: String) throws {
    let place = try Place(in: parent)
    defer { place.remove() }
    let trace = place.base + "/trace"
    let child = try Child(
      ["strace", "-f", "-qq", "-y", "-s", "64", "-e", "trace=\(Self.calls)", "-e", "signal=none", "-o", trace]
        + program.arguments("watch", place, service), environment: program.environment(place), output: place.log)
    try place.waitUntilWatched(by: child)
    try place.stage(4)
    var seen = 0
    for number in 0..<4 {
      usleep(500_000)
      seen = FileManager.default.contents(atPath: trace)?.count ?? 0
      try place.drop(1, from: number)
      try place.waitForDone(1, child, from: number, until: .sidecar)
    }
    usleep(500_000)
    let lines = String(
      decoding: FileManager.default.contents(atPath: trace)?.dropFirst(seen) ?? Data(), as: UTF8.self)
    try child.endTraced()
    read(lines, place)
    guard text.contains("post\n") else { throw BenchError("the trace of a drop has no submission in it") }
  }

  // strace's lines: "PID name(args) = result"; where another thread's call came between, the second part has no arguments.
  private mutating func read(_ lines: String, _ place: Place) {
    for line in lines.split(separator: "\n") {
      let call = line.drop { $0 != " " }.drop { $0 == " " }
      guard let bracket = call.firstIndex(of: "("), !call.hasPrefix("<") else { continue }
      let (name, arguments) = (call[..<bracket], call[call.index(after: bracket)...])
      if arguments.contains("\"POST /") {
        text += "post\n"
        continue
      }
      let paths = Self.pieces(of: arguments, from: "<", to: ">")
      let strings = Self.pieces(of: arguments, from: "\"", to: "\"")
      switch name {
      case "write", "pwrite64", "writev", "pwritev", "pwritev2":
        guard let path = paths.first.flatMap({ Self.label($0, place) }), path != "@D" else { continue }
        let offset = name == "pwrite64" && !path.hasSuffix("-wal") ? Self.numbers(in: arguments).last ?? 0 : -1
        text += "write \(path) \(Self.size(of: arguments, name)) \(offset)\n"
      case "fsync", "fdatasync":
        guard let path = paths.first.flatMap({ Self.label($0, place) }) else { continue }
        text += (name == "fsync" ? "fsync " : "datasync ") + path + "\n"
      case "rename", "renameat", "renameat2", "linkat":
        // A file without a name gets one by way of /proc.
        let full = Self.full(strings, paths)
        guard full.count == 2, let target = Self.label(full[1], place) else { continue }
        let isNameless = full[0].hasPrefix("/proc/self/fd/")
        guard let from = isNameless ? "@D/#" : Self.label(full[0], place) else { continue }
        text += (name == "linkat" && !isNameless ? "link " : "rename ") + from + " " + target + "\n"
      default:
        guard let path = Self.full(strings, paths).first.flatMap({ Self.label($0, place) }) else { continue }
        text += "unlink \(path)\n"
      }
    }
  }

  // A path as replay.c has it; nil for what is neither in the folder nor in the state.
  private static func label(_ path: String, _ place: Place) -> String? {
    func below(_ folder: String, _ sign: String) -> String? {
      guard path == folder || path.hasPrefix(folder + "/") else { return nil }
      let rest = path.dropFirst(folder.count)
      // A file without a name is shown with its inode.
      if rest.hasPrefix("/#") { return sign + "/#" }
      return sign + rest.replacingOccurrences(of: "p3.", with: "%.").replacingOccurrences(of: " ", with: "_")
    }
    return below(place.drop, "@D") ?? below(place.state, "@S")
  }

  // Names with the folder that each is relative to.
  private static func full(_ names: [String], _ folders: [String]) -> [String] {
    names.enumerated().map { index, name in
      name.hasPrefix("/") || folders.isEmpty ? name : folders[min(index, folders.count - 1)] + "/" + name
    }
  }

  private static func size(of arguments: Substring, _ name: Substring) -> Int {
    guard name.contains("writev") else {
      let numbers = numbers(in: arguments)
      return numbers.dropLast(name == "pwrite64" ? 1 : 0).last ?? 0
    }
    return arguments.components(separatedBy: "iov_len=").dropFirst().reduce(0) { sum, rest in
      sum + (Int(rest.prefix { $0.isNumber }) ?? 0)
    }
  }

  // The numbers that stand behind the strings: sizes and offsets. What a call returned is no argument.
  private static func numbers(in arguments: Substring) -> [Int] {
    let behind = arguments.lastIndex(of: "\"").map { arguments[arguments.index(after: $0)...] } ?? arguments
    return behind.prefix { $0 != ")" && $0 != "<" }.split { !$0.isNumber }.compactMap { Int($0) }
  }

  private static func pieces(of text: Substring, from open: Character, to close: Character) -> [String] {
    var found: [String] = []
    var rest = text
    while let start = rest.firstIndex(of: open) {
      let inner = rest[rest.index(after: start)...]
      guard let end = inner.firstIndex(of: close) else { break }
      found.append(String(inner[..<end]))
      rest = inner[inner.index(after: end)...]
    }
    return found
  }
}
