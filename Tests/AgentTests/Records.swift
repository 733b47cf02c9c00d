import Agent
import JobCore
import Synchronization

/// What was written down, over all processes of a test: the journal's intents and the sidecars', by attempt. A POST
/// without both is a violation.
final class Records: Sendable {
  private struct State {
    var prompts: [SlotKey: String] = [:]
    var committed: [String: String] = [:]
    var besideSource: Set<String> = []
    var posts: [String: Int] = [:]
    var violations: [String] = []
  }
  private let state = Mutex(State())

  /// Rules that were broken.
  var violations: [String] { state.withLock { $0.violations } }
  func violation(_ words: String) { state.withLock { $0.violations.append(words) } }

  func committed(_ change: JournalChange) {
    if case .announced(let change, _) = change { return committed(change) }
    state.withLock { state in
      switch change {
      case .take(let take): state.prompts[Self.key(take.job, take.revision.number)] = take.revision.snapshot.prompt
      case .refresh(let job, let revision): state.prompts[Self.key(job, revision.number)] = revision.snapshot.prompt
      case .move(let slot, _, _):
        guard slot.state == .submitting, let attempt = slot.attempts.last else { return }
        state.committed[attempt.attemptID] = state.prompts[Self.key(slot.key.job, slot.key.revision)] ?? "?"
      default: break
      }
    }
  }

  private static func key(_ job: JobID, _ revision: Int) -> SlotKey { SlotKey(job: job, revision: revision, number: 0) }

  func wrote(_ sidecar: StatusSidecar) {
    state.withLock { state in
      for entry in sidecar.attempts where entry.attempt.outcome == .begun {
        state.besideSource.insert(entry.attempt.attemptID)
      }
    }
  }

  /// A POST may leave now. The request does not tell its attempt, so intents of its prompt are counted.
  func post(_ prompt: String) {
    state.withLock { state in
      state.posts[prompt, default: 0] += 1
      let intents = state.committed.filter { $0.value == prompt && state.besideSource.contains($0.key) }
      if intents.count < state.posts[prompt, default: 0] {
        state.violations.append("\"\(prompt)\" was posted \(state.posts[prompt] ?? 0) times, recorded \(intents.count)")
      }
    }
  }
}

/// Keeps what a user would be told.
final class Notices: AgentObserver {
  private let reported = Mutex<[(NoticeLevel, JobError)]>([])
  func changed(_ job: Job) {}
  func notice(_ level: NoticeLevel, _ error: JobError) { reported.withLock { $0.append((level, error)) } }
  func count(_ code: ErrorCode) -> Int { reported.withLock { $0.count { $0.1.code == code } } }
  var codes: [ErrorCode] { reported.withLock { $0.map(\.1.code) } }
}
