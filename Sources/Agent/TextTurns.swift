import JobCore

/// Whose turn it is among files with one text that is new to them. Each may be another of them under a new name, or its copy,
/// and only the journal can tell: the next one is decided on once the one before is in the journal.
struct TextTurns {
  private struct Turn {
    var files: [FileKey]
    var waiting: [FileKey] = []
  }

  private var turns: [String: Turn] = [:]
  // What was taken before them is in the journal: of ten thousand copies each waits for its turn once, not for all others.
  private var haveWaited: Set<FileKey> = []

  /// A file wants to be decided on; false: not before another one is, and `end` names it then.
  mutating func begin(_ file: FileKey, text: String) -> Bool {
    guard var turn = turns.removeValue(forKey: text) else {
      turns[text] = Turn(files: [file])
      return true
    }
    defer { turns[text] = turn }
    if turn.files.contains(file) { return true }
    guard haveWaited.contains(file) else {
      if !turn.waiting.contains(file) { turn.waiting.append(file) }
      return false
    }
    turn.files.append(file)
    return true
  }

  /// What was decided on these files is in the journal: the files whose turn it is now.
  mutating func end(_ files: [FileKey]) -> [FileKey] {
    let ended = Set(files)
    if !haveWaited.isEmpty { haveWaited.subtract(ended) }
    var next: [FileKey] = []
    for (text, turn) in turns {
      let rest = turn.files.filter { !ended.contains($0) }
      guard rest.count < turn.files.count else { continue }
      turns[text]?.files = rest
      guard rest.isEmpty else { continue }
      next += turn.waiting
      turns[text] = nil
    }
    haveWaited.formUnion(next)
    return next
  }
}

/// A file with the same text is being decided on.
struct WaitsForItsTurn: Error {}
