import NIOHTTP1

/// An answer with 206, which nobody asked for: it is the whole, unless it says otherwise (RFC 9110 §14.4).
struct PartialAnswer {
  /// Whether all of it is there, as far as the answer says.
  let isWhole: Bool

  init(_ headers: HTTPHeaders) {
    if headers.first(name: "Content-Type")?.lowercased().hasPrefix("multipart/byteranges") == true {
      isWhole = false
    } else if let range = headers.first(name: "Content-Range") {
      isWhole = Self.isWhole(range)
    } else {
      isWhole = true
    }
  }

  // `bytes 0-99/100`; of `bytes 0-99/*` nobody knows whether there is more.
  private static func isWhole(_ range: String) -> Bool {
    guard let match = range.wholeMatch(of: /\s*(?i:bytes)\s+0\s*-\s*(\d{1,18})\s*\/\s*(\d{1,18})\s*/),
      let last = Int(match.output.1), let total = Int(match.output.2)
    else { return false }
    return last + 1 == total
  }
}
