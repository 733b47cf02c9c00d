import JobCore

// What is due at a time, and what is done about it.
extension Pipeline {
  /// When the alarm rings; nil while none is set.
  var alarmAt: Duration? { timetable.alarmAt }

  /// Has this done at that moment; at once where it is due.
  func schedule(_ item: AgendaItem, at due: Duration) {
    if due <= now, !isStopping, let work = work(for: item) {
      start(work)
      return
    }
    timetable.add(item, at: due)
    if ending == nil { setAlarm() }
  }

  /// A wall-clock moment on the monotonic clock; what is past is due now.
  func monotonic(_ moment: Timestamp) -> Duration {
    now + max(.zero, moment - wallClock)
  }

  func runAgenda(at now: Duration) {
    guard !isStopping else { return }
    while let item = timetable.takeDue(at: now) {
      switch item {
      case .look(let file): lookAt(file)
      case .writer(let file, let due): lookForClose(of: file, due: due)
      default: if let work = work(for: item) { start(work) }
      }
    }
    examineSettled(at: now)
  }

  // What a task of its own does for it; nil: what is done for it is done in this turn of the loop.
  private func work(for item: AgendaItem) -> (() async -> Void)? {
    switch item {
    case .query(let key, let due): return { await self.query(key, due: due) }
    case .fetch(let key): return { await self.resumeFetch(key) }
    case .late(let key, let due): return { await self.tryLate(key, due: due) }
    case .sidecar(let job):
      // It was written with something else meanwhile.
      guard jobs[job]?.sidecarIsDue == true else { return nil }
      return { await self.writeDueSidecar(job) }
    case .waiting(let key):
      guard backlog.contains(key) else { return nil }
      return { await self.showWaiting(key) }
    case .setBack(let job): return { await self.putRight(job) }
    case .vanished: return { await self.lookForVanished() }
    case .verify(let evidence): return { await self.verify(evidence) }
    case .backUp: return { await self.backUp() }
    case .liftLimits: return { await self.liftLimits() }
    case .look, .writer: return nil
    }
  }

  func setAlarm() {
    // What waits for a moment of the wall clock is looked at once a minute: the clock may be set.
    let byTheClock = backlog.wakesAt.map { min($0, now + .seconds(60)) }
    // While no more files can be examined at once, those that are due wait for the end of one batch, not for a time.
    let settled = canExamine ? arrivals.nextDue : nil
    let next = [settled, timetable.nextDue, byTheClock, dispatcher.heldBackUntil, lifecycle.deadline, catchUp.deadline]
      .compactMap { $0 }.min()
    guard let next else { return }
    timetable.setAlarm(at: next) { moment in
      start { [self] in
        if moment > now {
          do { try await surroundings.sleep(moment) } catch { return }  // Cancelled: a nearer alarm was set.
        }
        timetable.rang(moment)
        pump()
      }
    }
  }

  /// Does this in a task of its own, which does not outlive `run`.
  @discardableResult
  func start(_ work: @escaping () async -> Void) -> Task<Void, Never> {
    tasks.began()
    return Task {
      await work()
      self.tasks.ended()
    }
  }
}
