import JobCore
import PromptFile
import Testing

/// What was probably meant as front matter, and is not written like it.
@Suite struct MeantFrontMatterTests {
  private func doubt(_ text: String) throws -> (message: String, hint: String)? {
    let request = try understand(text)
    guard let doubt = request.doubts.first else { return nil }
    guard case .unclear(.frontMatterUnclear, let message, let hint) = doubt else {
      Issue.record("another doubt: \(doubt)")
      return nil
    }
    return (message, hint)
  }

  @Test(arguments: [
    "----", "-----", "\u{2014}", "\u{2014}-", "\u{2013}\u{2013}\u{2013}", "\u{2212}\u{2212}\u{2212}", "--", "+++",
    "```", "```yaml", "~~~", "~~~ yaml", "===", "***", "___", "--- yaml", "---yaml", "\u{200B}---", "\u{2060}---",
    "\u{FEFF}\u{200E}---", "\u{AD}---", "---\u{200B}", "\u{200B}\n---", "\u{E0001}---",
  ])
  func `Other fences count where a known key follows`(fence: String) throws {
    let text = "\(fence)\nhold: true\n\(fence)\na red fox"
    let found = try #require(try doubt(text), "\(DropPath.display(Array(fence.utf8)))")
    #expect(found.message.contains("front matter"))
    let hidden = found.message.unicodeScalars.filter { $0.isInvisible }
    #expect(hidden.isEmpty, "what cannot be seen is shown")
    #expect(found.hint.contains("promptdrop approve FILE"))
    // Approved, the whole text is the prompt.
    #expect(try understand(text).snapshot.prompt.hasSuffix("a red fox"))
    #expect(try understand(text).snapshot.prompt.contains("hold: true"))
    #expect(try doubt("\(fence)\na red fox\n\(fence)\nin the snow") == nil, "no key follows")
  }

  @Test(arguments: [
    "---- \n# mine\ntitle: x\nModel: m\n----\nfox", "----\n\n\"count\": 2\n----\nfox", "----\naspect-ratio: 1:1\nfox",
    "+++\ncount = 2\n+++\nfox", "```\n---\nmodel: m\n---\n```\nfox", "----\nextra:\n  seed: 1\n----\nfox",
    "model: m\nhold: true\n---\nfox", "----\nimages：a.png\n----\nfox", "----\r\nhold: true\r\n----\r\nfox",
    "----\u{2028}hold: true\u{2028}----\u{2028}fox",
  ])
  func `Keys are found as people write them`(text: String) throws {
    #expect(try doubt(text) != nil)
  }

  @Test(arguments: [
    "a red fox", "----\na red fox\nmodel: x", "```\nprint(1)\n```", "----\ncount = 2\n----\nfox", "model: a tall woman",
    "model: a tall woman\nin the rain\n---\nblue", "- images: many", "A \u{2014} B\nmodel: x", "----", "----\n\n",
    "# Title\nhold: x", "+++\ntitle = \"x\"\n+++\nfox",
  ])
  func `A text that only looks a little like it is a text`(text: String) throws {
    #expect(try doubt(text) == nil)
  }

  @Test func `Front matter itself is not in doubt`() throws {
    #expect(try doubt("---\nhold: true\n---\n----\nmodel: x\n----\nfox") == nil)
  }

  @Test func `The text and its hash are what they were`() throws {
    // As the version before this one had it.
    let text = "----\ncount: 2\n----\nfox"
    let (plain, spaced) = (try understand(text), try understand("\n" + text + "\n"))
    #expect(plain.promptSHA == spaced.promptSHA && plain.sourceSHA == spaced.sourceSHA)
    #expect(plain.snapshot.prompt == text)
  }

  @Test func `A megabyte takes no time`() throws {
    let text = "----\n" + String(repeating: "a: b\n", count: 200_000)
    let cost = try cost { _ = try understand(text) }
    #expect(cost < .seconds(2))
  }
}
