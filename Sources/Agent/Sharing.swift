import JobCore

// Sidecars that somebody else puts into a folder: another agent, or a sync tool.
extension Pipeline {
  /// A sidecar came from somewhere else.
  func sidecarArrived(_ prompt: FileKey) {
    start { [self] in
      do throws(LocalTrouble) {
        guard try await readSidecar(of: prompt)?.tellsOfPayment == true else { return }
      } catch {
        return observer.notice(.warning, error.error)
      }
      do {
        guard let known = try await journal.known([prompt])[0], known.current > 0,
          let sidecar = try await readSidecar(of: prompt)
        else { return }
        if sidecar.jobID == known.job.text {
          if sidecars.wasSetBack(known.job) { schedule(.setBack(known.job), at: now + Self.setBackDelay) }
          return
        }
        guard let job = try await inHand(known.job), !job.currentSlots.contains(where: \.mayBePaid) else { return }
        // Before it is overwritten: the prompt is looked at once more, with what the sidecar tells.
        sidecars.protect(prompt)
        lookAt(prompt)
        pump()
      } catch let trouble as LocalTrouble {
        observer.notice(.warning, trouble.error)
      } catch {
        fail(error)
      }
    }
  }

  // Longer than a sync tool's round trip, so that two who write the same file do not chase each other.
  private static let setBackDelay: Duration = .seconds(10)

  /// Somebody else has written the job's sidecar, such as a sync tool with an older copy. What says less than the journal,
  /// and nothing else, is written anew.
  func putRight(_ id: JobID) async {
    sidecars.putRight(id)
    do {
      guard jobs[id] == nil, !isStopping, let job = try await inHand(id), job.note == nil,
        case .file = await files.look(job.file), let sidecar = try await readSidecar(of: job.file),
        sidecar.isBehind(job),
        StatusSidecar(
          of: job, now: wallClock, agentVersion: settings.identity.version, agentHost: settings.identity.host
        ).state
          != sidecar.state, await notOurs(job.file) == nil
      else { return }
      await show(job.id)
    } catch let trouble as LocalTrouble {
      observer.notice(.warning, trouble.error)
    } catch {
      fail(error)
    }
  }

  // MARK: what was there before this journal

  /// Sidecars whose prompts are gone: the prompt may have been renamed while the journal was lost. What they tell is taken
  /// into the journal before any prompt is looked at.
  func readStrays(_ prompts: [FileKey]) {
    survey.beginReading()
    start { [self] in
      do {
        for prompt in prompts where !isStopping { try await readStray(prompt) }
      } catch {
        fail(error)
      }
      survey.endReading()
      pump()
    }
  }

  private func readStray(_ prompt: FileKey) async throws {
    do {
      guard try await journal.known([prompt])[0] == nil, let sidecar = try await readSidecar(of: prompt) else { return }
      guard ownership.strangers[prompt.root] == nil || ownership.isPerhapsOurs(sidecar),
        try await journal.jobs([JobID(sidecar.jobID)])[0] == nil,
        case .missing = await files.look(prompt)
      else { return }
      var look = FileLook(
        file: prompt,
        reading: SourceReading(prompt: .missing, promptBytes: nil, list: .missing, listBytes: nil, defaults: []),
        seen: Observation(file: prompt, prompt: .missing), knowledge: Knowledge(nil))
      let outcome = try await answering(&look) { [settings] look, now throws(FileNeed) in
        try FileDecision.believeStray(sidecar, look.seen, look.knowledge, rules: settings.fileRules, now: now)
      }
      guard let outcome, try await !commit(outcome.changes).contains(.stale) else { return }
      try await carryOut(outcome.effects, prompt)
    } catch let trouble as LocalTrouble where !trouble.isFatal {
      observer.notice(.warning, trouble.error)
    }
  }
}

extension StatusSidecar {
  /// Whether it is the job's own, and has no submission that the journal does not know.
  fileprivate func isBehind(_ job: Job) -> Bool {
    guard jobID == job.id.text, revision <= job.latest else { return false }
    return attempts.allSatisfy { entry in
      guard entry.attempt.outcome.mayBePaid else { return true }
      let slot = job.slots[SlotKey(job: job.id, revision: entry.revision, number: entry.slot)]
      // Earlier versions dropped the attempts of pictures that had been finished for long.
      guard let slot, slot.state != .done else { return slot != nil }
      return slot.attempts.contains { known in
        known.attemptID == entry.attempt.attemptID
          && (entry.attempt.taskID == nil || known.taskID == entry.attempt.taskID)
      }
    }
  }
}
