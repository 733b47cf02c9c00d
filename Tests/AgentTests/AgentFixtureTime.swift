import JobCore
import TestKit
import Testing

@testable import Agent

extension AgentFixture {
  /// Returns once nothing goes on that is not waiting for time, or for a POST that hangs.
  func settle(sourceLocation: SourceLocation = #_sourceLocation) async throws {
    let end = ContinuousClock.now + .seconds(60)
    while true {
      let before = process.activity.now
      let alarm = await process.pipeline.alarmAt
      // An alarm that nobody sleeps for yet, or that rang and was not heard yet, is work under way.
      let isHeard = alarm.map { process.activity.isAwaited($0) } ?? true
      // Work between two ports is on some thread, or about to be: then that thread is not asleep.
      if before.busy == 0, isHeard || process.ended.ending != nil, isAloneAwake(), process.activity.now == before {
        return
      }
      guard ContinuousClock.now < end else {
        let what = "not settled within a minute: \(before.busy) busy, alarm at \(alarm as Any), now \(clock.monotonic)"
        Issue.record("\(what)", sourceLocation: sourceLocation)
        throw TimeIsUp(description: what)
      }
      try await Task.sleep(for: .microseconds(100))
    }
  }

  /// Lets time pass, from one thing that is due to the next, or in larger steps.
  func pass(_ duration: Duration, step: Duration = .zero) async throws {
    let end = clock.monotonic + duration
    while true {
      try await settle()
      let now = clock.monotonic
      if now >= end { return }
      process.activity.advance(to: min(end, max(process.activity.nextDue ?? end, now + step)))
    }
  }

  /// Lets time pass until something is so, no longer than `limit`.
  func until(
    _ what: String, within limit: Duration = .seconds(120), step: Duration = .zero,
    sourceLocation: SourceLocation = #_sourceLocation, _ condition: (AgentFixture) async throws -> Bool
  ) async throws {
    let end = clock.monotonic + limit
    var patience = 300
    while true {
      try await settle(sourceLocation: sourceLocation)
      if try await condition(self) { return }
      let now = clock.monotonic
      let next = max(process.activity.nextDue ?? end, now + step)
      if now < end, next <= end {
        process.activity.advance(to: next)
      } else if patience > 0 {
        // Nothing is due: what is still to come, comes from the disk.
        patience -= 1
        try await Task.sleep(for: .milliseconds(2))
      } else if now < end {
        process.activity.advance(to: end)
        patience = 10
      } else {
        Issue.record("not within \(limit.brief): \(what)", sourceLocation: sourceLocation)
        throw TimeIsUp(description: "not within \(limit.brief): \(what)")
      }
    }
  }
}
