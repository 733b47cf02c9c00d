import JobCore

/// What is due at a time: one heap and one alarm for all tasks, so that nothing wakes when nothing is due.
enum AgendaItem: Sendable {
  case query(SlotKey, due: Duration)
  case fetch(SlotKey)
  case late(SlotKey, due: Duration)
  case sidecar(JobID)
  case setBack(JobID)
  case look(FileKey)
  case writer(FileKey, due: Duration)
  case vanished
  case weigh(Evidence)
  case backUp
  case liftLimits
}

extension Pipeline {
  func schedule(_ item: AgendaItem, at due: Duration) {
    agendaTurn &+= 1
    agenda.insert(due: due, turn: agendaTurn, key: item)
    if ending == nil { setAlarm() }
  }

  /// A wall-clock moment on the monotonic clock; what is past is due now.
  func monotonic(_ moment: Timestamp) -> Duration {
    now + max(.zero, moment - wallClock)
  }

  func runAgenda(at now: Duration) {
    guard !isStopping else { return }
    while let first = agenda.first, first.due <= now {
      agenda.removeFirst()
      switch first.key {
      case .query(let key, let due): Task { await self.query(key, due: due) }
      case .fetch(let key): Task { await self.resumeFetch(key) }
      case .late(let key, let due): Task { await self.tryLate(key, due: due) }
      case .sidecar(let job): Task { await self.writeDueSidecar(job) }
      case .setBack(let job): Task { await self.putRight(job) }
      case .look(let file): settling.noticed(file, .found, at: now)
      case .writer(let file, let due): lookForClose(of: file, due: due)
      case .vanished: Task { await self.lookForVanished() }
      case .weigh(let evidence): Task { await self.weigh(evidence) }
      case .backUp: Task { await self.backUp() }
      case .liftLimits: Task { await self.weighLimitsAnew() }
      }
    }
    examineSettled(at: now)
  }

  func setAlarm() {
    // What waits for a moment of the wall clock is looked at once a minute: the clock may be set.
    let byTheClock = nextQueued.map { min($0, now + .seconds(60)) }
    // While no more files can be examined at once, those that are due wait for the end of one batch, not for a time.
    let settled = canExamine ? settling.nextDue : nil
    let next = [settled, agenda.first?.due, byTheClock, gateWait, onceDeadline, catchUpDeadline].compactMap {
      $0
    }.min()
    guard let next else { return }
    // An alarm that rings too early costs one look; replacing it for every change costs a task each time.
    if let alarmAt, alarmAt <= next { return }
    alarm?.cancel()
    alarmAt = next
    if next <= now {
      alarm = Task { self.rang(next) }
      return
    }
    alarm = Task { [surroundings] in
      do { try await surroundings.sleep(next) } catch { return }  // Cancelled: a nearer alarm was set.
      self.rang(next)
    }
  }

  private func rang(_ moment: Duration) {
    if alarmAt == moment { alarmAt = nil }
    pump()
  }

  // MARK: requests at once

  func permit() async {
    if permitsUsed < settings.maxRequests {
      permitsUsed += 1
    } else {
      await withCheckedContinuation { permitQueue.append($0) }
    }
  }

  func releasePermit() {
    if permitQueue.isEmpty {
      permitsUsed -= 1
    } else {
      permitQueue.removeFirst().resume()
    }
  }
}
