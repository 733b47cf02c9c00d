import Foundation
import ProgramKit
import TestKit
import Testing

extension Mounts {
  /// Names as they occur: each is taken, or it is said why not where a person looks.
  @Suite struct Names {
    /// Names without `.prompt`, byte by byte.
    static let taken: [[UInt8]] = [
      "with space", "  two  spaces ", "line\nfeed", "tab\there", "it's", "\"quoted\"", "back\\slash", "$(rm -rf x)",
      "*?[a]",
      "-rf", "--help", "a%20b", "ünï", "über", "u\u{0308}ber", "日本語", "🐱", "a.b.c", "cat.v1", "cat-2", "semi;colon",
      "&",
      "\u{202E}rtl", "\u{7F}\u{1}\u{1B}[31m", String(repeating: "x", count: 231),
      "…" + String(repeating: "ä", count: 114),
    ].map { Array($0.utf8) }

    // A path of bytes: not every name is text.
    private static func path(_ folder: String, _ name: some Sequence<UInt8>) -> [CChar] {
      (Array(folder.utf8) + [UInt8(ascii: "/")] + name + [0]).map { CChar(bitPattern: $0) }
    }

    private static func write(_ folder: String, _ name: [UInt8], _ text: String) throws {
      let descriptor = open(path(folder, name), O_WRONLY | O_CREAT | O_CLOEXEC, 0o644)
      try #require(descriptor >= 0, "\(String(decoding: name, as: UTF8.self)): \(errno)")
      defer { close(descriptor) }
      #expect(Foundation.write(descriptor, text, text.utf8.count) == text.utf8.count)
    }

    /// The names in a folder, byte by byte.
    private static func list(_ folder: String) throws -> Set<[UInt8]> {
      let stream = try #require(opendir(folder))
      defer { closedir(stream) }
      var names: Set<[UInt8]> = []
      while let entry = readdir(stream) {
        names.insert(withUnsafeBytes(of: &entry.pointee.d_name) { Array($0.prefix { $0 != 0 }) })
      }
      return names
    }

    @Test(arguments: ["auto", "poll"]) func eachIsTaken(_ mode: String) async throws {
      let bench = try await Fixture()
      let agent = try await bench.agent(["--watch-mode": mode], folders: ["drop"])
      defer { agent.terminate(SIGKILL) }
      let drop = bench.root.path("drop")
      for (number, name) in Self.taken.enumerated() {
        try Self.write(drop, name + Array(".prompt".utf8), "picture \(number)")
        // The same as folders.
        let folder = "drop/f\(number)/" + String(decoding: name, as: UTF8.self)
        try bench.root.write("\(folder)/x.prompt", "in folder \(number)")
      }
      let files = Self.taken.flatMap { [$0 + Array(".png".utf8), $0 + Array(".status.json".utf8)] }
      try await eventually(within: .seconds(40), "all are made: \(agent.standardError.suffix(3000))") {
        try Self.list(drop).isSuperset(of: files)
      }
      for (number, name) in Self.taken.enumerated() {
        try await bench.waitFor("drop/f\(number)/\(String(decoding: name, as: UTF8.self))/x", "done")
      }
      let count = 2 * Self.taken.count
      #expect(bench.posts.count == count && Set(bench.paid).count == count, "\(bench.paid) \(agent.standardError)")
    }

    /// A name that may be refused: `status` or the log says so then.
    enum Odd: String, CaseIterable, Sendable {
      case notText, notTextFolder, upperCase, mixedCase, sidecarDoesNotFit, wholeName, folderOfWholeName

      /// The file's path, byte by byte, and a part of it that can be recognised in a message.
      var path: (bytes: [UInt8], known: String) {
        func text(_ text: String, _ known: String? = nil) -> ([UInt8], String) { (Array(text.utf8), known ?? text) }
        switch self {
        case .notText: return (Array("caf".utf8) + [0xE9, 0xFF] + Array("zwei.prompt".utf8), "zwei.prompt")
        case .notTextFolder: return (Array("d".utf8) + [0xC3, 0x28] + Array("drei/cat.prompt".utf8), "drei/cat.prompt")
        case .upperCase: return text("CAT.PROMPT")
        case .mixedCase: return text("Cat.Prompt")
        // `.status.json` is five bytes longer than `.prompt`.
        case .sidecarDoesNotFit: return text(String(repeating: "y", count: 232) + ".prompt", "yyyyyyyy")
        case .wholeName: return text(String(repeating: "z", count: 248) + ".prompt", "zzzzzzzz")
        case .folderOfWholeName: return text(String(repeating: "w", count: 255) + "/cat.prompt", "wwwwwwww")
        }
      }
      var mustBeRefused: Bool { self == .sidecarDoesNotFit || self == .wholeName }
    }

    @Test(arguments: Odd.allCases, ["auto", "poll"])
    func isTakenOrRefusedAloud(_ odd: Odd, _ mode: String) async throws {
      let bench = try await Fixture()
      let agent = try await bench.agent(["--watch-mode": mode], folders: ["drop"])
      defer { agent.terminate(SIGKILL) }
      let (bytes, known) = odd.path
      let drop = bench.root.path("drop")
      // Foundation cannot remove what has no text for a name; nothing is to be said of a folder that has gone before.
      defer { _ = try? Machine.run("rm", ["-rf", drop]) }
      if let slash = bytes.lastIndex(of: UInt8(ascii: "/")) {
        #expect(mkdir(Self.path(drop, bytes[..<slash]), 0o755) == 0)
      }
      try Self.write(drop, bytes, "odd")
      try bench.root.write("drop/marker.prompt", "marker")
      try await bench.waitFor("drop/marker", "done")
      try await eventually(within: .seconds(10), "it is taken, or it is said why not: \(agent.standardError)") {
        if bench.paid.contains("odd") { return true }
        let inLog = agent.standardError.split(separator: "\n").contains {
          $0.contains(known) && ($0.contains("\"warning\"") || $0.contains("\"error\""))
        }
        return try await bench.reported().waiting.contains { $0.file.contains(known) && $0.message?.isEmpty == false }
          && inLog
      }
      #expect(!odd.mustBeRefused || !bench.paid.contains("odd"), "nothing is paid for that cannot be noted beside it")
      if bench.paid.contains("odd") {
        try await eventually("its sidecar says so") {
          try Machine.shell("grep -rl '\"done\"' . | wc -l", in: drop).contains("2")
        }
      }
      // The others go on, and nothing is done twice.
      try bench.root.write("drop/after.prompt", "after")
      try await bench.waitFor("drop/after", "done")
      #expect(bench.paid.count { $0 == "odd" } <= 1 && agent.ending == nil, "\(agent.standardError)")
    }
  }
}
