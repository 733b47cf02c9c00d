import JobCore

// What an answer of the service means for other prompts than its own.
extension Pipeline {
  /// The POST of a slot that is being submitted.
  func submission(_ key: SlotKey, _ attemptID: String, _ entry: ActiveJob) -> Submission {
    Submission(
      attemptID: attemptID, slot: key, prompt: entry.job.revisions[key.revision]?.identity.prompt ?? "")
  }

  /// Does what follows from an answer of the service.
  func follow(_ news: [Dispatcher.News]) {
    for item in news {
      switch item {
      case .opened: sayOpen()
      // What is cut by the end of the process says nothing of the service.
      case .closed(let error): if !isStopping { sayClosed(error) }
      case .refusals(let slots, let event): follow(slots, event)
      }
    }
  }

  // What was found out about earlier refusals happens to their slots.
  private func follow(_ slots: [SlotKey], _ event: SlotEvent) {
    guard !slots.isEmpty else { return }
    dispatcher.beginRuling()
    start { [self] in
      do {
        for key in slots {
          // Its refusal has to be written down before it can be taken back. One that is at the service once more is judged by
          // the answer to that.
          await jobs.answerIsWritten(key)
          guard !jobs.isRunning(key) else { continue }
          if try await decide([key], event), event == .refusalWasItsOwn { dispatcher.forget(key) }
        }
      } catch {
        fail(error)
      }
      dispatcher.endRuling()
      pump()
    }
  }

  /// What earlier processes left waiting with a refusal. A run that ends when its work is done tries each once more.
  func rememberRefusals() async throws {
    for (slot, prompt) in try await journal.blamed(roots: roots) {
      guard case .queued(let queued) = slot.state, let blame = queued.blame else { continue }
      dispatcher.remember(slot.key, prompt: prompt, blame)
      if mode == .once { _ = try await decide([slot.key], .triedAgain) }
    }
  }

  /// A run that ends when its work is done does not wait for what was refused to be tried again.
  func rest(_ key: SlotKey, _ queued: Queued) {
    guard mode == .once else { return }
    dispatcher.rest(key, until: queued.blame == nil ? nil : queued.notBefore)
  }
}
