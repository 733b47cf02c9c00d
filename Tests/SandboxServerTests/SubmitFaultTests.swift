import Foundation
import SandboxServer
import Testing

struct SubmitFaultTests {
  @Test(arguments: [400, 401, 402, 403, 413, 429, 500, 503])
  func status(code: Int) async throws {
    try await Fixture.run(["submit-status=\(code):1"]) { bench in
      let answer = try await bench.submit()
      #expect(answer.status == code)
      #expect(try answer.json()["code"] as? Int == 1)
      #expect(bench.sandbox.ledger().map(\.taskID) == [nil])
      #expect(try await bench.submit().status == 200)
    }
  }

  @Test func htmlAndNotFound() async throws {
    try await Fixture.run(["submit-status=404:1", "submit-html=502:1"]) { bench in
      for code in [404, 502] {
        let answer = try await bench.submit()
        #expect(answer.status == code)
        #expect(answer.headers["content-type"] == "text/html; charset=utf-8")
      }
    }
  }

  @Test(arguments: ["7", "Wed, 21 Oct 2015 07:28:00 GMT"])
  func retryAfter(value: String) async throws {
    try await Fixture.run(["submit-retry-after=\(value)"]) { bench in
      let answer = try await bench.submit()
      #expect(answer.status == 429)
      #expect(answer.headers["retry-after"] == value)
    }
  }

  @Test func codeInsteadOfStatus() async throws {
    try await Fixture.run(["submit-code=no more credits"]) { bench in
      let answer = try await bench.submit()
      #expect(answer.status == 200)
      #expect(answer.text == #"{"code":1,"message":"no more credits"}"#)
      #expect(bench.sandbox.ledger().map(\.taskID) == [nil])
    }
  }

  @Test(arguments: [("submit-refused", 400), ("submit-forbidden", 403)])
  func refusedInWordsOfOnesOwn(fault: String, status: Int) async throws {
    try await Fixture.run(["\(fault)=no suspended bridges"]) { bench in
      let answer = try await bench.submit()
      #expect(answer.status == status)
      #expect(answer.text == #"{"code":1,"message":"failed","detail":"no suspended bridges"}"#)
      #expect(bench.sandbox.ledger().map(\.taskID) == [nil])
    }
  }

  @Test(arguments: [("submit-no-answer", RawFailure.closed), ("submit-reset", .reset)])
  func acceptedButTheAnswerIsLost(spec: String, failure: RawFailure) async throws {
    try await Fixture.run([spec]) { bench in
      await #expect(throws: failure) { try await bench.submit() }
      let entry = try #require(bench.sandbox.ledger().first)
      #expect(entry.status == nil)
      #expect(try await bench.query(try #require(entry.taskID)).status == 200)
    }
  }

  @Test func acceptedAndNeverAnswered() async throws {
    try await Fixture.run(["submit-hang"]) { bench in
      await #expect(throws: RawFailure.timeout) { try await bench.submit(seconds: 1) }
      #expect(bench.sandbox.ledger().first?.taskID != nil)
      #expect(bench.sandbox.ledger().first?.status == nil)
    }
  }

  @Test func resetBeforeTheBody() async throws {
    try await Fixture.run(["submit-reset-early:1"]) { bench in
      await #expect(throws: RawFailure.reset) { try await bench.submit() }
      #expect(bench.sandbox.ledger().isEmpty)
      let next = try await bench.submit()
      #expect(next.status == 200)
    }
  }

  @Test func acceptedButAnsweredWrongly() async throws {
    try await Fixture.run(["submit-accept-500:1", "submit-garbage:1"]) { bench in
      #expect(try await bench.submit().status == 500)
      let garbage = try await bench.submit()
      #expect(garbage.status == 200)
      #expect(throws: (any Error).self) { try garbage.json() }
      let entries = bench.sandbox.ledger()
      #expect(entries.map(\.status) == [500, 200])
      #expect(entries.allSatisfy { $0.taskID != nil })
    }
  }

  @Test func slowAndRedirect() async throws {
    try await Fixture.run(["submit-slow=150", "submit-redirect=http://127.0.0.1:1/else"]) { bench in
      let start = ContinuousClock.now
      let answer = try await bench.submit()
      #expect(ContinuousClock.now - start >= .milliseconds(150))
      #expect(answer.status == 307)
      #expect(answer.headers["location"] == "http://127.0.0.1:1/else")
      #expect(bench.sandbox.ledger().map(\.taskID) == [nil])
    }
  }

  @Test func writtenInThePrompt() async throws {
    try await Fixture.run { bench in
      let cursed = "a fox [sandbox: submit-status=503:1] at night [sandbox: task-failed=too dark]"
      #expect(try await bench.submit("a fox").status == 200)
      #expect(try await bench.submit(cursed).status == 503)
      let id = try await bench.accepted(cursed)
      #expect(try await bench.query(id).data()["status"] as? String == "failed")
      let bad = try await bench.submit("[sandbox: nonsense]")
      #expect(bad.status == 400 && bad.text.contains("submit-status=CODE"))
      await #expect(throws: RawFailure.reset) { try await bench.submit("[sandbox: submit-reset-early]") }
      #expect(bench.sandbox.ledger().last?.taskID == nil)
    }
  }

  @Test func anInvalidSubmitUsesNoFaultUp() async throws {
    try await Fixture.run(["submit-hang:1"]) { bench in
      #expect(try await bench.submit(" ").status == 400)
      bench.sandbox.removeFaults()
      bench.sandbox.addFault(try Fault(parsing: "submit-status=500:1"))
      #expect(try await bench.submit().status == 500)
      #expect(try await bench.submit().status == 200)
    }
  }
}
