import JobCore
import Synchronization

/// What stands in `Tests/Fixtures/journal-6.tar.gz`: the changes that the last version with tables of JSON texts committed
/// there, in this order. A journal of today with the same changes tells the same.
enum FormerJournal {
  static let places = ["/srv/drop", "/srv/other", "/srv/shared"]

  /// The jobs of `changes`.
  static let jobs: [JobID] = FilledJournal.states.indices.map { id($0) } + (100..<109).map { id($0) }

  static func id(_ number: Int) -> JobID { JobID("7f3e0000-0000-4000-8000-\(100_000_000_000 + number)") }

  static func commit(to journal: any JobJournal) async throws {
    var roots: [RootID] = []
    for place in places { roots.append(try await journal.root(path: Array(place.utf8))) }
    for batch in changes(roots) { _ = try await journal.commit(batch) }
  }

  static func changes(_ roots: [RootID]) -> [[JournalChange]] {
    FilledJournal.states.enumerated().map { inState($1, $0, roots) }
      + [revisions(roots[0]), names(roots), notes(roots[1]), [.shared(roots[2], with: "desk")], evidence()]
  }

  // A slot in each state, beside one that is done.
  private static func inState(_ state: SlotState, _ index: Int, _ roots: [RootID]) -> [JournalChange] {
    let file = FileKey(root: roots[index % 2], path: DropPath("folder-\(index % 5)/\(index).prompt"))
    var revision = makeRevision(source: sha("source \(index)"), list: index == 3 ? sha("list") : nil, count: 2)
    revision.identity.request = sha("request \(index)")
    revision.identity.prompt = sha("prompt \(index)")
    if index == 4 {
      revision.snapshot.images = [
        ImageInput(url: "https://images.example/a.png"), ImageInput(path: "a%FFb.png", sha256: sha("image"), bytes: 12),
      ]
      revision.snapshot.extra = ["seed": .integer(.max), "deep": .object(["x": .array([.null, .number(0.5)])])]
      revision.snapshot.imageSize = "4k"
    }
    if index == 5 { revision.snapshot.prompt = String(repeating: "A long text about a cat. ", count: 200) }
    var take = makeTake(id(index), file, revision, states: [state, .done])
    take.seenAt = start + .seconds(-index)
    take.slots = take.slots.map { withAttempts($0, index, revision) }
    take.outputs = [makeOutput(slotKey(id(index), 1, 2), temporary: index.isMultiple(of: 3) ? "t\(index)" : nil)]
    return [
      .take(take),
      .charge(
        Charge(
          attemptID: "attempt-\(index)", root: file.root, folder: file.path.directory,
          kind: PriceKey(model: "model-a", size: index.isMultiple(of: 2) ? "2k" : nil), day: 20_484 + Int64(index % 3),
          reserved: "0.500000", consumed: index.isMultiple(of: 4) ? "0.\(index)" : nil)),
      .expectCallback(
        CallbackTarget(
          secretSHA: sha("secret \(index)"), slot: slotKey(id(index)), attemptID: "attempt-\(index)", madeAt: start)),
    ]
  }

  private static func withAttempts(_ slot: Slot, _ index: Int, _ revision: Revision) -> Slot {
    var slot = slot
    (slot.failures, slot.serviceStatus) = (index, index.isMultiple(of: 2) ? "läuft" : nil)
    slot.consumed = index.isMultiple(of: 3) ? "0.250000" : nil
    for n in 1..<(index % 4 + 1) {
      var attempt = Attempt(n: n, attemptID: "\(slot.key.number)-\(index)-\(n)", bootID: "boot", startedAt: start)
      attempt.outcome = [.accepted, .refused, .notSent, .unknown, .begun, .refusedForAccount][(index + n) % 6]
      attempt.endedAt = n.isMultiple(of: 2) ? start + .milliseconds(1234 * n) : nil
      attempt.taskID = attempt.outcome == .accepted ? "task-\(index)-\(slot.key.number)-\(n)" : nil
      attempt.requestSHA = n == 1 ? revision.identity.request : nil
      attempt.callbackSHA = n == 2 ? sha("secret \(index)") : nil
      attempt.reserved = n == 1 ? "0.500000" : nil
      slot.attempts.append(attempt)
    }
    return slot
  }

  // A job with three revisions, the second current again and with a surplus slot.
  private static func revisions(_ root: RootID) -> [JournalChange] {
    let file = FileKey(root: root, path: DropPath("revised.prompt"))
    var surplus = Slot(
      key: slotKey(id(100), 2, SlotKey.surplusBase + 1),
      state: .submitted(TaskRef(taskID: "second", acceptedAt: start)))
    surplus.attempts = [Attempt(n: 1, attemptID: "s", bootID: "boot", startedAt: start)]
    surplus.attempts[0].taskID = "second"
    return [
      .take(makeTake(id(100), file, makeRevision(1, source: "x"), states: [.done])),
      .take(makeTake(id(100), file, makeRevision(2, source: "y", list: "l"), expected: 1, states: [.failed(trouble)])),
      .take(makeTake(id(100), file, makeRevision(3, source: "z"), expected: 2)),
      .makeCurrent(
        job: id(100), revision: 2, expected: 3, count: 2, newSlots: [Slot(key: slotKey(id(100), 2, 2))],
        stamp: makeStamp(9, list: 8)),
      .surplus(surplus), .seen(job: id(100), stamp: makeStamp(5), inputsChanged: true),
      .outputs([makeOutput(slotKey(id(100), 1), file: "revised.v1.png")]),
    ]
  }

  // One that moves, one whose place was taken, one whose pictures are kept, and a name that is no UTF-8.
  private static func names(_ roots: [RootID]) -> [JournalChange] {
    func file(_ path: String, _ root: Int = 0) -> FileKey { FileKey(root: roots[root], path: DropPath(path)) }
    var kept = makeOutput(slotKey(id(103)), temporary: nil)
    (kept.kept, kept.warning) = (Array("7f3e.png".utf8), "It ends too early.")
    let odd = FileKey(root: roots[1], path: DropPath(bytes: [0xFF, 0x2F, 0xFE] + Array(".prompt".utf8)))
    return [
      .take(makeTake(id(101), file("from.prompt"), makeRevision(source: "m"), states: [.done])),
      .take(makeTake(id(102), file("to.prompt", 1), makeRevision(source: "n"))),
      .renamed(job: id(101), from: file("from.prompt"), to: file("to.prompt", 1), displaced: file("gone", 1)),
      .take(makeTake(id(103), file("kept.prompt"), makeRevision(source: "k"), states: [.done], outputs: [kept])),
      .take(makeTake(id(104), odd, makeRevision(source: "o"), states: [.cancelled(.sourceGone)])),
    ]
  }

  private static func notes(_ root: RootID) -> [JournalChange] {
    let states: [StateName] = [.queued, .failed, .held, .held]
    return states.enumerated().map { index, state in
      var note = makeNote(state, ["waiting-for-list", "no-text", "conflict-copy", "writer-open"][index])
      if index == 3 {
        note = note.approved(.writerOpen, prompt: fileStamp(3))
        // As that version said it.
        note.error.message = "You approved it: it is taken as it stands."
      }
      return .note(
        job: id(105 + index), file: FileKey(root: root, path: DropPath("noted/\(index).prompt")), note,
        stamp: index == 0 ? nil : makeStamp(Int64(index)), at: start + .seconds(index))
    }
  }

  private static func evidence() -> [JournalChange] {
    let all = (0..<3).map { index in
      Evidence(secretSHA: sha("secret \(index)"), taskID: "ta-\(index)", receivedAt: start + .seconds(9 - index))
    }
    return all.map { .evidence($0) } + [.weighed(all[1])]
  }

  /// 64 letters that stand for a SHA-256.
  static func sha(_ text: String) -> String {
    var random: UInt64 = text.utf8.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
    return (0..<32).map { _ in
      random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return [UInt8(truncatingIfNeeded: random >> 56)].hex
    }.joined()
  }
}

/// Keeps what is handed out one by one.
final class Stamps: Sendable {
  private let kept = Mutex<[String]>([])
  func add(_ text: String) { kept.withLock { $0.append(text) } }
  var all: [String] { kept.withLock { $0.sorted() } }
}
