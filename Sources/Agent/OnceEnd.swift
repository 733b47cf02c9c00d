import JobCore

// How `once` ends: what is done, what needs the user, what only needs time, and what is not this agent's to do.
extension Pipeline {
  /// What there is of the files that are not finished, but for those that are gone (what was wrong with them is over) and
  /// those in folders of other agents.
  private struct Leftovers {
    var waiting = 0
    var needUser: [Job] = []
  }

  private static let mostNamed = 200

  /// Whether something has been noticed and not been looked at yet.
  private var hasUnseen: Bool {
    !survey.isScanned || !survey.isSurveyed || !vanished.isEmpty || !arrivals.isAtRest
  }

  /// Ends `once` with what is left. `why` it ends where some files are not finished.
  func conclude(_ why: String) {
    guard lifecycle.conclude() else { return }
    let unseen = hasUnseen
    let settling = arrivals.count
    start { [self] in
      do {
        let left = try await leftovers()
        for job in left.needUser.prefix(Self.mostNamed) { nameOne(job) }
        let undecided = await sayWhatIsNotOurs()
        if unseen {
          end(.needsTime(waiting: left.waiting + settling, why: why))
        } else if let unread = survey.unreadableRoot?.message {
          // What could not even be looked through is not done.
          end(.needsTime(waiting: left.waiting, why: unread))
        } else if !left.needUser.isEmpty {
          end(.finished(done: try await done(), needUser: left.needUser.count))
        } else if let undecided {
          end(
            .needsTime(
              waiting: left.waiting, why: "it is not decided which agent takes the prompts. \(undecided.hint ?? "")"))
        } else if left.waiting > 0 {
          end(.needsTime(waiting: left.waiting, why: why))
        } else {
          end(.finished(done: try await done(), needUser: 0))
        }
      } catch {
        fail(error)
      }
    }
  }

  private func done() async throws -> Int { try await journal.census(roots: roots)[.done] ?? 0 }

  private func leftovers() async throws -> Leftovers {
    let census = try await journal.census(roots: roots)
    var left = Leftovers()
    for state in StateName.allCases where state != .done && state != .cancelled && census[state] != nil {
      for job in try await journal.jobs(try await journal.files(roots: roots, in: state, limit: 100_000)) {
        guard let job else { continue }
        if await files.look(job.file) == .missing, !job.slots.values.contains(where: { $0.state.task != nil }) {
          continue
        }
        if !job.isOnItsWay, case .other = await ownership.lastBelonging(of: job.file) { continue }
        // What was refused, and may be about the account, is for a person to look at.
        let isRefused = job.currentSlots.contains { $0.state.blame != nil }
        if state == .failed || state == .held || isRefused { left.needUser.append(job) } else { left.waiting += 1 }
      }
    }
    return left
  }

  // What needs the user is named with what to do, also where it failed in an earlier run that said so.
  private func nameOne(_ job: Job) {
    let sidecar = StatusSidecar(
      of: job, now: wallClock, agentVersion: settings.identity.version, agentHost: settings.identity.host)
    let error = sidecar.error.map { places.naming(job.file, in: $0) }
    observer.notice(
      .warning,
      JobError(
        code: ErrorCode(rawValue: sidecar.reason ?? sidecar.state.rawValue),
        message: "\(sidecar.state.rawValue)  \(absolute(job.file)): \(error?.message ?? "No reason is known.")",
        hint: error?.hint))
  }

  /// Says where nothing is taken, and why. Why it is, where nobody has decided; nil where somebody has.
  private func sayWhatIsNotOurs() async -> JobError? {
    var open: JobError?
    for place in await ownership.notOurs(of: roots) {
      guard let problem = place.belonging.problem else { continue }
      sayNotOurs(place.file, problem)
      if case .undecided = place.belonging { open = open ?? problem }
    }
    return open
  }
}

extension Job {
  /// Whether something of it may be paid for and is not in place.
  fileprivate var isOnItsWay: Bool {
    slots.values.contains { slot in
      switch slot.state.name {
      case .queued, .done, .failed, .cancelled: false
      case .submitting, .submitted, .fetching: true
      case .held: !slot.isUnsent
      }
    }
  }
}
