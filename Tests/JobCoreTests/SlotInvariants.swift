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
    for _ in 0..<150 {
      var history = History()
      var now = start
      var steps = 0
      while steps < 150, history.idle < 20 {
        steps += 1
        now = now + step(&random)
        let event = random.percent(70) ? random.likelyEvent(in: history.slot.state) : random.event()
        let before = history.slot
        let transition = before.on(event, now: now, policy: policy, chance: random.chance())
        let broken = history.take(event, transition, now: now, policy: policy)
        entered.insert(history.slot.state.name)
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
    // The histories are worth something only if they get everywhere.
    #expect(entered == Set(StateName.allCases), "seed \(seed)")
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

/// One slot through its life, with what is remembered of it to judge the next transition.
private struct History {
  var slot = JobCoreTests.slot(.queued(Queued()))
  var idle = 0
  private var knownTask: String?

  /// Applies a transition; what it broke.
  mutating func take(_ event: SlotEvent, _ transition: Transition?, now: Timestamp, policy: RetryPolicy) -> [String] {
    guard let transition else {
      idle += 1
      return []
    }
    idle = 0
    let before = slot
    slot = transition.slot
    if case .posted(.accepted(let id)) = event { knownTask = id }
    var broken = Self.submitting(before, event, transition)
    broken += attempts(before, event)
    broken += Self.paid(before, event, slot, now, policy)
    broken += Self.settled(before, event, transition)
    broken += Self.effects(before, transition)
    if let wrong = DelayBounds.violation(before, event, transition, now, policy) { broken.append(wrong) }
    return broken
  }

  private static func submitting(_ before: Slot, _ event: SlotEvent, _ transition: Transition) -> [String] {
    var broken: [String] = []
    let effects = transition.before + transition.after
    if transition.slot.state == .submitting && before.state != .submitting {
      if transition.after != [.writeSidecar(durable: true), .post] { broken.append("not sidecar, then POST") }
      if !transition.before.isEmpty { broken.append("something is done before the intent is committed") }
      if !transition.commits { broken.append("the intent is not committed") }
      if before.state.name != .queued { broken.append("submits what is not queued") }
    } else if effects.contains(.post) {
      broken.append("POST without the step from queued to submitting")
    }
    if before.state == .submitting, event == .restarted {
      guard case .held(let held) = transition.slot.state, held.reason == .submissionOutcomeUnknown,
        held.error.code == "submission-outcome-unknown", transition.slot.attempts.last?.outcome == .unknown
      else { return broken + ["a restart while submitting is not held as unknown"] }
    }
    return broken
  }

  private func attempts(_ before: Slot, _ event: SlotEvent) -> [String] {
    var broken: [String] = []
    let was = before.attempts
    let isNow = slot.attempts
    if slot.key != before.key { broken.append("became another slot") }
    if isNow.count > was.count, was.contains(where: { $0.outcome == .accepted || $0.outcome == .unknown }) {
      broken.append("another attempt after one that is or may be paid")
    }
    var isStart = false
    if case .start = event { isStart = true }
    if isStart ? isNow.last?.n != (was.last?.n ?? 0) + 1 : isNow.count != was.count {
      broken.append("attempts do not follow the starts")
    }
    // A start may forget the oldest of many attempts that cost nothing; nothing else goes, and nothing is altered.
    let kept = isStart ? isNow.dropLast() : isNow[...].dropLast()
    let forgotten = was.dropLast(isStart ? 0 : 1).filter { !kept.contains($0) }
    if kept.contains(where: { !was.contains($0) }) { broken.append("an earlier attempt was altered") }
    if forgotten.count > (isStart && was.count > 9 ? 1 : 0) { broken.append("an attempt was forgotten") }
    if forgotten.contains(where: { $0.outcome != .refused && $0.outcome != .notSent }) {
      broken.append("an attempt that may have been paid was forgotten")
    }
    if zip(isNow, isNow.dropFirst()).contains(where: { $0.n >= $1.n }) {
      broken.append("attempts are not numbered in order")
    }
    if isNow.count(where: { $0.outcome == .accepted }) > 1 { broken.append("paid twice") }
    if slot.state != .submitting, isNow.contains(where: { $0.outcome == .begun }) { broken.append("an open attempt") }
    if let knownTask, slot.state.task?.taskID != knownTask,
      isNow.last(where: { $0.outcome == .accepted })?.taskID != knownTask
    {
      broken.append("task \(knownTask) is forgotten")
    }
    return broken
  }

  // What may become of a task that is paid for, and of the clock's influence on it.
  private static func paid(
    _ before: Slot, _ event: SlotEvent, _ after: Slot, _ now: Timestamp, _ policy: RetryPolicy
  ) -> [String] {
    var broken: [String] = []
    if after.state == .done, event != .published || before.state.name != .fetching { broken.append("done too early") }
    var isRunning = false
    var isFinalWord = false
    if case .queried(.report(let report)) = event {
      switch report.phase {
      case .running: isRunning = true
      case .failed: isFinalWord = true
      case .succeeded(let results): isFinalWord = results.allSatisfy { if case .text = $0 { true } else { false } }
      }
    }
    if before.state.name == .submitted || before.state.name == .fetching {
      let allowed: [StateName] = [.submitted, .fetching, .done, .held] + (isFinalWord ? [.failed] : [])
      if !allowed.contains(after.state.name) { broken.append("a paid task became \(after.state.name)") }
      if case .held(let held) = after.state, held.task == nil { broken.append("held without its task") }
      if let task = before.state.task, let next = after.state.task {
        if next.acceptedAt != task.acceptedAt { broken.append("the deadline's start moved") }
        if next.refreshes > policy.resultRefreshes { broken.append("asked for results too often") }
      }
      let isLate = before.state.task.map { now - $0.acceptedAt >= policy.taskDeadline } ?? false
      var isHeldAsLate = false
      if case .held(let held) = after.state { isHeldAsLate = held.reason == .deadlinePassed }
      if isHeldAsLate != (isRunning && isLate) { broken.append("the deadline was not judged by a report that it runs") }
    }
    return broken
  }

  private static func settled(_ before: Slot, _ event: SlotEvent, _ transition: Transition) -> [String] {
    let isMeant: Bool =
      switch (before.state, event) {
      case (.done, _), (.cancelled, _): false
      case (.failed, .refusalWasTheAccounts): before.attempts.last?.outcome == .refused
      case (.failed, _): false
      case (.held(let held), .approved), (.held(let held), .withdrawn): held.reason.isBeforeSending
      case (.held, _): false
      default: true
      }
    return isMeant ? [] : ["\(before.state.name) did not ignore the event"]
  }

  private static func effects(_ before: Slot, _ transition: Transition) -> [String] {
    var broken: [String] = []
    let after = transition.slot
    let effects = transition.before + transition.after
    // Somebody has to move it on: exactly one thing does.
    let drivers = effects.filter {
      switch $0 {
      case .post, .query, .fetch, .requeue: true
      default: false
      }
    }
    let fits: Bool =
      switch (after.state, drivers.first) {
      case (.queued, .requeue), (.submitting, .post), (.submitted, .query), (.fetching, .fetch): drivers.count == 1
      case (.done, nil), (.failed, nil), (.held, nil), (.cancelled, nil): true
      default: false
      }
    if !fits { broken.append("\(after.state.name) is moved on by \(drivers)") }
    let isNews = after.state.name != before.state.name
    if isNews, [.submitting, .submitted, .failed, .held].contains(after.state.name),
      before.state.name != .fetching || after.state.name != .submitted,
      !transition.after.contains(.writeSidecar(durable: true))
    {
      broken.append("\(after.state.name) is not written durably")
    }
    if after.state == .done, transition.before != [.writeSidecar(durable: true)] {
      broken.append("done before the sidecar says so")
    }
    if !transition.commits {
      var same = before
      same.failures = after.failures
      if same != after { broken.append("a change that a restart needs is not committed") }
    }
    return broken
  }
}
