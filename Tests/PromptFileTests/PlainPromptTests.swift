import JobCore
import PromptFile
import TestKit
import Testing

/// Plain ASCII is understood by a shorter way. A byte order mark makes no difference to the meaning, and takes any text out
/// of it.
@Suite struct PlainPromptTests {
  private static let pieces = [
    "a", "red fox", "---", "--", "-", "- ", "+++", "===", "***", "___", "~~~", "```", "`", "\n", "\n\n", "\t", " ",
    "  ", ":",
    ": ", "model", "model:", "Model :", "\"hold\": true", "'count':1", "require_images: yes", "require-images:",
    "image size: 2k", "extra = 1", "#", "# x", "<", "<<<<<<< a", ">>>>>>> b", "<<<<<<< ", ">>>>>>> ", "\r", "\r\n",
    "\0",
    "\u{0B}", "\u{0C}", "\u{1A}", "\u{1B}", "\u{7F}", "\u{A0}", "\u{85}", "\u{2028}", "\u{FEFF}", "\u{200B}", "é", "：",
    "\u{2014}", "🦊", "a photograph of a fox, which is red: it runs", "0123456789", "16:9", "prompt:", "[x]", "{y: z}",
    "\\",
    "\"", ".",
  ]

  private static func outcome(_ text: String) -> Result<PromptRequest, JobError> {
    Result { () throws(JobError) in try understand(text) }
  }

  @Test func `The short way understands what the long one does`() {
    var random = SplitMix64(seed: 12)
    for round in 0..<20_000 {
      let text = (0..<Int.random(in: 0...7, using: &random)).map { _ in Self.pieces.randomElement(using: &random) ?? ""
      }
      .joined()
      let (short, long) = (Self.outcome(text), Self.outcome("\u{FEFF}" + text))
      #expect(short == long, "round \(round): \(text.debugDescription)")
      if short != long { return }
    }
  }

  @Test(arguments: [
    "x: model", "model: y\n---\nfox", "  hold: true\n---\nfox", "require_images: no\n---\nfox",
    "12\nmodel: y\n---\nfox",
    "a fox and a hare: on a hill\n---\nfox", "\n\n\tcount: 3\n\n---\nfox", "---\nfox", "--- \n---\nfox",
  ])
  func `What is or may be front matter is seen as it was`(text: String) {
    #expect(Self.outcome(text) == Self.outcome("\u{FEFF}" + text))
  }

  @Test func `Long text is kept to the letter`() throws {
    let line = String(repeating: "a fox, and a hare; ", count: 3000)
    let request = try understand("\n \t" + line + "\n\n" + line + "\n")
    #expect(request.snapshot.prompt == line + "\n\n" + line.dropLast())
  }
}

/// What the defaults of a folder say is remembered, and only as long as they say it.
@Suite struct RememberedDefaultsTests {
  private static let root = RootID(1)
  private static let file = FileKey(root: root, path: DropPath("a/b/cat.prompt"))

  private static func defaults(_ texts: [String]) -> [(FileKey, [UInt8])] {
    zip(texts, ["a/b/.promptdrop.yaml", "a/.promptdrop.yaml", ".promptdrop.yaml"]).map { text, path in
      (FileKey(root: root, path: DropPath(path)), Array(text.utf8))
    }
  }

  @Test func `One reader for all gives what a new one for each does`() {
    let texts = [
      "model: x", "model: y", "owner: desk", "owner: other", "owner: [", "exclude: '*.prompt'", "exclude: [dog.prompt]",
      "exclude: [/b/cat.prompt]", "exclude: ['[']", "exclude: ['/x/y/../z']", "count: 2\nhold: true",
      "aspect_ratio: 9:9",
      "extra: {a: 1}", "", "# none", "nothing: 1",
    ]
    let options = PromptReader.Options(model: "m", agentName: "desk")
    let reader = PromptReader(options)
    var random = SplitMix64(seed: 7)
    for _ in 0..<2000 {
      let chosen = (0..<Int.random(in: 0...3, using: &random)).map { _ in texts.randomElement(using: &random) ?? "" }
      let defaults = Self.defaults(chosen)
      let fresh = PromptReader(options)
      let ask = { (reader: PromptReader) in
        Result { () throws(JobError) in
          try reader.understand(prompt: Array("fox".utf8), list: nil, file: Self.file, defaults: defaults)
        }
      }
      #expect(ask(reader) == ask(fresh), "\(chosen)")
      #expect(reader.owner(defaults.map(\.1)) == fresh.owner(defaults.map(\.1)), "\(chosen)")
      #expect(reader.fingerprint(defaults.map(\.1)) == fresh.fingerprint(defaults.map(\.1)), "\(chosen)")
    }
  }
}
