import JobCore

extension Pipeline {
  /// What is to be done about a file: changes that are committed together, and what follows.
  struct Plan {
    var file: FileKey
    var changes: [JournalChange] = []
    var then: () async -> Void = {}
    var seenAt = Timestamp(milliseconds: 0)

    /// Gives what is taken its place in the queue: by when the file was first seen.
    mutating func queue(_ moment: Timestamp) {
      seenAt = moment
      changes = changes.map { change in
        guard case .take(var take) = change else { return change }
        take.seenAt = moment
        return .take(take)
      }
    }

    /// Whether it goes first of the two.
    func comesBefore(_ other: Plan) -> Bool {
      if seenAt != other.seenAt { return seenAt < other.seenAt }
      return file.path.bytes.lexicographicallyPrecedes(other.file.path.bytes)
    }
  }

  /// When a file was first seen. One that was found by looking may be there for long: then its own time says more.
  func firstSeen(_ file: FileKey, _ known: KnownFile?, _ reading: SourceReading) -> Timestamp {
    var moment = wallClock
    if let arrival = settling.arrival(of: file) {
      moment = moment + (arrival - now)
    } else if case .file(let stamp, _) = reading.prompt {
      moment = min(moment, Timestamp(milliseconds: stamp.modified / 1_000_000))
    }
    return min(moment, known?.note?.since ?? moment)
  }
}
