import JobCore
import Testing

/// A picture that is paid for, finished, and not there: it is tried again for long, and is never given up unasked.
@Suite struct LateTransitions {
  private let fetching = slot(.fetching(Fetching(task: task, results: oneURL)))
  private let misses: [FetchFailure] = [
    .expired(trouble("image-expired")), .transient(trouble("net"), retryAfter: nil),
    .damaged(Damage(part: 1, sha256: "aa"), trouble("damaged")),
  ]

  // Lets tries fail until the slot is held, or for so many; the moments of the tries, and the slot.
  private func fail(
    _ from: Slot, _ miss: FetchFailure, tries: Int = 1000, policy: RetryPolicy = RetryPolicy()
  ) throws -> ([Timestamp], Slot) {
    var (current, now, moments) = (from, start, [Timestamp]())
    for _ in 0..<tries where current.state.name == .fetching {
      moments.append(now)
      let next = try #require(current.on(.fetchFailed(miss), now: now, policy: policy, jitter: 0.5))
      #expect(next.commits)
      current = next.slot
      guard case .query(let at)? = next.after.last else { break }
      #expect(at > now && current.state.name == .submitted)
      now = at
      // Each time with the URL that a fresh query gives.
      let asked = try #require(
        current.on(.queried(report(.succeeded(oneURL), "success")), now: now, policy: policy, jitter: 0.5))
      #expect(asked.after == [.fetch(at: now)])
      current = asked.slot
    }
    return (moments, current)
  }

  @Test(arguments: 0..<3) func itIsTriedForTenMinutesThenHeldAndTriedOn(_ index: Int) throws {
    let (moments, slot) = try fail(fetching, misses[index])
    #expect(try #require(moments.last) - start >= .seconds(600), "\(moments.count) tries")
    #expect(moments.count > 6 && moments.count < 40)
    guard case .held(let held) = slot.state else { throw trouble("\(slot.state.name)") }
    #expect(held.reason == .paidNotFetched && held.task?.taskID == taskID && held.isStillTried)
    #expect(held.error.retryable && held.error.hint?.contains(taskID) == true)
    #expect(held.task?.late?.urls == ["https://images.example/1.png"])
  }

  @Test func heldItIsTriedWithLongPausesForADay() throws {
    var (_, slot) = try fail(fetching, misses[0])
    var (pauses, now) = ([Duration](), start + .seconds(700))
    while let next = slot.state.nextLateTry {
      pauses.append(next - now)
      now = next
      let asked = try #require(slot.on(.queried(report(.succeeded(oneURL), "success")), now: now))
      #expect(asked.slot.state.name == .fetching)
      let failed = try #require(asked.slot.on(.fetchFailed(misses[0]), now: now))
      #expect(failed.slot.state.name == .held && failed.after.first == .writeSidecar(durable: true))
      slot = failed.slot
      guard pauses.count < 1000 else { break }
    }
    #expect(now - start >= .seconds(86_000) && now - start < .seconds(26 * 3600), "\((now - start).brief)")
    #expect(pauses.count < 60)
    #expect(pauses.dropFirst().allSatisfy { $0 >= .seconds(240) && $0 <= .seconds(4320) }, "\(pauses)")
    // It stays held, with its task, for a person.
    guard case .held(let held) = slot.state else { throw trouble("\(slot.state.name)") }
    #expect(!held.isStillTried && !held.error.retryable && held.task?.taskID == taskID)
    #expect(slot.on(.queried(report(.succeeded(oneURL), "success")), now: now) == nil)
  }

  // A person wants another look: what the service says then gives nothing up, and no second look pays for it again.
  @Test func anotherLookForgetsNothing() throws {
    let (_, held) = try fail(fetching, misses[0])
    let looked = try #require(held.on(.retry, now: start + .seconds(900))).slot
    let answers: [QueryOutcome] = [
      report(.withoutResult, "success"), report(.failed("no"), "failed"), report(.succeeded([]), "success"), .notFound,
    ]
    for answer in answers {
      var (slot, now) = (looked, start + .seconds(900))
      for _ in 0..<40 {
        now = now + .seconds(120)
        guard let next = slot.on(.queried(answer), now: now) else { break }
        slot = next.slot
      }
      #expect(slot.state.task?.taskID == taskID && slot.state.isLate, "\(answer): \(slot.state.name)")
      #expect(slot.state.task?.late?.urls == ["https://images.example/1.png"])
      #expect(slot.on(.retry, now: now)?.slot.state.name != .queued)
    }
  }

  // The callback of an earlier submission in doubt: the task that the slot has is paid for too.
  @Test func anEarlierTaskDoesNotReplaceThisOne() throws {
    var (_, slot) = try fail(fetching, misses[0])
    var earlier = Attempt(n: 0, attemptID: "in-doubt", bootID: "b", startedAt: start)
    earlier.outcome = .unknown
    slot.attempts.insert(earlier, at: 0)
    #expect(slot.on(.bound(taskID: "ta-other", attemptID: "in-doubt"), now: start + .seconds(900)) == nil)
  }

  // Pictures are told apart by their place in the list.
  @Test func aShorterListIsNotAllOfThem() throws {
    func list(_ count: Int) -> [ResultItem] { (0..<count).map { .url("https://images.example/\($0).png") } }
    #expect(Fetching(task: task, results: list(2)).shortfall(placed: []) == nil)
    #expect(Fetching(task: task, results: list(1)).shortfall(placed: [2])?.code == "result-incomplete")
    var (current, now) = (slot(.fetching(Fetching(task: task, results: list(3)))), start)
    // The first shorter list does not become the measure for the next.
    for _ in 0..<3 {
      let late = try #require(current.on(.fetchFailed(misses[0]), now: now)).slot
      #expect(late.state.task?.late?.urls.count == 3)
      now = try #require(late.state.nextLateTry)
      current = try #require(late.on(.queried(report(.succeeded(list(2)), "success")), now: now)).slot
      guard case .fetching(let fetching) = current.state else { throw trouble("\(current.state.name)") }
      #expect(fetching.shortfall(placed: [1, 2])?.message.contains("made 3 pictures") == true)
      #expect(fetching.shortfall(placed: [1, 2, 3]) == nil)
    }
  }

  @Test func whatTheServiceSaysLaterGivesNothingUp() throws {
    let (_, held) = try fail(fetching, misses[0])
    let (_, submitted) = try fail(fetching, misses[0], tries: 0)
    let late = try #require(submitted.on(.fetchFailed(misses[0]))).slot
    let words: [QueryOutcome] = [
      .notFound, .unusable(trouble("odd")), .failed(failure(.permanent)), report(.running),
      report(.failed("no"), "failed"),
      report(.succeeded([]), "success"), report(.withoutResult, "success"),
    ]
    for outcome in words {
      let one = try #require(held.on(.queried(outcome), after: .seconds(86_400 * 3)), "\(outcome)")
      #expect(one.slot.state.name == .held && one.slot.state.task?.taskID == taskID, "\(outcome)")
      let two = try #require(late.on(.queried(outcome), after: .seconds(86_400 * 3)), "\(outcome)")
      #expect(two.slot.state.name == .submitted && two.slot.state.isLate, "\(outcome)")
    }
  }

  @Test func aPersonsWordEndsTheTrying() throws {
    let (_, held) = try fail(fetching, misses[0])
    #expect(try #require(held.on(.abandon)).slot.state == .cancelled(.abandoned))
    #expect(try #require(held.on(.resubmit)).slot.state == .queued(Queued()))
    let again = try #require(held.on(.retry, after: .seconds(9)))
    guard case .submitted(let task) = again.slot.state else { throw trouble("\(again.slot.state.name)") }
    #expect(task.taskID == taskID && task.acceptedAt == start + .seconds(9))
    // Its time begins anew; that it was finished once is not forgotten.
    #expect(task.late?.waited == .zero && task.late?.cause == .notFetched)
  }

  /// What time does not mend is told at once, and tried on all the same.
  @Test func whatMustNotBeFetchedIsHeldAtOnce() throws {
    let next = try #require(fetching.on(.fetchFailed(.unusable(trouble("result-address")))))
    guard case .held(let held) = next.slot.state else { throw trouble("\(next.slot.state.name)") }
    #expect(held.reason == .paidNotFetched && held.error.code == "result-address" && held.isStillTried)
    guard case .tryLater(let at)? = next.after.last else { throw trouble("\(next.after)") }
    #expect(at >= start + .seconds(240))
  }

  @Test func whatWasHeldBeforeThisVersionStaysAsItIs() throws {
    let old = slot(.held(Held(reason: .paidNotFetched, error: trouble(), task: task)))
    #expect(old.on(.queried(report(.succeeded(oneURL), "success"))) == nil)
    #expect(old.state.nextLateTry == nil)
  }

  @Test func aResultThatIsNotThereYetIsWaitedForThenFailed() throws {
    var (current, now) = (slot(.submitted(task)), start + .seconds(3000))
    let first = now
    for _ in 0..<100 where current.state.name == .submitted {
      let next = try #require(current.on(.queried(report(.withoutResult, "success")), now: now))
      current = next.slot
      guard case .query(let at)? = next.after.last else { break }
      now = at
    }
    #expect(now - first >= .seconds(120) && now - first < .seconds(400))
    #expect(current.state.error?.code == "no-picture")
    // One that comes in time is fetched.
    let late = try #require(slot(.submitted(task)).on(.queried(report(.withoutResult, "success")))).slot
    #expect(late.state.isLate && late.state.error?.code == "result-not-there")
    let come = try #require(late.on(.queried(report(.succeeded(oneURL), "success")), after: .seconds(2)))
    #expect(come.slot.state.name == .fetching)
  }

  @Test func theSameDamagedBytesAMinuteApartAreThePicture() throws {
    let policy = RetryPolicy()
    let damage = Damage(part: 1, sha256: "aa")
    var current = fetching
    var now = start
    var seen = 0
    while case .fetching(let fetching) = current.state, seen < 100 {
      if fetching.task.hasSettledFor(damage, policy) { break }
      #expect(!fetching.task.hasSettledFor(Damage(part: 1, sha256: "bb"), policy))
      #expect(!fetching.task.hasSettledFor(Damage(part: 2, sha256: "aa"), policy))
      seen += 1
      let failed = try #require(current.on(.fetchFailed(.damaged(damage, trouble())), now: now))
      guard case .query(let at)? = failed.after.last else { throw trouble("\(failed.after)") }
      now = at
      current = try #require(failed.slot.on(.queried(report(.succeeded(oneURL), "success")), now: now)).slot
    }
    #expect(current.state.name == .fetching && now - start >= .seconds(60) && seen > 1)
    #expect(now - start < .seconds(200))
  }

  /// A pause that a new process cuts short counts for no more than it was.
  @Test func aTryBeforeItsTimeCountsForLess() throws {
    let (_, held) = try fail(fetching, misses[2])
    let before = try #require(held.state.task?.late)
    let next = try #require(before.next)
    let early = try #require(held.on(.queried(report(.succeeded(oneURL), "success")), now: next + before.pause * -1))
    let after = try #require(early.slot.state.task?.late)
    #expect(after.waited == before.waited - before.pause)
    let far = try #require(held.on(.queried(report(.succeeded(oneURL), "success")), now: start + .seconds(-9_000_000)))
    #expect(far.slot.state.task?.late?.waited == after.waited, "a clock that is behind takes no more than the pause")
  }

  @Test func aFullDiskUsesUpNoPatience() throws {
    var current = fetching
    for _ in 0..<10 { current = try #require(current.on(.fetchFailed(.local(trouble("disk-full"))))).slot }
    #expect(current.state.name == .fetching && !current.state.isLate)
  }

  @Test func aRestartKeepsThePause() throws {
    let late = try #require(fetching.on(.fetchFailed(.transient(trouble(), retryAfter: .seconds(50))))).slot
    let next = try #require(late.state.nextLateTry)
    #expect(try #require(late.on(.restarted, after: .seconds(1))).after.last == .query(at: next))
    #expect(try #require(late.on(.restarted, after: .seconds(90))).after.last == .query(at: start + .seconds(90)))
    guard case .query(let at)? = try #require(late.on(.restarted, after: .seconds(-9_000_000))).after.last else {
      return
    }
    #expect(at < start + .seconds(-8_990_000), "a clock that was set makes no pause longer")
  }

  @Test(arguments: [
    ("https://h.example/a/b.png?sig=1&x=2#f", "https://h.example/a/b.png"),
    ("https://user:secret@h.example:8443/a.png", "https://h.example:8443/a.png"),
    ("http://h.example", "http://h.example"),
    ("https://h.example#?@/x", "https://h.example"), ("https://a@b@h.example/p@q", "https://h.example/p@q"),
  ])
  func aShownURLOpensNothing(_ url: String, _ shown: String) {
    #expect(ResultURL.shown(url) == shown)
  }

  @Test func fiveInARowCloseTheGate() {
    func key(_ number: Int) -> SlotKey { SlotKey(job: slotKey.job, revision: 1, number: number) }
    var gate = PictureGate()
    let closed = [1, 2, 3, 4, 4].map { gate.missed(key($0)) }
    #expect(closed == [false, false, false, false, false], "one that is late twice counts once")
    let opened = gate.arrived()
    #expect(!opened && gate.count == 0)
    let again = (1...6).map { gate.missed(key($0)) }
    #expect(again == [false, false, false, false, true, false] && gate.isClosed)
    let given = [gate.gaveUp(key(2)), gate.gaveUp(key(3))]
    #expect(given == [false, true] && !gate.isClosed)
    let closes = gate.missed(key(7))
    let arrived = gate.arrived()
    #expect(closes && arrived && gate.count == 0)
  }
}

extension Slot {
  fileprivate func on(_ event: SlotEvent, now: Timestamp) -> Transition? {
    on(event, now: now, policy: RetryPolicy(), jitter: 0.5)
  }
}
