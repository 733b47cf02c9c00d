import JobCore
import Testing

/// What each answer to a POST means for its slot.
@Suite struct SubmitTransitions {
  private let submitting = slot(.submitting)

  private func answered(_ outcome: SubmitOutcome) throws -> Transition {
    try #require(submitting.on(.posted(outcome), after: .seconds(3)))
  }

  @Test func aStartWritesTheIntentDownAndThenPosts() throws {
    let next = try #require(slot(.queued(Queued())).on(.start(attemptID: "a", bootID: "b"), after: .seconds(1)))
    #expect(next.slot.state == .submitting)
    #expect(next.slot.attempts == [Attempt(n: 1, attemptID: "a", bootID: "b", startedAt: start + .seconds(1))])
    #expect(next.after == [.writeSidecar(durable: true), .post])
    #expect(next.commits && next.before.isEmpty)
  }

  @Test func anAcceptedOneIsSubmittedAndQueriedLater() throws {
    let next = try answered(.accepted(taskID: taskID))
    #expect(next.slot.state == .submitted(TaskRef(taskID: taskID, acceptedAt: start + .seconds(3))))
    #expect(next.slot.attempts.last?.outcome == .accepted)
    #expect(next.slot.attempts.last?.taskID == taskID)
    #expect(next.slot.attempts.last?.endedAt == start + .seconds(3))
    #expect(next.after == [.writeSidecarSoon, .query(at: start + .seconds(11))])
  }

  @Test func a400Fails() throws {
    let next = try answered(.notAccepted(failure(.permanent, "refused"), reached: true))
    #expect(next.slot.state == .failed(trouble("refused")))
    #expect(next.slot.attempts.last?.outcome == .refused)
    #expect(next.after == [.writeSidecar(durable: true)])
  }

  // 401, 402/403, 404, and a 5xx that provably came before the request was sent.
  @Test(arguments: [ServiceTrouble.unauthorized, .account, .wrongAddress, .down])
  func theServicesTroubleStaysQueuedAndIsReported(_ kind: ServiceTrouble) throws {
    let next = try answered(.notAccepted(failure(.service(kind), "told"), reached: true))
    #expect(next.slot.state == .queued(Queued(error: trouble("told"))))
    #expect(next.slot.failures == 0)
    #expect(next.after == [.writeSidecar(durable: false), .requeue])
    let reported = SubmitOutcome.notAccepted(failure(.service(kind), "told"), reached: true).serviceTrouble
    #expect(reported?.0 == kind && reported?.1 == trouble("told"))
  }

  // 400 and 403 in other words than the documented ones.
  @Test func anUnclearRefusalWaitsMoreAndMoreSeldom() throws {
    let outcome = SubmitOutcome.notAccepted(failure(.unclear, "refusal-unclear"), reached: true)
    var current = slot(.submitting)
    var delays: [Int64] = []
    for number in 1...10 {
      let next = try #require(current.on(.posted(outcome)))
      guard case .queued(let queued) = next.slot.state else {
        Issue.record("\(next.slot.state)")
        return
      }
      #expect(queued.blame == .unclear && queued.error == trouble("refusal-unclear"))
      #expect(next.slot.attempts.last?.outcome == .refused)
      #expect(next.after == [.writeSidecar(durable: false), .requeue])
      delays.append(try #require(queued.notBefore).milliseconds - start.milliseconds)
      current = try #require(next.slot.on(.start(attemptID: "\(number)", bootID: "b"))).slot
    }
    #expect(delays == [1, 2, 4, 8, 16, 32, 64, 128, 240, 240].map { $0 * 60_000 })
  }

  @Test func anUnclearRefusalBecomesThePromptsOwnOrTheAccounts() throws {
    let refused = SubmitOutcome.notAccepted(failure(.unclear), reached: true)
    let waiting = try #require(slot(.submitting).on(.posted(refused))).slot
    let own = try #require(waiting.on(.refusalWasItsOwn))
    #expect(own.slot.state.name == .failed && own.slot.state.error?.code == "refused")
    #expect(own.slot.state.error?.message == trouble().message && own.after == [.writeSidecar(durable: true)])
    let excused = try #require(waiting.on(.refusalWasTheAccounts(trouble("account")))).slot
    #expect(excused.state.error == trouble("account") && excused.attempts.last?.outcome == .refusedForAccount)
    #expect(excused.on(.refusalWasItsOwn) == nil)
    for slot in [waiting, excused] {
      let again = try #require(slot.on(.triedAgain))
      #expect(again.slot.state == .queued(Queued(error: slot.state.error)) && again.after.contains(.requeue))
    }
    // Nothing of that means anything to one that was not refused.
    for event in [SlotEvent.refusalWasItsOwn, .triedAgain, .refusalWasTheAccounts(trouble())] {
      #expect(slot(.queued(Queued(error: trouble()))).on(event) == nil && slot(.submitting).on(event) == nil)
    }
  }

  @Test func a429WaitsAsLongAsWanted() throws {
    let next = try answered(.notAccepted(failure(.transient(retryAfter: .seconds(90)), "busy"), reached: true))
    // The jitter comes on top: half of the first back-off.
    #expect(next.slot.state == .queued(Queued(notBefore: start + .seconds(3 + 90 + 1), error: trouble("busy"))))
    #expect(next.slot.attempts.last?.outcome == .refused)
    #expect(next.slot.failures == 1)
    #expect(next.after == [.writeSidecar(durable: false), .requeue, .slowDown(.seconds(90))])
  }

  @Test func whatNeverLeftIsQueuedAgain() throws {
    let next = try answered(.notAccepted(failure(.transient(retryAfter: nil)), reached: false))
    #expect(next.slot.state.name == .queued)
    #expect(next.slot.attempts.last?.outcome == .notSent)
    #expect(next.after.contains(.slowDown(.milliseconds(1500))))
  }

  @Test func theBackOffGrowsOverAttempts() throws {
    var current = slot(.queued(Queued()))
    var delays: [Duration] = []
    for number in 1...10 {
      current = try #require(current.on(.start(attemptID: "\(number)", bootID: "b"))).slot
      let refusal = SubmitOutcome.notAccepted(failure(.transient(retryAfter: nil)), reached: true)
      current = try #require(current.on(.posted(refusal), jitter: 0)).slot
      guard case .queued(let queued) = current.state else { return }
      delays.append(try #require(queued.notBefore) - start)
    }
    #expect(delays.map(\.milliseconds) == [1, 2, 4, 8, 16, 32, 64, 128, 150, 150].map { $0 * 1000 })
  }

  /// The back-off goes on where the service asks for no wait at all.
  @Test func aRetryAfterOfZeroDoesNotHammer() throws {
    let outcome = SubmitOutcome.notAccepted(failure(.transient(retryAfter: .zero)), reached: true)
    let next = try #require(slot(.submitting, failures: 5).on(.posted(outcome), jitter: 0))
    guard case .queued(let queued) = next.slot.state else { return }
    let notBefore = try #require(queued.notBefore)
    #expect(notBefore - start >= .seconds(1), "sent again after \(notBefore - start)")
  }

  @Test(arguments: [false, true])
  func theUnknownIsHeld(serviceDown: Bool) throws {
    let outcome = SubmitOutcome.unknown(trouble("timeout"), serviceDown: serviceDown)
    let next = try answered(outcome)
    guard case .held(let held) = next.slot.state else {
      Issue.record("\(next.slot.state)")
      return
    }
    #expect(held.reason == .submissionOutcomeUnknown)
    #expect(held.error.message == trouble().message)
    #expect(held.error.hint?.contains("does not submit it again") == true)
    #expect(next.slot.attempts.last?.outcome == .unknown)
    #expect(next.after == [.writeSidecar(durable: true)])
    // Told once, when the answer comes: an answer of another submission may have opened the gate again since.
    #expect(outcome.serviceTrouble?.0 == (serviceDown ? .down : nil))
    #expect(outcome.serviceTrouble?.1 == (serviceDown ? trouble("timeout").whileDown : nil))
  }

  @Test func whatCannotBeWrittenDownIsNotSent() throws {
    let next = try #require(submitting.on(.couldNotRecord(trouble("disk-full"))))
    #expect(next.slot.state == .queued(Queued(notBefore: start + .seconds(30), error: trouble("disk-full"))))
    #expect(next.slot.attempts.last?.outcome == .notSent)
    #expect(next.after == [.requeue])
  }

  @Test func aRestartWhileSubmittingIsHeld() throws {
    let next = try #require(submitting.on(.restarted))
    #expect(next.slot.state.error?.code == "submission-outcome-unknown")
    #expect(next.slot.state.name == .held)
    #expect(next.slot.attempts.last?.outcome == .unknown)
    #expect(next.after == [.writeSidecar(durable: true)])
  }

  @Test func aRestartLeavesTheQueueAlone() {
    #expect(slot(.queued(Queued())).on(.restarted) == nil)
  }

  @Test func aRefusalThatWasTheAccountsIsQueuedAgain() throws {
    let next = try #require(slot(.failed(trouble())).on(.refusalWasTheAccounts(trouble("account"))))
    // Others try first whether the account is good.
    let wait = start + .seconds(60)
    #expect(next.slot.state == .queued(Queued(notBefore: wait, error: trouble("account"), blame: .account)))
    #expect(next.after.contains(.requeue))
    // One that the service accepted and then gave up stays failed: it is paid for.
    var paid = slot(.submitted(task))
    paid.state = .failed(trouble("task-failed"))
    #expect(paid.on(.refusalWasTheAccounts(trouble("account"))) == nil)
  }

  /// A 429 is a refusal too, but says nothing of the prompt.
  @Test func anEarlier429DoesNotMakeARefusalThePromptsOwn() throws {
    let busy = SubmitOutcome.notAccepted(failure(.transient(retryAfter: nil)), reached: true)
    let refused = SubmitOutcome.notAccepted(failure(.permanent), reached: true)
    var current = try answered(busy).slot
    current = try #require(current.on(.start(attemptID: "2", bootID: "b"))).slot
    current = try #require(current.on(.posted(refused))).slot
    #expect(current.state.name == .failed)
    #expect(current.on(.refusalWasTheAccounts(trouble("account")))?.slot.state.name == .queued)
  }

  @Test func aSecondRefusalIsThePromptsOwn() throws {
    let refused = SubmitOutcome.notAccepted(failure(.permanent), reached: true)
    var current = try answered(refused).slot
    current = try #require(current.on(.refusalWasTheAccounts(trouble("account")))).slot
    current = try #require(current.on(.start(attemptID: "2", bootID: "b"))).slot
    current = try #require(current.on(.posted(refused))).slot
    #expect(current.on(.refusalWasTheAccounts(trouble("account"))) == nil)
  }

  @Test func aStopBeforeSendingIsNoAttemptThatMayBePaid() throws {
    let next = try #require(submitting.on(.stoppedBeforeSending))
    #expect(next.slot.state == .queued(Queued()) && next.commits)
    #expect(next.slot.attempts.last?.outcome == .notSent)
    #expect(slot(.submitted(task)).on(.stoppedBeforeSending) == nil)
  }

  @Test(arguments: [nil, trouble("image-missing")])
  func whatCannotBeginYetWaits(error: JobError?) throws {
    let until = start + .seconds(5)
    let next = try #require(slot(.queued(Queued())).on(.postponed(until: until, error)))
    #expect(next.slot.state == .queued(Queued(notBefore: until, error: error)))
    #expect(next.after.contains(.requeue))
    #expect(submitting.on(.postponed(until: until, error)) == nil)
  }

  // MARK: before sending

  @Test(arguments: [HeldReason.asked, .burst])
  func whatIsHeldBeforeSendingWaitsForAPerson(_ reason: HeldReason) throws {
    let held = try #require(slot(.queued(Queued())).on(.hold(reason, trouble())))
    #expect(held.slot.state == .held(Held(reason: reason, error: trouble())))
    #expect(held.slot.on(.start(attemptID: "a", bootID: "b")) == nil)
    let approved = try #require(held.slot.on(.approved))
    #expect(approved.slot.state == .queued(Queued()))
    #expect(approved.after == [.requeue])
    #expect(try #require(held.slot.on(.withdrawn(.superseded))).slot.state == .cancelled(.superseded))
  }

  @Test func whatWasSentIsNotWithdrawn() throws {
    let queued = try #require(slot(.queued(Queued())).on(.withdrawn(.sourceGone)))
    #expect(queued.slot.state == .cancelled(.sourceGone))
    let unknown = slot(.held(Held(reason: .submissionOutcomeUnknown, error: trouble())))
    for sent in [submitting, slot(.submitted(task)), slot(.fetching(Fetching(task: task, results: oneURL))), unknown] {
      #expect(sent.on(.withdrawn(.sourceGone)) == nil)
      #expect(sent.on(.approved) == nil)
      #expect(sent.on(.start(attemptID: "a", bootID: "b")) == nil)
    }
  }
}
