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
