import JobCore
import TestKit

/// The moment that tests begin at.
let start = Timestamp(milliseconds: 1_769_850_000_000)

let taskID = "ta5c9705-b8ae-4cb9-aa6f-97c4fee88c8d"

func trouble(_ code: ErrorCode = "some-trouble") -> JobError {
  JobError(code: code, message: "Something went wrong.", hint: "Put it right.", retryable: true)
}

func failure(_ consequence: Failure.Consequence, _ code: ErrorCode = "some-failure") -> Failure {
  Failure(consequence, trouble(code))
}

func report(_ phase: TaskReport.Phase, _ status: String = "in_progress", consumed: String? = nil) -> QueryOutcome {
  .report(TaskReport(phase: phase, status: status, consumed: consumed))
}

let slotKey = SlotKey(job: JobID("7f3e0000-0000-4000-8000-000000000001"), revision: 1, number: 1)

/// A job of the file `a/cat.prompt`.
func makeJob(
  _ slots: [Slot], revisions: [Revision], current: Int = 1, path: DropPath = DropPath("a/cat.prompt"),
  outputs: [Output] = [], note: FileNote? = nil, inputsChanged: Bool = false
) -> Job {
  Job(
    id: slotKey.job, file: FileKey(root: RootID(1), path: path), current: current,
    latest: revisions.map(\.number).max() ?? 0, stamp: nil,
    revisions: Dictionary(uniqueKeysWithValues: revisions.map { ($0.number, $0) }),
    slots: Dictionary(uniqueKeysWithValues: slots.map { ($0.key, $0) }), outputs: outputs, note: note,
    createdAt: start, inputsChanged: inputsChanged)
}

func note(_ state: StateName, _ code: ErrorCode) -> FileNote {
  FileNote(state: state, error: trouble(code), since: start)
}

/// A slot in the state given, with the attempt that leads there.
func slot(_ state: SlotState, failures: Int = 0) -> Slot {
  var attempts: [Attempt] = []
  var attempt = Attempt(n: 1, attemptID: "attempt-1", bootID: "boot-1", startedAt: start)
  switch state {
  case .queued, .cancelled: break
  case .submitting: attempts = [attempt]
  case .submitted, .fetching, .done:
    attempt.outcome = .accepted
    attempt.taskID = state.task?.taskID ?? taskID
    attempt.endedAt = start
    attempts = [attempt]
  case .failed:
    attempt.outcome = .refused
    attempt.endedAt = start
    attempts = [attempt]
  case .held(let held):
    if held.task != nil || !held.reason.isBeforeSending {
      attempt.outcome = held.task == nil ? .unknown : .accepted
      attempt.taskID = held.task?.taskID
      attempt.endedAt = start
      attempts = [attempt]
    }
  }
  return Slot(key: slotKey, state: state, attempts: attempts, failures: failures)
}

let task = TaskRef(taskID: taskID, acceptedAt: start)
let oneURL: [ResultItem] = [.url("https://images.example/1.png")]

extension Slot {
  /// The transition with the defaults and the middle of every jitter.
  func on(
    _ event: SlotEvent, after delay: Duration = .zero, policy: RetryPolicy = RetryPolicy(), jitter: Double = 0.5
  ) -> Transition? {
    on(event, now: start + delay, policy: policy, jitter: jitter)
  }
}

extension SplitMix64 {
  /// A duration in whole milliseconds.
  mutating func milliseconds(_ range: ClosedRange<Int>) -> Duration {
    .milliseconds(Int.random(in: range, using: &self))
  }

  mutating func optional<T>(_ make: (inout SplitMix64) -> T) -> T? { percent(50) ? make(&self) : nil }

  mutating func text(upTo length: Int) -> String {
    let alphabet: [Unicode.Scalar] = [
      "a", "Z", "0", " ", "\"", "\\", "/", "\n", "\r", "\t", "\u{0}", "\u{1}", "\u{8}", "\u{c}", "\u{1f}", "\u{7f}",
      "é", "e\u{301}".unicodeScalars.last ?? "e", "ß", "漢", "\u{2028}", "🐈", "🏳", "\u{fe0f}", "\u{200d}",
      "\u{10ffff}", "<", "&", "{", "]", ":", ",",
    ]
    var text = ""
    for _ in 0..<Int.random(in: 0...length, using: &self) { text.unicodeScalars.append(one(of: alphabet)) }
    return text
  }

  mutating func error() -> JobError {
    JobError(
      code: one(of: ["a-code", "another-code", "offline"]), message: text(upTo: 8),
      hint: optional { $0.text(upTo: 4) }, retryable: percent(50))
  }

  mutating func failure() -> Failure {
    let consequence: Failure.Consequence =
      switch Int.random(in: 0..<5, using: &self) {
      case 0, 1: .transient(retryAfter: optional { $0.milliseconds(0...300_000_000) })
      case 2: .permanent
      case 3: .unclear
      default: .service(one(of: [.unauthorized, .account, .wrongAddress, .down]))
      }
    return Failure(consequence, error())
  }

  mutating func results() -> [ResultItem] {
    (0..<Int.random(in: 0...3, using: &self)).map { _ in
      one(of: [.url("https://images.example/1.png"), .inline(dataURI: "data:,"), .inlineElsewhere, .text("No.")])
    }
  }
}
