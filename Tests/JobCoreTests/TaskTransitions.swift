import JobCore
import Testing

/// What queries and fetches mean for a slot that is paid for.
@Suite struct TaskTransitions {
  private let submitted = slot(.submitted(task))
  private let fetching = slot(.fetching(Fetching(task: task, results: oneURL)))
  private let day = Duration.seconds(86_400)

  private func queried(_ outcome: QueryOutcome, age: Duration = .seconds(40)) throws -> Transition {
    try #require(submitted.on(.queried(outcome), after: age))
  }

  private func held(_ transition: Transition) throws -> Held {
    guard case .held(let held) = transition.slot.state else { throw trouble("\(transition.slot.state.name)") }
    return held
  }

  // MARK: queries

  @Test func aRunningTaskIsAskedForAgain() throws {
    let news = try queried(report(.running, "pending"))
    #expect(news.slot.state == submitted.state)
    #expect(news.slot.serviceStatus == "pending")
    #expect(news.commits)
    #expect(news.after == [.writeSidecar(durable: false), .query(at: start + .seconds(40 + 10))])
    let again = try #require(news.slot.on(.queried(report(.running, "pending")), after: .seconds(50)))
    #expect(!again.commits)
    #expect(again.after == [.query(at: start + .milliseconds(50_000 + 12_500))])
  }

  /// A count of failures is in no sidecar: writing one for it would be for a mere poll.
  @Test func anAnswerAfterAFailedPollWritesNoSidecar() throws {
    var polled = submitted
    polled.serviceStatus = "pending"
    let failed = try #require(polled.on(.queried(.failed(failure(.transient(retryAfter: nil))))))
    #expect(!failed.commits)
    let next = try #require(failed.slot.on(.queried(report(.running, "pending")), after: .seconds(5)))
    #expect(next.slot.failures == 0)
    #expect(!next.after.contains(.writeSidecar(durable: false)), "\(next.after)")
  }

  @Test func creditsAreKept() throws {
    let known = try queried(report(.running, consumed: "0.500000")).slot
    let later = try #require(known.on(.queried(report(.running, consumed: nil)), after: .seconds(50)))
    #expect(later.slot.consumed == "0.500000")
  }

  @Test func aDeadlineHoldsAndOnlyWhenAReportSaysRunning() throws {
    let late = try queried(report(.running), age: .seconds(7200))
    #expect(try held(late).reason == .deadlinePassed)
    #expect(try held(late).task == task)
    #expect(late.after == [.writeSidecar(durable: true)])
    #expect(try queried(report(.running), age: .seconds(7199)).slot.state.name == .submitted)
    // Three days offline: what counts is what the service says now.
    let finished = try queried(report(.succeeded(oneURL), "success"), age: day * 3)
    #expect(finished.slot.state == .fetching(Fetching(task: task, results: oneURL)))
    #expect(try queried(.failed(failure(.service(.down))), age: day * 3).slot.state.name == .submitted)
  }

  /// A query that the service will never answer: it is paid for, so a person is told and nothing is given up.
  @Test func aTaskThatCannotBeAskedForIsHeld() throws {
    let next = try queried(.failed(failure(.permanent, "no-such-path")), age: day * 3)
    let reported = try held(next)
    #expect(reported.reason == .paidNotFetched && reported.task == task && reported.error.code == "no-such-path")
    #expect(next.commits && next.after == [.writeSidecar(durable: true)])
  }

  @Test func aClockThatJumpsBackDoesNoHarm() throws {
    let next = try queried(report(.running), age: day * -365)
    #expect(next.after.last == .query(at: start + day * -365 + .seconds(2)))
  }

  @Test func notFoundMeansNotYetAndThenLost() throws {
    let early = try queried(.notFound, age: .seconds(119))
    #expect(early.slot == submitted)
    #expect(!early.commits)
    #expect(early.after == [.query(at: start + .milliseconds(119_000 + 29_750))])
    let late = try queried(.notFound, age: .seconds(120))
    #expect(try held(late).reason == .taskLost)
    #expect(try held(late).error.hint?.contains(taskID) == true)
    #expect(late.after == [.writeSidecar(durable: true)])
  }

  @Test func theServicesOwnFailureIsFinal() throws {
    let next = try queried(report(.failed("blocked"), "failed", consumed: "0.1"))
    #expect(next.slot.state.name == .failed)
    #expect(next.slot.state.error?.code == "task-failed")
    #expect(next.slot.state.error?.message.contains("blocked") == true)
    #expect(next.slot.consumed == "0.1")
    #expect(next.after == [.writeSidecar(durable: true)])
  }

  @Test(arguments: [[], [ResultItem.text("I cannot draw that.")]])
  func aSuccessWithoutAPictureFails(_ results: [ResultItem]) throws {
    let next = try queried(report(.succeeded(results), "success"))
    #expect(next.slot.state.error?.code == "no-picture")
    if !results.isEmpty { #expect(next.slot.state.error?.message.contains("I cannot draw that.") == true) }
  }

  @Test func whatIsNotUnderstoodIsHeldAndNeverPaidAgainUnlessAsked() throws {
    let odd = OddResult(why: "its result has no picture", answer: [123], whereKept: "It is kept as /state/kept/a.json.")
    let next = try queried(report(.notUnderstood(odd), "success", consumed: "0.5"))
    let held = try held(next)
    #expect(held.reason == .paidNotUnderstood && held.task == task)
    #expect(held.error.message.contains("/state/kept/a.json") && held.error.hint?.contains("--resubmit") == true)
    #expect(next.after == [.writeSidecar(durable: true)] && next.slot.consumed == "0.5")
    // Asking again is free; only the word itself pays.
    let retried = try #require(next.slot.on(.retry)).slot
    #expect(retried.state.task?.taskID == task.taskID && retried.state.name == .submitted)
    #expect(next.slot.on(.approved) == nil)
    #expect(try #require(next.slot.on(.resubmit)).slot.state == .queued(Queued()))
  }

  @Test func anAnswerThatSaysNothingOfTheTaskIsAskedForUntilTheDeadline() throws {
    let odd = QueryOutcome.unusable(trouble("query-unreadable"))
    let first = try queried(odd)
    #expect(first.slot.state == submitted.state && !first.commits && first.slot.failures == 1)
    #expect(first.after.count == 1, "it asks again, and tells no gate: \(first.after)")
    let second = try #require(first.slot.on(.queried(odd), after: .seconds(60)))
    guard case .query(let one)? = first.after.first, case .query(let two)? = second.after.first else {
      Issue.record("\(first.after), \(second.after)")
      return
    }
    #expect(two - (start + .seconds(60)) > one - (start + .seconds(40)), "slower each time")
    let late = try queried(odd, age: .seconds(7200))
    #expect(try held(late).reason == .deadlinePassed && held(late).task == task)
  }

  @Test func aTaskOfAnotherSubmissionIsHeld() throws {
    let next = try #require(slot(.submitting).on(.posted(.taskOfAnother(trouble("task-of-another")))))
    let held = try held(next)
    #expect(held.reason == .taskOfAnother && held.task == nil && held.error.hint == Slot.decideHint)
    #expect(next.slot.attempts.last?.outcome == .unknown && next.slot.attempts.last?.taskID == nil)
  }

  @Test func wordsBesideAPictureAreLeftOut() throws {
    let next = try queried(report(.succeeded([.text("Here it is."), .inline(dataURI: "data:,")]), "success"))
    #expect(next.slot.state == .fetching(Fetching(task: task, results: [.inline(dataURI: "data:,")])))
    #expect(next.after == [.writeSidecar(durable: false), .fetch(at: start + .seconds(40))])
  }

  @Test func aFailedQueryBacksOffAndTellsTheGate() throws {
    let wanted = try queried(.failed(failure(.transient(retryAfter: .seconds(900)))))
    #expect(wanted.after == [.query(at: start + .seconds(940))])
    #expect(wanted.slot.failures == 1 && !wanted.commits)
    let reported = try queried(.failed(failure(.service(.unauthorized), "key")))
    #expect(
      reported.after == [.query(at: start + .milliseconds(41_500)), .serviceTrouble(.unauthorized, trouble("key"))])
  }

  @Test func aRestartAsksAtOnce() throws {
    let next = try #require(submitted.on(.restarted, after: day))
    #expect(next.slot == submitted && !next.commits)
    #expect(next.after.contains(.query(at: start + day)))
  }

  // MARK: fetching

  @Test func doneOnlyAfterTheSidecar() throws {
    let next = try #require(fetching.on(.published))
    #expect(next.slot.state == .done)
    #expect(next.before == [.writeSidecar(durable: true)])
    #expect(next.after.isEmpty)
  }

  @Test func aFullDiskWaitsForEver() throws {
    var current = fetching
    for _ in 0..<5000 {
      let next = try #require(current.on(.fetchFailed(.local(trouble("disk-full")))))
      #expect(next.after == [.fetch(at: start + .seconds(30))])
      current = next.slot
    }
    #expect(current.state.error?.code == "disk-full")
  }

  @Test func aRestartFetchesOrAsksForWhatTheJournalDoesNotKeep() throws {
    let same = try #require(fetching.on(.restarted, after: .seconds(9)))
    #expect(same.slot == fetching && !same.commits && same.after == [.fetch(at: start + .seconds(9))])
    let inline = slot(.fetching(Fetching(task: task, results: [.inlineElsewhere])))
    let next = try #require(inline.on(.restarted, after: .seconds(9)))
    #expect(next.slot.state == .submitted(task))
    #expect(next.commits && next.after == [.query(at: start + .seconds(9))])
  }
}
