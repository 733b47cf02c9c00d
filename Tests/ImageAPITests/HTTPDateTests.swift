import JobCore
import TestKit
import Testing

@testable import ImageAPI

@Suite struct HTTPDateTests {
  @Test(arguments: [
    ("Sun, 06 Nov 1994 08:49:37 GMT", 784_111_777), ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
    ("Sat, 31 Jan 2026 09:00:00 GMT", 1_769_850_000), ("Thu, 29 Feb 2024 23:59:59 GMT", 1_709_251_199),
  ])
  func `The form that HTTP prefers is read`(text: String, seconds: Int64) {
    #expect(HTTPDate.parse(text) == Timestamp(milliseconds: seconds * 1000))
  }

  @Test(arguments: [
    "", "7", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 08:49:37 UTC", "Sun, 06 Nov 1994 08:49:37 +0000",
    "Sun, 6 Nov 1994 08:49:37 GMT", "Sun, 06 Now 1994 08:49:37 GMT", "Sun, 31 Feb 2025 00:00:00 GMT",
    "Sun, 06 Nov 1994 25:00:00 GMT", "Sun, 06 Nov 94 08:49:37 GMT", "Sun, 06 Nov 1994 08-49-37 GMT",
    "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994", "Sun, 0x Nov 1994 08:49:37 GMT",
    "Sun, ٠٦ Nov 1994 08:49:37 GMT", "Sun, 06 Nov 🦊🦊🦊🦊 08:49:37 GMT", "Sun, 06 Nov -994 08:49:37 GMT",
  ])
  func `Anything else is no date`(text: String) {
    #expect(HTTPDate.parse(text) == nil)
  }

  @Test(arguments: SplitMix64.seeds())
  func `Damaged dates never crash`(seed: UInt64) async {
    var random = SplitMix64(seed: seed)
    let pieces: [Character] = Array("0123456789 :,-+GMTé🦊\u{0}\u{301}JanFeb")
    for round in 0..<4000 {
      if round % 100 == 0 { await Task.yield() }
      var text = Array("Sun, 06 Nov 1994 08:49:37 GMT")
      for _ in 0...Int.random(in: 0..<4, using: &random) {
        text[Int.random(in: text.indices, using: &random)] = random.one(of: pieces)
      }
      if let date = HTTPDate.parse(String(text)) { #expect(date >= Timestamp(milliseconds: -62_200_000_000_000)) }
    }
  }
}
