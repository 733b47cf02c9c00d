import JobCore
import TestKit
import Testing

/// Random histories of slots, each transition held against what must never happen to what is paid for.
@Suite struct SlotInvariants {
  @Test(arguments: SplitMix64.seeds(4))
  func holdOverRandomHistories(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    let policy = RetryPolicy()
    var entered: Set<StateName> = []
    var seen: Set<String> = []
    for _ in 0..<200 {
      var history = SlotHistory()
      var now = start
      var steps = 0
      while steps < 150, history.idle < 20 {
        steps += 1
        now = now + step(&random)
        let event = random.percent(70) ? random.likelyEvent(for: history.slot) : random.event(for: history.slot)
        let before = history.slot
        let transition = before.on(event, now: now, policy: policy, jitter: random.chance())
        let broken = history.take(event, transition, now: now, policy: policy)
        entered.insert(history.slot.state.name)
        if transition != nil { seen.insert(event.label) }
        try #require(
          broken.isEmpty,
          """
          seed \(seed), step \(steps): \(broken.joined(separator: "; "))
          before: \(before)
          event: \(event)
          transition: \(String(describing: transition))
          """)
      }
    }
    // The histories are worth something only if they get everywhere, by every event.
    #expect(entered == Set(StateName.allCases), "seed \(seed)")
    #expect(seen.count == 22, "seed \(seed): only \(seen.sorted())")
  }

  private func step(_ random: inout SplitMix64) -> Duration {
    switch Int.random(in: 0..<200, using: &random) {
    case 0: .seconds(365 * 86_400)
    case 1: .seconds(-365 * 86_400)
    case 2: random.milliseconds(0...8_000_000)
    case 3..<40: .zero
    default: random.milliseconds(0...60_000)
    }
  }
}

extension SlotEvent {
  /// The case's name; evidence and a person's word are two.
  var label: String {
    if case .bound(_, let attempt) = self { return attempt == nil ? "bound by a person" : "bound by evidence" }
    return String("\(self)".prefix { $0 != "(" })
  }
}

/// One slot through its life, with what is remembered of it to judge the next transition.
struct SlotHistory {
  var slot = JobCoreTests.slot(.queued(Queued()))
  var idle = 0
  // Every id that was heard of, but for those that a person replaced by another.
  private var knownTasks: Set<String> = []
  // How many attempts may be paid for: one, and one more for each time that a person said so.
  private var mayBePaid = 1

  /// Applies a transition; what it broke.
  mutating func take(_ event: SlotEvent, _ transition: Transition?, now: Timestamp, policy: RetryPolicy) -> [String] {
    guard let transition else {
      idle += 1
      return []
    }
    idle = 0
    let before = slot
    slot = transition.slot
    switch event {
    case .posted(.accepted(let id)): knownTasks.insert(id)
    case .bound(let id, let attempt):
      if attempt == nil, let replaced = before.attempts.last?.taskID { knownTasks.remove(replaced) }
      knownTasks.insert(id)
    case .resubmit: mayBePaid = before.possiblyPaid + 1
    case .retry where before.state.name == .failed: mayBePaid = before.possiblyPaid + 1
    default: break
    }
    var broken = SlotRules.submitting(before, event, transition)
    broken += attempts(before, event)
    broken += SlotRules.evidence(before, event, transition)
    broken += SlotRules.clock(before, event, transition)
    broken += SlotRules.paid(before, event, slot, now, policy)
    broken += SlotRules.settled(before, event, transition)
    broken += SlotRules.effects(before, event, transition)
    if let wrong = DelayBounds.violation(before, event, transition, now, policy) { broken.append(wrong) }
    return broken
  }

  private func attempts(_ before: Slot, _ event: SlotEvent) -> [String] {
    var broken: [String] = []
    let was = before.attempts
    let isNow = slot.attempts
    if slot.key != before.key { broken.append("became another slot") }
    if slot.possiblyPaid > mayBePaid { broken.append("\(slot.possiblyPaid) attempts may be paid, not \(mayBePaid)") }
    var isStart = false
    if case .start = event { isStart = true }
    if isStart, before.possiblyPaid >= mayBePaid { broken.append("begins another one after one that may be paid") }
    if isStart ? isNow.last?.n != (was.last?.n ?? 0) + 1 : isNow.count != was.count {
      broken.append("attempts do not follow the starts")
    }
    if case .bound = event {
      // What it may alter is judged by the rules of evidence.
    } else {
      // A start may forget the oldest of many attempts that cost nothing; nothing else goes, and nothing is altered.
      let kept = isStart ? isNow.dropLast() : isNow[...].dropLast()
      let forgotten = was.dropLast(isStart ? 0 : 1).filter { !kept.contains($0) }
      if kept.contains(where: { !was.contains($0) }) { broken.append("an earlier attempt was altered") }
      if forgotten.count > (isStart && was.count > 9 ? 1 : 0) { broken.append("an attempt was forgotten") }
      if forgotten.contains(where: { $0.outcome != .refused && $0.outcome != .notSent }) {
        broken.append("an attempt that may have been paid was forgotten")
      }
    }
    if zip(isNow, isNow.dropFirst()).contains(where: { $0.n >= $1.n }) {
      broken.append("attempts are not numbered in order")
    }
    if slot.state != .submitting, isNow.contains(where: { $0.outcome == .begun }) { broken.append("an open attempt") }
    let reported = Set(isNow.compactMap(\.taskID))
    if !knownTasks.isSubset(of: reported) { broken.append("forgotten: \(knownTasks.subtracting(reported))") }
    if let task = slot.state.task?.taskID, !reported.contains(task) { broken.append("follows a task of no attempt") }
    return broken
  }
}

extension Slot {
  /// How many of its attempts were, or may have been, accepted.
  var possiblyPaid: Int { attempts.count { $0.outcome == .accepted || $0.outcome == .unknown } }
}
