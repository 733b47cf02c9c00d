import JobCore

extension SkippedFolders {
  /// The README's table of the folders that are left out, in Markdown: one row a maker, in the order of the code's table.
  static var readmeTable: String {
    var makers: [String] = []
    for entry in table where !makers.contains(entry.maker) { makers.append(entry.maker) }
    let rows = makers.map { maker in
      "| \(maker) | \(table.filter { $0.maker == maker }.map { "`\($0.name)`" }.joined(separator: ", ")) |"
    }
    return (["| made by | folders |", "|---|---|"] + rows).joined(separator: "\n")
  }
}
