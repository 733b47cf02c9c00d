import JobCore
import TestKit
import Testing

@testable import JobJournal

/// What a journal with the changes of `FormerJournal` answers, question by question.
struct FormerAnswers {
  private(set) var answers: [String: String] = [:]

  init(_ journal: SQLiteJournal) async throws {
    let roots = (1...3).map { RootID(Int64($0)) }
    func ask(_ name: String, _ answer: some Any) { answers[name] = String(reflecting: answer) }
    ask("roots", try await journal.roots().map { ($0.key.number, $0.value) }.sorted { $0.0 < $1.0 })
    ask("shared", try await journal.sharedRoots())
    ask("owners", try await journal.ownerWords())
    for job in FormerJournal.jobs {
      let found = try #require(try await journal.jobs([job]).first ?? nil, "\(job.text)")
      ask("job \(job.text)", Self.lines(found))
      ask("known \(job.text)", try await journal.known([found.file]))
      for revision in 1...3 {
        ask("slots \(job.text) \(revision)", try await journal.slots(of: job, revision: revision))
      }
      ask("recent \(job.text)", try await journal.revisions(of: job, since: start + .seconds(-1)))
    }
    for root in roots {
      let census = try await journal.census(roots: [root])
      ask("census \(root.number)", census.map { ($0.key.rawValue, $0.value) }.sorted { $0.0 < $1.0 })
      ask(
        "prompts \(root.number)",
        try await journal.prompts(in: FileKey(root: root, path: .root), deep: true, after: nil, limit: 99))
      for state in StateName.allCases {
        ask("files \(root.number) \(state)", try await journal.files(root, below: .root, in: state, limit: 99))
        ask("all files \(root.number) \(state)", try await journal.files(roots: [root], in: state, limit: 99))
      }
    }
    ask("startable", try await journal.startable(roots: roots, at: .distantFuture, limit: 99, except: []))
    ask("under way", try await journal.underWay(roots: roots).map { "\($0)" }.sorted())
    ask("still tried", try await journal.stillTried(roots: roots))
    ask("late", try await journal.lateInARow(roots: roots))
    ask("blamed", try await journal.blamed(roots: roots))
    ask("next", try await journal.nextStart(roots: roots, except: []))
    ask(
      "temporaries",
      try await journal.plannedTemporaries(roots: roots).map { String(decoding: $0, as: UTF8.self) }.sorted())
    ask("kept", try await journal.withKeptPictures())
    ask("moving", try await journal.moving())
    ask("evidence", try await journal.openEvidence())
    ask("prices", try await journal.prices().map { "\($0)" }.sorted())
    ask("spending", try await journal.spending(since: 0))
    for day in Int64(20_484)...20_486 {
      ask("charges \(day)", try await journal.charges(day: day).sorted { $0.attemptID < $1.attemptID })
    }
    for index in 0..<12 {
      ask("callback \(index)", try await journal.callback(FormerJournal.sha("secret \(index)")))
      for (slot, n) in [(1, 1), (2, 1), (1, 2), (2, 2), (1, 3), (2, 3)] {
        ask("task \(index) \(slot) \(n)", try await journal.slots(task: "task-\(index)-\(slot)-\(n)"))
      }
    }
    ask("task", try await journal.slots(task: task.taskID).map { "\($0)" }.sorted())
    ask("second task", try await journal.slots(task: "second"))
    ask("source", try await journal.jobs(roots: roots, source: FormerJournal.sha("source 7")))
    let stamps = Stamps()
    try await journal.eachStamp { stamps.add("\($0) \($1)") }
    ask("stamps", stamps.all)
  }

  // Dictionaries have no order.
  private static func lines(_ job: Job) -> [String] {
    var plain = job
    (plain.slots, plain.revisions) = ([:], [:])
    return [String(reflecting: plain)] + job.slots.values.map { String(reflecting: $0) }.sorted()
      + job.revisions.values.map { revision in
        var revision = revision
        let extra = revision.snapshot.extra.map { "\($0)" }.sorted()
        revision.snapshot.extra = [:]
        return "\(revision) \(extra)"
      }.sorted()
  }
}
