import Foundation

/// Durations as users write them: `500ms`, `2s`, `5m`, `2h`, `30d`.
enum DurationText {
  private static let units: [(word: String, length: Duration)] = [
    ("d", .seconds(86_400)), ("h", .seconds(3600)), ("m", .seconds(60)), ("s", .seconds(1)), ("ms", .milliseconds(1)),
  ]

  static func parse(_ text: String) -> Duration? {
    // By bytes: a regular expression would be all that the start of the program needs such an engine for.
    let digits = text.utf8.prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    guard (1...9).contains(digits.count), let number = Int(Substring(digits)),
      let unit = units.first(where: { $0.word.utf8.elementsEqual(text.utf8.dropFirst(digits.count)) })
    else { return nil }
    return unit.length * number
  }

  /// In the largest unit that divides it; a single day is 24 hours.
  static func written(_ duration: Duration) -> String {
    for (word, length) in units where duration >= length && (word != "d" || duration > length) {
      let (seconds, attoseconds) = length.components
      let (own, rest) = duration.components
      if seconds > 0, rest == 0, own % seconds == 0 { return "\(own / seconds)\(word)" }
      if seconds == 0 { return "\((own * 1_000_000_000_000_000_000 + rest) / attoseconds)\(word)" }
    }
    return "0s"
  }
}

/// Lists as users write them: with commas, but for those in braces: `{a,b}` is one entry.
enum ListText {
  static func parse(_ text: String) -> [String] {
    var parts = [""]
    var depth = 0
    for character in text {
      depth = max(0, depth + (character == "{" ? 1 : character == "}" ? -1 : 0))
      if character == ",", depth == 0 { parts.append("") } else { parts[parts.count - 1].append(character) }
    }
    if depth > 0 { parts = text.split(separator: ",").map(String.init) }
    return parts.map { $0.trimmingCharacters(in: .whitespaces) }.filter { !$0.isEmpty }
  }
}
