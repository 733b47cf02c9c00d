/// Finds the word that was probably meant.
public enum Suggestion {
  /// The candidate nearest to `word` by edit distance, if it is near enough to be a slip of the fingers.
  public static func nearest(to word: String, in candidates: [String]) -> String? {
    let ranked = candidates.map { ($0, distance(word.lowercased(), $0.lowercased())) }.min { $0.1 < $1.1 }
    guard let (candidate, distance) = ranked, distance <= max(1, candidate.count / 3) else { return nil }
    return candidate
  }

  // Optimal string alignment: a swap of two neighbours counts as one slip. Words longer than any key are cut: they are
  // near to none anyway.
  private static func distance(_ a: String, _ b: String) -> Int {
    let a = Array(a.prefix(64)), b = Array(b.prefix(64))
    var rows = [Array(0...b.count)]
    for (i, x) in a.enumerated() {
      var row = [i + 1]
      for (j, y) in b.enumerated() {
        var best = min(rows[i][j] + (x == y ? 0 : 1), row[j] + 1, rows[i][j + 1] + 1)
        if i > 0, j > 0, x == b[j - 1], a[i - 1] == y { best = min(best, rows[i - 1][j - 1] + 1) }
        row.append(best)
      }
      rows.append(row)
    }
    return rows[a.count][b.count]
  }
}
