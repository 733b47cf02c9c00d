import JobCore
import PromptFile
import Testing

@Suite struct PromptTextTests {
  private static let foxSHA = "647c3a6520b87d387c85a08faff768cf92f436d1477dabb951d7c6417813beb4"

  @Test(arguments: [
    "a red fox", "a red fox\n", "\u{FEFF}a red fox", "\n\n a red fox \t\n", "\r\na red fox\r\n", "a red fox\u{A0}",
    "\u{FEFF}\r\n a red fox\r", "\u{2003}a red fox\u{3000}", "a red fox\u{0B}\u{0C}", "a red fox\u{1A}",
  ])
  func `A mark, line ends and outer white space make no difference`(text: String) throws {
    let request = try understand(text)
    #expect(request.snapshot.prompt == "a red fox")
    #expect(request.promptSHA == Self.foxSHA)
    #expect(request.sourceSHA == (try understand("a red fox").sourceSHA))
  }

  @Test(arguments: [
    "---\nmodel: m\nextra: {a: 1}\n---\nfox\n\nhare", "---\r\nmodel: m\r\nextra: {a: 1}\r\n---\r\nfox\r\n\r\nhare\r\n",
    "---\rmodel: m\rextra: {a: 1}\r---\rfox\r\rhare\r",
    "\u{FEFF}---\nmodel: m\nextra: {a: 1}\n---\n\n\nfox\n\nhare\n\n",
    "--- \nmodel: m  \nextra: {a: 1}\n---\t\n  fox\r\n\rhare",
  ])
  func `The same holds with front matter`(text: String) throws {
    let wanted = try understand("---\nmodel: m\nextra: {a: 1}\n---\nfox\n\nhare")
    let request = try understand(text)
    #expect(request == wanted)
    #expect(request.snapshot.prompt == "fox\n\nhare")
  }

  @Test func `Front matter with doubled carriage returns is front matter`() throws {
    let request = try understand("---\r\r\nhold: true\r\r\n---\r\r\nfox")
    #expect(request.hold)
    #expect(request.snapshot.prompt == "fox")
  }

  @Test(arguments: ["a  red fox", "a red fox.", "A red fox", "a\nred fox", "a red\u{200B} fox", "a red fox\u{301}"])
  func `Inner white space and every letter make a difference`(text: String) throws {
    let request = try understand(text)
    #expect(request.promptSHA != Self.foxSHA)
    #expect(request.sourceSHA != (try understand("a red fox").sourceSHA))
  }

  @Test func `Composed and decomposed letters are reported apart`() throws {
    #expect(try understand("caf\u{E9}").promptSHA != (try understand("cafe\u{301}").promptSHA))
  }

  @Test(
    arguments: [
      [0xFF, 0xFE, 0x61, 0x00], [0xFE, 0xFF, 0x00, 0x61], [0x61, 0xE9, 0x62], [0xC0, 0x80], [0xED, 0xA0, 0x80],
      [0xF5, 0x80, 0x80, 0x80], [0x61, 0xC3], [0x80], [0xEF, 0xBB, 0xBF, 0xFF], [0xEF, 0xBB],
    ] as [[UInt8]])
  func `What is not UTF-8 is refused`(bytes: [UInt8]) throws {
    let error = try Understanding(bytes: bytes).refusal()
    #expect(error.code == "not-utf8")
    #expect(error.hint?.contains("UTF-8") == true)
    #expect(try Understanding(bytes: Array("fox".utf8), list: bytes).refusal().code == "not-utf8")
  }

  @Test(arguments: [false, true])
  func `UTF-16 without a mark is refused, for no prompt has NUL in every other place`(isLittle: Bool) throws {
    let bytes = "a red fox".utf16.flatMap { unit -> [UInt8] in
      let pair = [UInt8(unit >> 8), UInt8(unit & 0xFF)]
      return isLittle ? pair.reversed() : pair
    }
    #expect(try Understanding(bytes: bytes).refusal().code == "not-utf8")
  }

  @Test(arguments: [
    "", " ", "\n\r\n\t", "\u{FEFF}", "\u{FEFF}\n", "---\ncount: 2\n---", "---\ncount: 2\n---\n \n", "---\n---",
    "\0\0\0",
    "\u{3000}\u{A0}",
  ])
  func `No text is no error yet`(text: String) throws {
    let error = try refusal(text)
    #expect(error.code == "empty")
    #expect(error.retryable)
  }

  @Test(arguments: [
    "a fox\n<<<<<<< HEAD\nred\n=======\nwhite\n>>>>>>> theirs\n",
    "<<<<<<< HEAD\r\nred\r\n=======\r\nwhite\r\n>>>>>>> 1a2b3c\r\n",
    "---\n<<<<<<< HEAD\nmodel: a\n=======\nmodel: b\n>>>>>>> theirs\n---\nfox",
    "<<<<<<< HEAD\n---\nmodel: a\n---\nred\n=======\nwhite\n>>>>>>> theirs",
    "---\nmodel: a\n<<<<<<< HEAD\n---\nred\n=======\nfox\n>>>>>>> theirs",
    "<<<<<<< HEAD\na\n||||||| base\nb\n=======\nc\n>>>>>>> theirs",
  ])
  func `Conflict markers are refused`(text: String) throws {
    let error = try refusal(text)
    #expect(error.code == "git-conflict")
    #expect(error.hint != nil)
  }

  @Test(arguments: [
    "shift left is <<<<<<< HEAD\nand right >>>>>>> x", "a\n=======\nb", "<<<<<<< HEAD", "<<<<<<<<<< art",
  ])
  func `A prompt that only looks a little like one is taken`(text: String) throws {
    #expect(try understand(text).snapshot.prompt == text)
  }

  @Test func `A long prompt is read quickly`() throws {
    let text = String(repeating: "\r\n\u{1F98A} ", count: 100_000) + "end"
    var prompt = ""
    let cost = try cost { prompt = try understand(text).snapshot.prompt }
    #expect(prompt.hasSuffix("end"))
    #expect(cost < .seconds(5))
  }
}
