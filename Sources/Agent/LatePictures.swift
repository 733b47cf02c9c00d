import JobCore

/// Pictures that are late: when each is tried next, and whether pictures arrive at all. Times are monotonic.
struct LateTries {
  /// What has become of the flow of pictures.
  enum News {
    /// None of so many tasks in a row has come: nothing is to be submitted.
    case closed(count: Int)
    /// They arrive again.
    case opened
  }

  private var due: [SlotKey: Duration] = [:]
  private var gate = PictureGate()

  /// Whether nothing is to be submitted.
  var isClosed: Bool { gate.isClosed }
  /// How many tasks in a row have no picture.
  var count: Int { gate.count }

  /// Tasks whose pictures are late, as an earlier process left them.
  mutating func remember(_ missing: [SlotKey]) { gate = PictureGate(missing: missing) }

  /// A picture is tried then, and not at another time that was set before.
  mutating func set(_ slot: SlotKey, at moment: Duration) { due[slot] = moment }

  /// The time has come. False: another time was set meanwhile.
  mutating func isDue(_ slot: SlotKey, _ moment: Duration) -> Bool {
    guard due[slot] == moment else { return false }
    due[slot] = nil
    return true
  }

  /// What a slot has become, as far as its picture is late.
  mutating func moved(from before: Slot, to after: Slot) -> News? {
    switch after.state {
    case .done where before.state.name == .fetching: return gate.arrived() ? .opened : nil
    case .queued, .failed, .cancelled: return gate.gaveUp(after.key) ? .opened : nil
    default:
      guard after.state.isLate, !before.state.isLate, gate.missed(after.key) else { return nil }
      return .closed(count: gate.count)
    }
  }
}

// Pictures that are paid for and do not come: tried on while their slots are held, and watched over, because they take no
// place at the service while they are waited for.
extension Pipeline {
  /// What earlier processes left: each is tried again when its pause is over; by `once`, which waits for no pause, now.
  func goOnWithLatePictures() async throws {
    lateTries.remember(try await journal.lateInARow(roots: roots))
    if lateTries.isClosed { observer.notice(.error, Self.noPictures(lateTries.count)) }
    for (key, next) in try await journal.stillTried(roots: roots) {
      guard mode == .once else {
        // A clock that was set makes no pause longer than the longest.
        scheduleLate(key, at: min(monotonic(next), now + settings.policy.longestPause))
        continue
      }
      guard try await jobs.reserve(key) else { continue }
      start { await self.askForLate(key) }
    }
  }

  /// A held slot's picture is tried then, and not at another time that was set before.
  func scheduleLate(_ key: SlotKey, at due: Duration) {
    guard mode == .watch else { return }
    lateTries.set(key, at: due)
    schedule(.late(key, due: due), at: due)
  }

  /// A try is due, unless another time was set meanwhile.
  func tryLate(_ key: SlotKey, due: Duration) async {
    guard !isStopping, lateTries.isDue(key, due) else { return }
    // Somebody has it in hand, and may make something else of it.
    guard !jobs.isRunning(key) else { return scheduleLate(key, at: now + .seconds(60)) }
    do {
      guard try await jobs.reserve(key) else { return }
    } catch {
      return fail(error)
    }
    await askForLate(key)
  }

  // The slot is under way.
  private func askForLate(_ key: SlotKey) async {
    guard let entry = jobs[key.job], case .held(let held)? = entry.job.slots[key]?.state, held.isStillTried,
      let task = held.task
    else { return letBe(key) }
    guard await mayQuery() else {
      letBe(key)
      pump()
      return scheduleLate(key, at: nextQuery())
    }
    let outcome = await ask(task.taskID, sent: entry.job.revisions[key.revision]?.snapshot.images ?? [])
    guard let outcome, entry.job.slots[key]?.state.task?.taskID == task.taskID else { return letBe(key) }
    await advance(key, .queried(await keepingAnswer(of: outcome, key, entry)))
  }

  // MARK: whether pictures arrive at all

  /// What a slot has become, as far as its picture is late.
  func weighLateness(_ before: Slot, _ after: Slot) {
    jobs.setLate(after.key, after.state.isLate)
    switch lateTries.moved(from: before, to: after) {
    case .opened?: observer.notice(.info, JobError(code: .picturesArrive, message: "Prompts are submitted again."))
    case .closed(let count)?: observer.notice(.error, Self.noPictures(count))
    case nil: break
    }
  }

  /// Why nothing is submitted while pictures do not come.
  static func noPictures(_ count: Int) -> JobError {
    JobError(
      code: .picturesNotFetched,
      message: "The pictures of \(count) tasks in a row could not be fetched. Nothing is submitted until one arrives.",
      hint:
        "promptdrop tries them again by itself. `promptdrop status` lists them with the addresses of their pictures, and "
        + "says for each how to try it at once or to give it up.",
      retryable: true)
  }
}
