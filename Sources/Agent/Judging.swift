import JobCore

// What an answer to a POST says of the service, of the account and of other prompts.
extension Pipeline {
  /// The POST of a slot that is being submitted.
  func submission(_ key: SlotKey, _ attemptID: String, _ entry: ActiveJob) -> Submission {
    Submission(
      attemptID: attemptID, slot: key, prompt: entry.job.revisions[key.revision]?.identity.prompt ?? "")
  }

  /// Tells the gate how a POST ended: at once, not when it is written down. In the milliseconds of that, the next ones
  /// would go out into the outage.
  func judge(_ outcome: SubmitOutcome, _ submission: Submission) {
    switch outcome {
    case .accepted:
      let shown = gate.accepted(submission)
      if shown.isOpening { sayOpen() }
      follow(shown.own, .refusalWasItsOwn)
      follow(shown.again, .triedAgain)
    case .taskOfAnother, .unknown(_, serviceDown: false):
      gate.ended(submission)
      gate.unknown(submission, at: now)
    case .unknown(_, serviceDown: true):
      gate.ended(submission)
      if let (trouble, error) = outcome.serviceTrouble { serviceTrouble(trouble, error, of: submission) }
    case .notAccepted(let failure, let reached):
      if reached { gate.submitAnswered() } else { gate.submitNotSent(submission.slot) }
      refused(failure, submission)
    }
  }

  private func refused(_ failure: Failure, _ submission: Submission) {
    switch failure.consequence {
    case .transient(let retryAfter):
      gate.ended(submission)
      if let retryAfter { gate.slowDown(for: retryAfter, at: now) }
    case .service(let trouble):
      gate.ended(submission)
      serviceTrouble(trouble, failure.error)
    case .permanent where failure.error.code == ErrorCode.requestTooLarge: gate.ended(submission)
    case .permanent:
      let alike = gate.refused(failure.error.message, submission)
      if !alike.isEmpty { blameAccount(alike, "The service refuses every prompt alike: \(failure.error.message)") }
    case .unclear:
      switch gate.refusedUnclearly(submission) {
      case .none: break
      case .own: follow([submission.slot], .refusalWasItsOwn)
      case .account(let slots, isNew: true):
        blameAccount(slots, "The service refused several prompts in a row, the last with: \(failure.error.message)")
      case .account(let slots, isNew: false):
        follow(slots, .refusalWasTheAccounts(gate.closed?.error ?? failure.error))
      }
    }
  }

  func serviceTrouble(_ trouble: ServiceTrouble, _ error: JobError, of submission: Submission? = nil) {
    if gate.trouble(trouble, error, at: now, of: submission) { sayClosed(error) }
  }

  // Several prompts in a row: nothing has failed.
  private func blameAccount(_ slots: [SlotKey], _ message: String) {
    let error = JobError(
      code: .account, message: message,
      hint: "Look at the account's credits and state at the service; promptdrop goes on by itself.", retryable: true)
    if gate.suspectAccount(error, at: now) { sayClosed(error) }
    follow(slots, .refusalWasTheAccounts(error))
  }

  // What was found out about earlier refusals happens to their slots.
  private func follow(_ slots: [SlotKey], _ event: SlotEvent) {
    guard !slots.isEmpty else { return }
    blaming += 1
    start { [self] in
      do {
        for key in slots {
          // Its refusal has to be written down before it can be taken back. One that is at the service once more is judged by
          // the answer to that.
          await jobs.answerIsWritten(key)
          guard !jobs.isRunning(key) else { continue }
          if try await decide([key], event), event == .refusalWasItsOwn { gate.forget(key) }
        }
      } catch {
        fail(error)
      }
      blaming -= 1
      pump()
    }
  }

  /// What earlier processes left waiting with a refusal. A run that ends when its work is done tries each once more.
  func rememberRefusals() async throws {
    for (slot, prompt) in try await journal.blamed(roots: roots) {
      guard case .queued(let queued) = slot.state, let blame = queued.blame else { continue }
      gate.remember(slot.key, prompt: prompt, blame)
      if mode == .once { _ = try await decide([slot.key], .triedAgain) }
    }
  }

  /// A run that ends when its work is done does not wait for what was refused to be tried again.
  func rest(_ key: SlotKey, _ queued: Queued) {
    guard mode == .once else { return }
    resting[key] = queued.blame == nil ? nil : queued.notBefore
  }

  /// What `once` leaves alone for now.
  var asleep: Set<SlotKey> {
    guard !resting.isEmpty else { return [] }
    let wall = wallClock
    return Set(resting.filter { $0.value > wall }.keys)
  }
}
