/// Finds the word that was probably meant.
public enum Suggestion {
  /// The candidate nearest to `word` by edit distance, if it is near enough to be a slip of the fingers.
  public static func nearest(to word: String, in candidates: [String]) -> String? {
    let ranked = candidates.map { ($0, distance(word.lowercased(), $0.lowercased())) }.min { $0.1 < $1.1 }
    guard let (candidate, distance) = ranked, distance <= max(1, candidate.count / 3) else { return nil }
    return candidate
  }

  // Levenshtein, one row at a time. Words longer than any key are cut: they are near to none anyway.
  private static func distance(_ a: String, _ b: String) -> Int {
    let a = Array(a.prefix(64)), b = Array(b.prefix(64))
    var row = Array(0...b.count)
    for (i, x) in a.enumerated() {
      var diagonal = row[0]
      row[0] = i + 1
      for (j, y) in b.enumerated() {
        let substituted = diagonal + (x == y ? 0 : 1)
        diagonal = row[j + 1]
        row[j + 1] = min(substituted, row[j] + 1, row[j + 1] + 1)
      }
    }
    return row[b.count]
  }
}
