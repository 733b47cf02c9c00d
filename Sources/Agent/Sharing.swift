import JobCore

// Folders that several machines have: only one of them may pay. Who that is says `owner`; where nobody is named, a root with
// another machine's sidecars or a sync tool's mark is nobody's.
extension Pipeline {
  /// Why the file is not taken although its folder names no owner; nil where nothing speaks against it.
  func sharedProblem(_ file: FileKey, owner: String?) -> JobError? {
    guard owner == nil else { return nil }
    let why: String
    if let other = sharedWith[file.root] {
      why = "the agent \"\(other)\" has taken prompts in it"
    } else if syncMarks.contains(where: { $0.root == file.root && file.path.isBelowOrEqual($0.path) }) {
      why = "a sync tool keeps it on several machines"
    } else {
      return nil
    }
    return JobError(
      code: JobError.sharedFolder,
      message:
        "Nothing is taken in \(name(of: file.root)): \(why), and two that take the same prompts would pay twice.",
      hint: "promptdrop own \(name(of: file.root)) makes this machine the one that takes them.", retryable: true)
  }

  /// Why a prompt that waits for its turn must not be sent by this agent now; nil where it may.
  func ownerProblem(_ file: FileKey) async -> JobError? {
    let defaults = await files.folderDefaults(above: file, limit: settings.maxPromptBytes)
    // Defaults that cannot be read keep no prompt that was taken.
    let owner = reader.owner(defaults.compactMap { try? $0.1.get() })
    if let owner, !reader.isOwn(owner) {
      return JobError(
        code: JobError.otherOwner, message: "Its folder belongs to the agent \"\(owner)\" now.",
        hint: "promptdrop own FOLDER makes it this agent's.", retryable: true)
    }
    return sharedProblem(file, owner: owner)
  }

  /// A sidecar that another machine made shows that the root is there too.
  func noteOwner(_ told: StatusSidecar, _ root: RootID) {
    guard let owner = told.owner, !owner.isEmpty, !settings.machine.isEmpty, !reader.isOwn(owner),
      sharedWith[root] == nil
    else { return }
    sharedWith[root] = owner
    Task {
      do { _ = try await commit([.shared(root, with: owner)]) } catch { fail(error) }
    }
  }

  /// A sidecar came from somewhere else.
  func sidecarArrived(_ prompt: FileKey) {
    Task {
      do throws(LocalTrouble) {
        guard let told = try await told(of: prompt) else { return }
        noteOwner(told, prompt.root)
        guard told.tellsOfPayment else { return }
      } catch {
        return observer.notice(.warning, error.error)
      }
      do {
        guard let known = try await journal.known([prompt])[0], known.current > 0, let told = try await told(of: prompt)
        else { return }
        if told.jobID == known.job.text {
          if setBack.insert(known.job).inserted { schedule(.setBack(known.job), at: now + Self.setBackDelay) }
          return
        }
        guard let job = try await inHand(known.job), !job.currentSlots.contains(where: \.mayBePaid) else { return }
        // Before it is overwritten: the prompt is looked at once more, with what the sidecar tells.
        keptSidecars.insert(prompt)
        settling.noticed(prompt, .found, at: now)
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
    setBack.remove(id)
    do {
      guard active[id] == nil, !isStopping, let job = try await inHand(id), job.note == nil,
        case .file = await files.look(job.file), let told = try await told(of: job.file), told.isBehind(job),
        StatusSidecar(of: job, now: wallClock, agentVersion: settings.version, agentHost: settings.host).state
          != told.state, await ownerProblem(job.file) == nil
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
    readingStrays += 1
    Task {
      do {
        for prompt in prompts where !isStopping { try await readStray(prompt) }
      } catch {
        fail(error)
      }
      readingStrays -= 1
      pump()
    }
  }

  private func readStray(_ prompt: FileKey) async throws {
    do {
      guard try await journal.known([prompt])[0] == nil, let told = try await told(of: prompt) else { return }
      noteOwner(told, prompt.root)
      guard sharedWith[prompt.root] == nil, try await journal.jobs([JobID(told.jobID)])[0] == nil,
        case .missing = await files.look(prompt)
      else { return }
      let nothing = FileStamp(device: 0, inode: 0, size: 0, modified: 0, changed: 0)
      _ = try await believe(told, prompt, nil, nil, TakenStamp(prompt: nothing, list: nil))
    } catch let trouble as LocalTrouble where !trouble.isFatal {
      observer.notice(.warning, trouble.error)
    }
  }
}

extension StatusSidecar {
  /// Whether it is the job's own, and tells of no submission that the journal does not know.
  fileprivate func isBehind(_ job: Job) -> Bool {
    guard jobID == job.id.text, revision <= job.latest else { return false }
    return attempts.allSatisfy { entry in
      guard entry.attempt.outcome.mayBePaid else { return true }
      let slot = job.slots[SlotKey(job: job.id, revision: entry.revision, number: entry.slot)]
      // Of a picture that was finished long ago, the attempts are forgotten.
      guard let slot, slot.state != .done else { return slot != nil }
      return slot.attempts.contains { known in
        known.attemptID == entry.attempt.attemptID
          && (entry.attempt.taskID == nil || known.taskID == entry.attempt.taskID)
      }
    }
  }
}
