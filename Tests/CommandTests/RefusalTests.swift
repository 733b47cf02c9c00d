import Foundation
import ProgramKit
import TestKit
import Testing

/// What the service refuses: whose fault it is decides what becomes of it.
@Suite(.serialized) struct RefusalTests {
  @Test func aWrongPromptFailsAlone() async throws {
    let bench = try await Fixture(["bad": "[sandbox: submit-status=400] bad", "good": "a good one"])
    let run = try await bench.once()
    #expect(run.code == 1, "\(run)")
    let sidecar = try bench.sidecar("bad")
    #expect(sidecar.state == "failed" && sidecar.explains && sidecar.code == "refused")
    #expect(sidecar.outputs.isEmpty && sidecar.attempts.map(\.outcome) == ["refused"])
    #expect(try bench.sidecar("good").state == "done")
    _ = try await bench.once()
    #expect(bench.posts.count == 2)
  }

  @Test func anErrorWithStatus200IsARefusalToo() async throws {
    let bench = try await Fixture(["bad": "[sandbox: submit-code=prompt is not allowed] bad"])
    let run = try await bench.once()
    let sidecar = try bench.sidecar("bad")
    #expect(run.code == 1 && sidecar.state == "failed", "\(run)")
    #expect(sidecar.message?.contains("prompt is not allowed") == true)
  }

  /// A word is no phrase: it is the prompt's, and nobody else waits for it.
  @Test func aWordIsNotTheAccounts() async throws {
    let bench = try await Fixture(["bad": "bad [sandbox: submit-code=Unbalanced parentheses]", "good": "good"])
    let run = try await bench.once(["--max-in-flight": "1"])
    #expect(run.code == 1 && bench.posts.count == 2, "\(run)")
    #expect(try bench.sidecar("bad").state == "failed" && bench.isIn("good", "done"))
  }

  @Test(arguments: ["submit-forbidden=no credit cards", "submit-refused=Unbalanced parentheses", "submit-html=403"])
  func anUnclearRefusalWaitsUntilALaterPromptIsAccepted(_ fault: String) async throws {
    let bench = try await Fixture(["bad": "bad [sandbox: \(fault)]"])
    let run = try await bench.once()
    #expect(run.code == 1 && bench.posts.count == 1 && run.log.contains("bad.prompt"), "\(run)")
    let waiting = try bench.sidecar("bad")
    #expect(waiting.state == "queued" && waiting.code == "refusal-unclear" && waiting.explains, "\(waiting.text)")
    #expect(waiting.nextAttemptAt != nil && waiting.attempts.map(\.outcome) == ["refused"])
    // Once more, and only once, in each run.
    let again = try await bench.once()
    #expect(again.code == 1 && bench.posts.count == 2, "\(again)")
    #expect(try bench.isIn("bad", "queued"))
    try bench.root.write("good.prompt", "good")
    // One after the other, so that the later one is submitted once the other was refused.
    let third = try await bench.once(["--max-in-flight": "1"])
    #expect(third.code == 1 && bench.paid == ["good"], "\(third)")
    try bench.root.write("next.prompt", "next")
    let last = try await bench.once(["--max-in-flight": "1"])
    let sidecar = try bench.sidecar("bad")
    #expect(
      last.code == 1 && sidecar.state == "failed" && sidecar.code == "refused" && sidecar.explains,
      "\(sidecar.text) \(last)")
    #expect(bench.posts.count <= 6 && bench.paid == ["good", "next"])
  }

  /// What stood in the way of the account is over: the prompt that was refused is made.
  @Test func whatWasRefusedByAGatewayIsMadeByTheNextRun() async throws {
    let bench = try await Fixture(["cat": "cat"], faults: ["submit-html=403"])
    let run = try await bench.once()
    #expect(run.code == 1 && bench.posts.count == 1, "\(run)")
    bench.sandbox.removeFaults()
    let next = try await bench.once()
    #expect(next.code == 0 && bench.paid == ["cat"], "\(next)")
  }

  @Test func unclearRefusalsOfSeveralPromptsAreTheAccounts() async throws {
    let prompts = ["one": "1", "two": "2", "three": "3", "four": "4", "five": "5"]
    let bench = try await Fixture(prompts, faults: ["submit-html=403"])
    // The first trial would go out after a sixty-fourth of the interval: long after the run has ended.
    let run = try await bench.once(["--max-in-flight": "1", "--probe-interval": "1h"])
    #expect(run.code == 69 && bench.posts.count == 3, "\(run)")
    for name in prompts.keys where bench.root.exists("\(name).status.json") {
      #expect(try bench.sidecar(name).state == "queued")
    }
    bench.sandbox.removeFaults()
    let later = try await bench.once()
    #expect(later.code == 0 && bench.paid.sorted() == ["1", "2", "3", "4", "5"], "\(later)")
  }

  /// Eight of them made six good ones wait for nine probes.
  @Test(arguments: ["submit-code", "submit-refused"]) func badOnesDoNotStopGoodOnes(_ fault: String) async throws {
    let bench = try await Fixture()
    _ = try await bench.watch(["--probe-interval": "2s"])
    for number in 0..<8 {
      try bench.root.write("bad\(number).prompt", "bad \(number) [sandbox: \(fault)=Unbalanced parentheses]")
    }
    try await eventually(within: .seconds(30), "several were refused") { bench.posts.count >= 3 }
    let start = ContinuousClock.now
    for number in 0..<6 { try bench.root.write("good\(number).prompt", "good \(number)") }
    for number in 0..<6 { try await bench.waitFor("good\(number)", "done") }
    #expect(ContinuousClock.now - start < .seconds(9))
    try bench.root.write("last.prompt", "last")
    for number in 0..<8 { try await bench.waitFor("bad\(number)", "failed") }
  }

  @Test func aWrongKeyStopsAllAndFailsNothing() async throws {
    let bench = try await Fixture(["one": "1", "two": "2", "three": "3"]) { $0.apiKey = "another-key" }
    let run = try await bench.once(["--max-in-flight": "1"])
    #expect(run.code == 77, "\(run)")
    #expect(bench.posts.count == 1)
    for name in ["one", "two", "three"] where bench.root.exists("\(name).status.json") {
      #expect(try bench.sidecar(name).state == "queued")
    }
    #expect(run.log.contains("key") && !run.log.contains(Fixture.key))
    let right = try await bench.once(environment: ["PROMPTDROP_API_KEY": "another-key"])
    #expect(right.code == 0 && bench.paid.count == 3, "\(right)")
  }

  /// A run that ends at once has no time to let them wait.
  @Test func whatWaitsSaysSoThoughTheRunEndsAtOnce() async throws {
    let names = (1...20).map { "p\($0)" }
    let bench = try await Fixture(Dictionary(uniqueKeysWithValues: names.map { ($0, "picture \($0)") })) {
      $0.apiKey = "another-key"
    }
    let run = try await bench.once(["--max-in-flight": "2"])
    #expect(run.code == 77, "\(run)")
    for name in names { #expect(try bench.sidecar(name).state == "queued") }
  }

  @Test(arguments: ["submit-status=402", "submit-status=403", "submit-code=insufficient credits"])
  func theAccountsTroubleStopsAllAndFailsNothing(_ fault: String) async throws {
    let bench = try await Fixture(["one": "1", "two": "2"], faults: [fault])
    let run = try await bench.once(["--max-in-flight": "1", "--probe-interval": "1h"])
    #expect(run.code == 69, "\(run)")
    #expect(bench.posts.count == 1)
    bench.sandbox.removeFaults()
    let later = try await bench.once()
    #expect(later.code == 0 && bench.paid.sorted() == ["1", "2"], "\(later)")
  }

  @Test func aRequestThatIsTooLargeIsNotTheAccounts() async throws {
    let prompts = ["one": "1", "two": "2", "three": "3", "four": "4"].mapValues { String(repeating: $0, count: 2000) }
    let bench = try await Fixture(prompts.merging(["small": "s"]) { first, _ in first }) { $0.maximumBody = 1000 }
    let run = try await bench.once(["--max-in-flight": "1"])
    #expect(run.code == 1, "\(run)")
    for name in prompts.keys {
      let sidecar = try bench.sidecar(name)
      #expect(sidecar.state == "failed" && sidecar.code == "request-too-large" && sidecar.explains, "\(sidecar.text)")
    }
    #expect(try bench.sidecar("small").state == "done")
  }

  @Test func theSameRefusalForSeveralPromptsIsTheAccounts() async throws {
    let bench = try await Fixture(
      ["one": "1", "two": "2", "three": "3", "four": "4", "five": "5"], faults: ["submit-status=400"])
    let run = try await bench.once(["--max-in-flight": "1", "--probe-interval": "10s"])
    #expect(run.code == 69, "\(run)")
    #expect(bench.posts.count == 3)
    bench.sandbox.removeFaults()
    let later = try await bench.once()
    #expect(later.code == 0 && bench.paid.sorted() == ["1", "2", "3", "4", "5"], "\(later)")
  }

  @Test(arguments: ["submit-status=404", "submit-redirect=http://127.0.0.1:1/elsewhere"])
  func aWrongAddressStopsAllAndFailsNothing(_ fault: String) async throws {
    let bench = try await Fixture(["one": "1", "two": "2"], faults: [fault])
    let run = try await bench.once(["--max-in-flight": "1"])
    #expect(run.code == 78, "\(run)")
    #expect(bench.posts.count == 1)
    bench.sandbox.removeFaults()
    let later = try await bench.once()
    #expect(later.code == 0 && bench.paid.count == 2, "\(later)")
  }

  @Test func tooManyRequestsAreSentAgainLater() async throws {
    let bench = try await Fixture(["one": "1"], faults: ["submit-retry-after=1:2"])
    let run = try await bench.once()
    #expect(run.code == 0 && bench.posts.count == 3 && bench.paid == ["1"], "\(run)")
    #expect(try bench.sidecar("one").attempts.map(\.outcome) == ["refused", "refused", "accepted"])
  }

  @Test func retryAfterCanBeADate() async throws {
    let formatter = DateFormatter()
    formatter.locale = Locale(identifier: "en_US_POSIX")
    formatter.timeZone = TimeZone(identifier: "GMT")
    formatter.dateFormat = "EEE, dd MMM yyyy HH:mm:ss 'GMT'"
    let start = Date()
    let moment = formatter.string(from: start.addingTimeInterval(3))
    let bench = try await Fixture(["one": "1"], faults: ["submit-retry-after=\(moment):1"])
    let run = try await bench.once()
    #expect(run.code == 0 && bench.posts.count == 2, "\(run)")
    #expect(Date().timeIntervalSince(start) >= 1.9)
  }

  @Test func aWaitBeyondTheTimeLimitIsNotWaitedFor() async throws {
    let bench = try await Fixture(["one": "1"], faults: ["submit-retry-after=600"])
    let run = try await bench.once()
    #expect(run.code == 75 && bench.posts.count == 1, "\(run)")
    let sidecar = try bench.sidecar("one")
    #expect(sidecar.state == "queued" && sidecar.nextAttemptAt != nil && sidecar.code == "rate-limited")
  }

  @Test func aServerErrorHoldsOneAndStopsTheRestUntilAProbe() async throws {
    let bench = try await Fixture(
      ["one": "1", "two": "2", "three": "3"], faults: ["submit-status=500:1", "query-status=500"])
    let agent = try bench.start("once", ["--max-in-flight": "1"])
    try await eventually(within: .seconds(30), "it probes: \(agent.standardError)") {
      bench.sandbox.counters().queries >= 2
    }
    #expect(bench.posts.count == 1)
    bench.sandbox.removeFaults()
    let run = try await bench.end(of: agent)
    #expect(run.code == 1 && bench.posts.count == 3, "\(run)")
    let states = try ["one", "two", "three"].map { try bench.sidecar($0) }.sorted { $0.state < $1.state }
    #expect(states.map(\.state) == ["done", "done", "held"])
    #expect(states[2].reason == "submission-outcome-unknown" && states[2].explains)
  }

  @Test func aServiceThatIsNotThereIsWaitedFor() async throws {
    let bench = try await Fixture(["one": "1"])
    let run = try await bench.once(["--api-url": "http://127.0.0.1:9", "--timeout": "1s"])
    #expect(run.code == 75 && bench.posts.isEmpty, "\(run)")
    #expect(try bench.sidecar("one").state == "queued")
    let later = try await bench.once()
    #expect(later.code == 0 && bench.posts.count == 1, "\(later)")
  }
}
