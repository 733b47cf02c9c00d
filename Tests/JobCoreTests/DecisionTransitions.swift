import JobCore
import Testing

/// What evidence and a person's word mean for a slot, one by one.
@Suite struct DecisionTransitions {
  private let unknown = slot(.held(Held(reason: .submissionOutcomeUnknown, error: trouble())))
  private let lost = slot(.held(Held(reason: .taskLost, error: trouble(), task: task)))

  /// A slot that was submitted again by a person: its first attempt unknown, its second as given.
  private func resubmitted(_ second: SubmitOutcome?) throws -> Slot {
    var current = try #require(unknown.on(.resubmit)).slot
    guard let second else { return current }
    current = try #require(current.on(.start(attemptID: "attempt-2", bootID: "b"))).slot
    return try #require(current.on(.posted(second))).slot
  }

  @Test func aStartCarriesWhatWasMadeForIt() throws {
    let event = SlotEvent.start(attemptID: "a", bootID: "b", requestSHA: "r", callbackSHA: "c", reserved: "0.5")
    let attempt = try #require(slot(.queued(Queued())).on(event)?.slot.attempts.last)
    #expect(attempt.requestSHA == "r" && attempt.callbackSHA == "c" && attempt.reserved == "0.5")
  }

  @Test func whatWasFoundUnsentIsQueuedAtOnce() throws {
    let next = try #require(slot(.submitting).on(.foundUnsent, after: .seconds(9)))
    #expect(next.slot.state == .queued(Queued()) && next.commits)
    #expect(next.slot.attempts.map(\.outcome) == [.notSent])
    #expect(next.slot.attempts.last?.endedAt == start + .seconds(9))
    for other in [unknown, lost, slot(.submitted(task)), slot(.queued(Queued())), slot(.done)] {
      #expect(other.on(.foundUnsent) == nil)
    }
  }

  @Test func evidenceBindsTheAttemptInDoubt() throws {
    let next = try #require(unknown.on(.bound(taskID: "ta-1", attemptID: "attempt-1"), after: .seconds(9)))
    #expect(next.slot.state == .submitted(TaskRef(taskID: "ta-1", acceptedAt: start + .seconds(9))))
    #expect(next.slot.attempts.last?.outcome == .accepted && next.slot.attempts.last?.taskID == "ta-1")
    #expect(next.slot.attempts.last?.endedAt == start, "when the answer was lost, not when it was found")
    #expect(next.after == [.writeSidecar(durable: true), .query(at: start + .seconds(9))])
    #expect(next.commits)
  }

  @Test func evidenceForAnotherAttemptOrAKnownOutcomeIsNone() throws {
    #expect(unknown.on(.bound(taskID: "ta-1", attemptID: "somebody-elses")) == nil)
    let known = [
      lost, slot(.submitted(task)), slot(.fetching(Fetching(task: task, results: oneURL))), slot(.done),
      slot(.failed(trouble())), slot(.submitting), slot(.queued(Queued())),
    ]
    for slot in known {
      #expect(slot.on(.bound(taskID: "ta-1", attemptID: "attempt-1")) == nil, "\(slot.state.name)")
    }
  }

  /// The answer turns up before the second request leaves: it does not leave.
  @Test func evidenceStopsAResubmission() throws {
    let queued = try resubmitted(nil)
    let next = try #require(queued.on(.bound(taskID: "ta-1", attemptID: "attempt-1")))
    #expect(next.slot.state.task?.taskID == "ta-1" && next.slot.attempts.count == 1)
    // After a refusal too: the slot is queued, its first attempt still in doubt.
    let busy = SubmitOutcome.notAccepted(failure(.transient(retryAfter: nil)), reached: true)
    let refused = try resubmitted(busy)
    let again = try #require(refused.on(.bound(taskID: "ta-1", attemptID: "attempt-1")))
    #expect(again.slot.attempts.map(\.outcome) == [.accepted, .refused])
    #expect(again.slot.state.task?.taskID == "ta-1")
  }

  /// The second is on its way or accepted: the first one's task is a picture of its own, and not this slot's.
  @Test func evidenceAfterAResubmissionLeavesTheSecondAlone() throws {
    let second = try resubmitted(.accepted(taskID: "ta-2"))
    #expect(second.on(.bound(taskID: "ta-1", attemptID: "attempt-1")) == nil)
    let queued = try resubmitted(nil)
    let sending = try #require(queued.on(.start(attemptID: "attempt-2", bootID: "b"))).slot
    #expect(sending.on(.bound(taskID: "ta-1", attemptID: "attempt-1")) == nil)
  }

  @Test func whatWasGivenUpComesBackWhenItProvesToBePaid() throws {
    let given = try #require(unknown.on(.abandon))
    #expect(given.slot.state == .cancelled(.abandoned) && given.after == [.writeSidecar(durable: true)])
    #expect(given.slot.on(.bound(taskID: "ta-1", attemptID: "attempt-1"))?.slot.state.task?.taskID == "ta-1")
    let withdrawn = slot(.cancelled(.superseded))
    #expect(withdrawn.on(.bound(taskID: "ta-1", attemptID: "attempt-1")) == nil)
    #expect(withdrawn.on(.bound(taskID: "ta-1", attemptID: nil)) == nil)
  }

  @Test func aPersonAdoptsATask() throws {
    #expect(unknown.on(.bound(taskID: "ta-1", attemptID: nil))?.slot.attempts.last?.taskID == "ta-1")
    // The service says that it does not know the task: the one that it does know instead.
    let next = try #require(lost.on(.bound(taskID: "ta-1", attemptID: nil)))
    #expect(next.slot.state.task?.taskID == "ta-1" && next.slot.attempts.count == 1)
    #expect(slot(.submitted(task)).on(.bound(taskID: "ta-1", attemptID: nil)) == nil)
    #expect(slot(.held(Held(reason: .burst, error: trouble()))).on(.bound(taskID: "ta-1", attemptID: nil)) == nil)
  }

  @Test(arguments: [SlotEvent.resubmit, .abandon, .approved, .retry])
  func decisionsAreForWhatIsHeld(event: SlotEvent) {
    let others: [SlotState] = [
      .queued(Queued()), .submitting, .submitted(task), .fetching(Fetching(task: task, results: oneURL)), .done,
      .cancelled(.abandoned),
    ]
    for state in others { #expect(slot(state).on(event) == nil, "\(state.name)") }
  }

  @Test(arguments: [HeldReason.burst, .asked])
  func whatWasNeverSentIsApprovedNotResolved(_ reason: HeldReason) {
    let held = slot(.held(Held(reason: reason, error: trouble())))
    for event in [SlotEvent.resubmit, .abandon, .retry] { #expect(held.on(event) == nil) }
  }

  @Test func aResubmissionKeepsTheDoubtfulAttempt() throws {
    let second = try resubmitted(.accepted(taskID: "ta-2"))
    #expect(second.attempts.map(\.outcome) == [.unknown, .accepted] && second.attempts.map(\.n) == [1, 2])
  }

  /// What the first task cost is the first task's: a second one of which nothing is heard has cost nothing known.
  @Test func aResubmissionBeginsWithoutThePriceOfTheFirst() throws {
    let running = try #require(slot(.submitted(task)).on(.queried(report(.running, consumed: "0.7")))).slot
    let gone = try #require(running.on(.queried(.notFound), after: .seconds(9999))).slot
    let queued = try #require(gone.on(.resubmit)).slot
    let again = try #require(queued.on(.start(attemptID: "attempt-2", bootID: "b"))).slot
    #expect(again.consumed == nil)
    #expect(again.serviceStatus == nil)
  }

  @Test func aRetryLooksAtATaskAgainOrSubmitsWhatFailed() throws {
    var held = lost
    held.failures = 5
    let look = try #require(held.on(.retry, after: .seconds(8000)))
    #expect(look.slot.state == .submitted(TaskRef(taskID: taskID, acceptedAt: start + .seconds(8000))))
    #expect(look.slot.failures == 0 && look.slot.attempts == held.attempts)
    #expect(unknown.on(.retry) == nil, "there is no task to look at")
    let failed = try #require(slot(.failed(trouble())).on(.retry))
    #expect(failed.slot.state == .queued(Queued()) && failed.after.contains(.requeue))
  }

  // MARK: the clock

  @Test func aClockThatWasSetMovesMoments() throws {
    let year = Duration.seconds(365 * 86_400)
    let until = start + .seconds(5)
    let queued = slot(.queued(Queued(notBefore: until, error: trouble())))
    #expect(queued.on(.clockSet(year))?.slot.state == .queued(Queued(notBefore: until + year, error: trouble())))
    let back = TaskRef(taskID: taskID, acceptedAt: start + .zero - year, refreshes: 0)
    #expect(slot(.submitted(task)).on(.clockSet(.zero - year))?.slot.state == .submitted(back))
    let fetching = Fetching(task: task, results: oneURL, error: trouble(), notBefore: until)
    let moved = try #require(slot(.fetching(fetching)).on(.clockSet(year)))
    let later = TaskRef(taskID: taskID, acceptedAt: start + year)
    let wanted = Fetching(task: later, results: oneURL, error: trouble(), notBefore: until + year)
    #expect(moved.slot.state == .fetching(wanted) && moved.commits && moved.after.isEmpty && moved.before.isEmpty)
    for still in [slot(.queued(Queued())), slot(.submitting), slot(.done), lost, unknown, slot(.failed(trouble()))] {
      #expect(still.on(.clockSet(year)) == nil)
    }
  }

  /// A task of a minute's age has that age after the clock was set, and so is not past its deadline.
  @Test(arguments: [365, -365]) func theDeadlineDoesNotSeeTheClockBeingSet(days: Int) throws {
    let jump = Duration.seconds(days * 86_400)
    let moved = try #require(slot(.submitted(task)).on(.clockSet(jump))).slot
    let asked = try #require(moved.on(.queried(report(.running)), after: jump + .seconds(60)))
    #expect(asked.slot.state.name == .submitted)
    #expect(asked.after.last == .query(at: start + jump + .seconds(75)))
    let late = try #require(moved.on(.queried(report(.running)), after: jump + .seconds(7200)))
    #expect(late.slot.state.name == .held)
  }
}

extension Timestamp {
  fileprivate static func - (a: Timestamp, duration: Duration) -> Timestamp { a + (.zero - duration) }
}
