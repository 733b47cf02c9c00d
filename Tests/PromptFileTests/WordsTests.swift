import JobCore
import Testing

@testable import PromptFile

@Suite struct SuggestionTests {
  private static let keys = ["model", "images", "aspect_ratio", "count", "hold"]

  @Test(arguments: [
    ("modl", "model"), ("models", "model"), ("MODEL", "model"), ("aspectratio", "aspect_ratio"), ("imgaes", "images"),
    ("hols", "hold"), ("aspect_rtio", "aspect_ratio"), ("cuont", "count"), ("hodl", "hold"),
  ])
  func `A slip of the fingers finds the word`(word: String, meant: String) {
    #expect(Suggestion.nearest(to: word, in: Self.keys) == meant)
  }

  @Test(arguments: ["", "zebra", "x", "modus operandi", "ratio", "🦊", String(repeating: "model", count: 1000)])
  func `Anything else finds none`(word: String) {
    #expect(Suggestion.nearest(to: word, in: Self.keys) == nil)
  }

  @Test func `No candidates, no suggestion`() {
    #expect(Suggestion.nearest(to: "model", in: []) == nil)
    #expect(Suggestion.nearest(to: "", in: [""]) == "" || Suggestion.nearest(to: "", in: [""]) == nil)
  }

  @Test func `The nearest wins over the first`() {
    #expect(Suggestion.nearest(to: "statuss", in: ["stats", "status"]) == "status")
  }
}

@Suite struct GlobTests {
  @Test(arguments: [
    ("*.tmp", "x.tmp"), ("*.tmp", "a/b/x.tmp"), ("drafts", "drafts/x"), ("drafts", "a/drafts/x"),
    ("drafts/", "drafts/x"),
    ("/drafts", "drafts/x"), ("a/b", "a/b"), ("a/b", "a/b/c/d"), ("a/*.x", "a/b.x"), ("a/*", "a/b/c"), ("*/c", "a/b/c"),
    ("*", "x"), ("[ab]", "b"), ("[!a]", "b"), ("a\\*", "a*"), ("?", "x"), (".*", ".git/x"), ("[", "["),
    ("größe*", "größe ü"),
  ])
  func `Covers`(pattern: String, path: String) {
    #expect(Glob(pattern).covers(DropPath(path)))
  }

  @Test(arguments: [
    ("*.tmp", "x.tmpx"), ("drafts", "draft/x"), ("/drafts", "a/drafts/x"), ("a/b", "x/a/b"), ("a/b", "a/bc"), ("", "x"),
    ("/", "x"), ("a\\*", "ab"), ("x", ""), ("[!a]", "a"), ("A", "a"), ("?", "xy"), ("*", ""),
  ])
  func `Does not cover`(pattern: String, path: String) {
    #expect(!Glob(pattern).covers(DropPath(path)))
  }

  @Test func `Bytes that are no UTF-8 do no harm`() {
    #expect(Glob("a/*").covers(DropPath(bytes: Array("a/".utf8) + [0xFF, 0xFE])))
    #expect(!Glob("b").covers(DropPath(bytes: [0xFF, 0x2F, 0x80])))
  }

  @Test func `Many stars take no time`() {
    let name = String(repeating: "a", count: 250)
    let glob = Glob(String(repeating: "*a", count: 60) + "b")
    let cost = cost { #expect(!glob.covers(DropPath("x/\(name)/\(name)"))) }
    #expect(cost < .seconds(2))
  }
}
