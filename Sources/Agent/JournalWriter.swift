import JobCore

/// The actor that a journal writer works for. It is called in its own isolation.
protocol JournalWriterOwner: Actor {
  /// Does this in a task of its own.
  @discardableResult
  func start(_ work: @escaping () async -> Void) -> Task<Void, Never>
  /// These changes are durable.
  func wroteToJournal(_ changes: [JournalChange])
  /// The journal has no room, and is tried again.
  func journalIsFull(_ why: String)
  /// The journal has room again.
  func journalHasRoom()
  /// The answer to this slot's POST waits for room in the journal, and the process may end before there is any.
  func keepAnswer(of slot: Slot)
}

/// Writes into the journal, one group of changes at a time. While one group is being written, all who come form the next:
/// many transitions, one sync. A full disk is waited out.
final class JournalWriter {
  // Unchecked, because there are several for each picture: it is put into `pending` by `commit` alone, and who takes it from
  // there, `writeGroups`, resumes it once on each of its ways.
  private struct Pending {
    var changes: [JournalChange]
    var waiting: UnsafeContinuation<[ChangeResult], any Error>
  }

  private let journal: any JobJournal
  private let surroundings: Surroundings
  // How long a full disk is waited for before the next try.
  private let pause: Duration
  private var pending: [Pending] = []
  private var isWriting = false
  /// Whether the last try found no room.
  private(set) var isFull = false
  // Slots whose answers wait for room, of those that were reported to their owner.
  private var waitingAnswers: Set<SlotKey> = []
  private var wait: Task<Void, any Error>?
  private var givesUp = false

  /// `pause`: how long a full disk is waited for before the next try.
  init(_ journal: any JobJournal, _ surroundings: Surroundings, pause: Duration) {
    self.journal = journal
    self.surroundings = surroundings
    self.pause = pause
  }

  /// Whether nothing is on its way into the journal.
  var isIdle: Bool { pending.isEmpty && !isWriting }

  /// Whether the answer to this slot's POST waits for room, and its owner knows.
  func isWaiting(_ key: SlotKey) -> Bool { waitingAnswers.contains(key) }

  /// Returns when the changes are durable, with what became of each; at once where there are none. Throws where the journal
  /// is broken.
  func commit<Owner: JournalWriterOwner>(
    _ changes: [JournalChange], for owner: isolated Owner
  ) async throws -> [ChangeResult] {
    guard !changes.isEmpty else { return [] }
    return try await withUnsafeThrowingContinuation { continuation in
      pending.append(Pending(changes: changes, waiting: continuation))
      if isFull { keepAnswers(in: changes, for: owner) }
      guard !isWriting else { return }
      isWriting = true
      // Not at once: what is ready in this turn of the loop is one group.
      owner.start { await self.writeGroups(for: owner) }
    }
  }

  /// The process ends, whether there is room for what still waits or not.
  func giveUp() {
    givesUp = true
    wait?.cancel()
  }

  private func writeGroups<Owner: JournalWriterOwner>(for owner: isolated Owner) async {
    while !pending.isEmpty {
      let group = pending
      pending = []
      do {
        if group.count == 1 {
          group[0].waiting.resume(returning: try await write(group[0].changes, for: owner))
          continue
        }
        var results = try await write(group.flatMap(\.changes), for: owner)[...]
        for pending in group {
          pending.waiting.resume(returning: Array(results.prefix(pending.changes.count)))
          results = results.dropFirst(pending.changes.count)
        }
      } catch {
        for pending in group { pending.waiting.resume(throwing: error) }
      }
    }
    isWriting = false
  }

  private func write<Owner: JournalWriterOwner>(
    _ changes: [JournalChange], for owner: isolated Owner
  ) async throws -> [ChangeResult] {
    while true {
      do {
        let results = try await journal.commit(changes)
        if isFull { owner.journalHasRoom() }
        isFull = false
        waitingAnswers = []
        owner.wroteToJournal(changes)
        return results
      } catch JournalError.full(let why) {
        isFull = true
        owner.journalIsFull(why)
        if givesUp { throw JournalError.full(why) }
        keepAnswers(in: changes + pending.flatMap(\.changes), for: owner)
        let wait = Task { [surroundings, pause] in try await surroundings.sleep(surroundings.monotonic() + pause) }
        self.wait = wait
        if givesUp { wait.cancel() }
        _ = await wait.result
        if givesUp { throw JournalError.full(why) }
      }
    }
  }

  private func keepAnswers<Owner: JournalWriterOwner>(in changes: [JournalChange], for owner: isolated Owner) {
    for change in changes {
      guard case .move(let slot, from: .submitting, _) = change.unannounced,
        waitingAnswers.insert(slot.key).inserted, case .submitted = slot.state
      else { continue }
      owner.keepAnswer(of: slot)
    }
  }
}
