import Foundation
import JobCore
import PromptFile
import TestKit
import Testing

/// Whatever strangers write: a result or a presentable refusal, soon, and the same one every time.
@Suite struct FuzzTests {
  private static let samples = [
    "a red fox\r\nin the snow", "---\nmodel: google/gempix2\ncount: 2\nhold: true\n---\na fox",
    "---\nimages: [a.png, 'https://i.example/x?y=1']\naspect_ratio: 16:9\nimage_size: 2K\n---\nfox",
    "---\nextra: {seed: 7, list: [1, two, [3.5, ~]], deep: {a: {b: \"c\"}}}\nrequire_images: yes\n---\nfox",
    "---\nextra:\n  a: &a [x, y]\n  b: *a\n  c: |\n    words\n    more\n  d: >-\n    folded\n---\nfox\n---\n",
    "\u{FEFF}---\r\nmodel: \"a \\u263A\"\r\n---\r\nfüchse 🦊", "<<<<<<< HEAD\na\n=======\nb\n>>>>>>> c",
  ]
  private static let pieces = [
    "---\n", "\n", "\r", "\r\n", ": ", "- ", "[", "]", "{", "}", "\"", "'", "&a ", "*a", "!!int ", "!<", "|\n", ">-\n",
    "? ",
    "# ", "\t", "%YAML 1.2\n", "...\n", "\u{FEFF}", "\0", "\u{85}", "\u{2028}", "\\x", "\\u{", "model: ", "extra: ",
    "count: ", "images: ", "hold: ", "aspect_ratio: ", "16:9", "0x10", "1e309", "-", "~", "<<: ", "=", "@", "`", "🦊",
    "e\u{301}", "../", "http://", "file:", "<<<<<<< ", ">>>>>>> ", " ", "  ", "a",
  ]

  /// Records what is wrong, one case of a kind.
  private struct Watch {
    let seed: UInt64
    var round = 0
    var spent = Duration.zero
    var reported: Set<String> = []

    mutating func look(at understanding: Understanding) async {
      round += 1
      spent += cost { check(understanding) }
      // Other tests want the threads too.
      if round % 20 == 0 { await Task.yield() }
    }

    private mutating func check(_ understanding: Understanding) {
      do throws(JobError) {
        let request = try understanding.result()
        let isSound =
          !request.snapshot.prompt.isEmpty && request.promptSHA.utf8.count == 64 && request.sourceSHA.utf8.count == 64
          && request.images.count <= 4 && (1...16).contains(request.count) && !request.snapshot.model.isEmpty
        if !isSound { tell("unsound", "\(request)") }
        for case .local(let path) in request.images where !path.isOrdinary { tell("path", path.display) }
      } catch {
        if !error.isPresentable {
          let prompt = String(decoding: understanding.prompt, as: UTF8.self)
          tell(error.code.rawValue, "\(String(reflecting: error)) of \(prompt.debugDescription)")
        }
      }
    }

    private mutating func tell(_ kind: String, _ what: String) {
      if reported.insert(kind).inserted { Issue.record("seed \(seed), round \(round): \(what)") }
    }
  }

  @Test(arguments: SplitMix64.seeds(4))
  func `Random bytes`(seed: UInt64) async {
    var random = SplitMix64(seed: seed)
    var watch = Watch(seed: seed)
    for _ in 0..<4000 {
      var bytes = (0..<Int.random(in: 0..<80, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
      if random.percent(50) { bytes = bytes.map { $0 & 0x7F } }
      if random.percent(50) { bytes = Array("---\n".utf8) + bytes + Array("\n---\nfox".utf8) }
      await watch.look(at: Understanding(bytes: bytes, list: random.percent(30) ? bytes.reversed() : nil))
    }
    #expect(watch.spent < .seconds(10))
  }

  @Test(arguments: SplitMix64.seeds(4))
  func `Random YAML`(seed: UInt64) async {
    var random = SplitMix64(seed: seed)
    var watch = Watch(seed: seed)
    for round in 0..<4000 {
      let text = (0..<Int.random(in: 1..<14, using: &random)).map { _ in random.one(of: Self.pieces) }.joined()
      switch round % 3 {
      case 0: await watch.look(at: Understanding("---\n\(text)\n---\nfox"))
      case 1: await watch.look(at: Understanding("---\nextra: \(text)\n---\nfox", list: text))
      default: await watch.look(at: Understanding("fox").under(("a", text), ("", "model: m")))
      }
    }
    #expect(watch.spent < .seconds(10))
  }

  @Test(arguments: SplitMix64.seeds(4))
  func `Damaged prompts`(seed: UInt64) async {
    var random = SplitMix64(seed: seed)
    var watch = Watch(seed: seed)
    for _ in 0..<4000 {
      var bytes = Array(random.one(of: Self.samples).utf8)
      for _ in 0...Int.random(in: 0..<4, using: &random) where !bytes.isEmpty {
        let at = Int.random(in: bytes.indices, using: &random)
        switch Int.random(in: 0..<5, using: &random) {
        case 0: bytes[at] = UInt8.random(in: 0...255, using: &random)
        case 1: bytes.remove(at: at)
        case 2: bytes.removeSubrange(at...)
        case 3: bytes.insert(contentsOf: random.one(of: Self.pieces).utf8, at: at)
        default: bytes.insert(contentsOf: bytes[at...], at: Int.random(in: bytes.indices, using: &random))
        }
      }
      await watch.look(at: Understanding(bytes: bytes))
    }
    #expect(watch.spent < .seconds(10))
  }

  @Test(arguments: SplitMix64.seeds(2))
  func `The same bytes mean the same`(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    for _ in 0..<300 {
      let text = random.one(of: Self.samples) + random.one(of: Self.pieces)
      let twice = (0..<2).map { _ in Result { try understand(text) } }
      switch (twice[0], twice[1]) {
      case (.success(let a), .success(let b)): #expect(a == b)
      case (.failure(let a), .failure(let b)): #expect("\(a)" == "\(b)")
      default: Issue.record("\(text.debugDescription)")
      }
    }
  }
}

extension DropPath {
  /// Whether no part is empty, leads upwards, or has a NUL.
  fileprivate var isOrdinary: Bool {
    bytes.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false).allSatisfy {
      !$0.isEmpty && !$0.elementsEqual("..".utf8) && !$0.contains(0)
    }
  }
}
