import JobCore

/// Whose turn it is among files with one text that is new to them. Each may be another of them under a new name, or its copy,
/// and only the journal can tell: the next one is decided on once the one before is in the journal.
struct TextTurns {
  /// Who has a turn: a file in a batch, for another batch may have the same file. No batch: it is the file's in the next one.
  private struct Holder: Equatable {
    var file: FileKey
    var batch: Int?
  }
  private struct Turn {
    var holders: [Holder]
    var waiting: [FileKey] = []
    // Whether the journal has the text: then whoever asks it finds out what a file is.
    var isInJournal = false
  }

  private var turns: [String: Turn] = [:]
  // Those in `waiting`.
  private var waiting: Set<FileKey> = []
  // What was taken before them is in the journal: of ten thousand copies each waits for its turn once, not for all others.
  private var haveWaited: Set<FileKey> = []
  private var batches = 0

  /// The number of a batch that begins.
  mutating func beginBatch() -> Int {
    batches += 1
    return batches
  }

  /// A file wants to be decided on in a batch; false: not before another one is, and `end` names it then.
  mutating func begin(_ file: FileKey, text: String, batch: Int) -> Bool {
    let holder = Holder(file: file, batch: batch)
    guard var turn = turns.removeValue(forKey: text) else {
      turns[text] = Turn(holders: [holder])
      return true
    }
    defer { turns[text] = turn }
    if turn.holders.contains(holder) { return true }
    guard haveWaited.contains(file) || turn.holders.contains(where: { $0.file == file }) else {
      if waiting.insert(file).inserted { turn.waiting.append(file) }
      return false
    }
    turn.holders.append(holder)
    return true
  }

  /// The journal has the text.
  mutating func isInJournal(_ text: String) { turns[text]?.isInJournal = true }

  /// A batch of these files is over: the files whose turn it is now.
  mutating func end(batch: Int, _ files: [FileKey]) -> [FileKey] {
    let ended = Set(files)
    if !haveWaited.isEmpty { haveWaited.subtract(ended) }
    var next: [FileKey] = []
    for (text, turn) in turns {
      let rest = turn.holders.filter { $0.batch != batch && ($0.batch != nil || !ended.contains($0.file)) }
      guard rest.count < turn.holders.count else { continue }
      turns[text]?.holders = rest
      guard rest.isEmpty else { continue }
      turns[text] = nil
      if turn.isInJournal {
        next += turn.waiting
        haveWaited.formUnion(turn.waiting)
        waiting.subtract(turn.waiting)
      } else if let first = turn.waiting.first {
        // It was not taken, so the next one may still be the first in the journal.
        next.append(first)
        waiting.remove(first)
        turns[text] = Turn(holders: [Holder(file: first)], waiting: Array(turn.waiting.dropFirst()))
      }
    }
    return next
  }
}

/// A file with the same text is being decided on.
struct WaitsForItsTurn: Error {}
