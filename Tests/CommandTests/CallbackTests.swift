import Foundation
import ProgramKit
import TestKit
import Testing

/// The service's callbacks, end to end: the sandbox sends them, the built program receives them.
@Suite(.serialized) struct CallbackTests {
  private let port: Int
  private let flags: [String: String]

  init() throws {
    port = try Loopback.freePort()
    flags = ["--listen": "127.0.0.1:\(port)", "--public-url": "http://127.0.0.1:\(port)"]
  }

  private func path(_ url: String) throws -> String {
    "/" + url.split(separator: "/").dropFirst(2).joined(separator: "/")
  }

  private func body(_ task: String) -> String {
    #"{"result":[{"image":"https://example.org/x.png"}],"status":"success","task_id":"\#(task)","consumed":"0.5"}"#
  }

  @Test(arguments: ["submit-no-answer", "submit-reset", "submit-accept-500", "submit-garbage"])
  func aLostAnswerIsFoundWithoutAPerson(_ fault: String) async throws {
    let bench = try await Fixture(["cat": "cat [sandbox: \(fault)]"], delay: .milliseconds(300))
    let agent = try await bench.watch(flags)
    let sidecar = try await bench.waitFor("cat", "done")
    #expect(sidecar.attempts.map(\.outcome) == ["accepted"] && !sidecar.mayHaveBeenPaidTwice, "\(sidecar.text)")
    #expect(sidecar.attempts.map(\.taskID) == bench.posts.map(\.taskID) && bench.posts.count == 1)
    #expect(agent.standardError.contains("A callback shows"), "\(agent.standardError)")
    #expect(try await bench.status().counts["held"] == 0)
  }

  @Test func oneThatComesTwiceIsOne() async throws {
    let bench = try await Fixture(["cat": "cat [sandbox: webhook-twice]"], delay: .milliseconds(200))
    _ = try await bench.watch(flags)
    let sidecar = try await bench.waitFor("cat", "done")
    try await eventually("both were received") { bench.sandbox.counters().webhooks == 2 }
    #expect(try bench.sidecar("cat").outputs.count == 1 && !sidecar.mayHaveBeenPaidTwice, "\(sidecar.text)")
    #expect(bench.posts.count == 1 && bench.sandbox.counters().fetches == 1)
  }

  @Test func aCallbackEndsTheWait() async throws {
    let bench = try await Fixture(["cat": "cat"], delay: .milliseconds(500))
    _ = try await bench.watch(flags.merging(["--poll-first": "10m", "--poll-min": "10m", "--poll-max": "20m"]) { $1 })
    try await bench.waitFor("cat", "done")
    #expect(bench.sandbox.counters().queries == 1)
  }

  @Test func withoutAnyPollingGoesOn() async throws {
    let bench = try await Fixture(["cat": "cat [sandbox: webhook-none]"], delay: .milliseconds(600))
    let run = try await bench.once(flags.mapValues { $0 })
    #expect(run.code == 0 && bench.posts.count == 1 && bench.sandbox.counters().webhooks == 0, "\(run)")
  }

  @Test func besideCallbacksThePollingIsSlower() async throws {
    let bench = try await Fixture(["cat": "cat [sandbox: webhook-none]"])
    func wait() throws -> Double {
      let times = try bench.sidecar("cat").times
      let moments = try ["submitted_at", "updated_at"].map { name in
        try Date.ISO8601FormatStyle(includingFractionalSeconds: true).parse(#require(times[name]))
      }
      return moments[1].timeIntervalSince(moments[0])
    }
    let slow = try await bench.once(flags.merging(["--poll-first": "500ms"]) { $1 }.mapValues { $0 })
    #expect(try slow.code == 0 && wait() >= 1.9, "\(slow)")
    try bench.root.write("cat.prompt", "cat alone [sandbox: webhook-none]")
    let alone = try await bench.once(["--poll-first": "500ms"])
    #expect(try alone.code == 0 && wait() >= 0.4 && wait() < 1.9, "\(alone)")
  }

  @Test func eachAttemptHasASecretOfItsOwnAndNobodyTellsIt() async throws {
    let bench = try await Fixture([
      "cat": "cat [sandbox: submit-retry-after=1:1]", "dog": "dog", "two": "---\ncount: 2\n---\ntwo",
    ])
    let agent = try await bench.watch(flags.merging(["--log-level": "debug"]) { $1 })
    for name in ["cat", "dog", "two"] { try await bench.waitFor(name, "done") }
    let urls = bench.callbackURLs
    #expect(urls.count == 5 && bench.posts.count == 5 && Set(urls).count == 5, "\(urls)")
    let secrets = try urls.map { url in
      let start = "http://127.0.0.1:\(port)/callback/"
      #expect(url.hasPrefix(start), "\(url)")
      return try #require(url.hasPrefix(start) ? String(url.dropFirst(start.count)) : nil)
    }
    // 256 bits in Base64.
    #expect(secrets.allSatisfy { $0.utf8.count >= 43 }, "\(secrets)")
    let status = try await bench.run("status", ["--json"])
    agent.terminate()
    let end = try await bench.end(of: agent)
    var reported = ["status": Array(status.description.utf8), "log": Array(end.description.utf8)]
    for name in try bench.names() where name.hasSuffix(".json") { reported[name] = try bench.root.bytes(name) }
    for name in try bench.home.list("state") { reported[name] = try bench.home.bytes("state/\(name)") }
    #expect(reported.count > 6)
    for (name, bytes) in reported {
      let data = Data(bytes)
      #expect(!secrets.contains { data.range(of: Data($0.utf8)) != nil }, "\(name)")
    }
  }

  @Test func whatIsForgedChangesNothing() async throws {
    let bench = try await Fixture(["cat": "cat [sandbox: webhook-none] [sandbox: submit-no-answer]"])
    _ = try await bench.watch(flags.merging(["--not-found-grace": "300ms"]) { $1 })
    try await bench.waitFor("cat", "held")
    try bench.root.write("dog.prompt", "dog [sandbox: webhook-none]")
    try await bench.waitFor("dog", "done")
    let paths = try bench.callbackURLs.map(path)
    let (cat, dog) = try (#require(paths.first), #require(paths.last))
    let tasks = bench.posts.compactMap(\.taskID)
    #expect(paths.count == 2 && tasks.count == 2)
    let wrong = "/callback/" + String(repeating: "A", count: 43)
    #expect(try Loopback.status(port, "POST", wrong, body(tasks[0])) == 404)
    // The right address, but another prompt's task, one that is none, and no JSON at all.
    #expect(try Loopback.status(port, "POST", cat, body(tasks[1])) == 200)
    #expect(try Loopback.status(port, "POST", cat, body("ta00000000-1111-2222-3333-444444444444")) == 200)
    #expect(try Loopback.status(port, "POST", cat, "rubbish") == 400)
    #expect(try Loopback.status(port, "POST", cat, #"{"status":"success"}"#) == 400)
    let queries = bench.sandbox.counters().queries
    try await eventually(within: .seconds(20), "the one that is none was asked for") {
      bench.sandbox.counters().queries > queries || queries > 2
    }
    // Of one that is done, told once more.
    #expect(try Loopback.status(port, "POST", dog, body(tasks[1])) == 200)
    #expect(try bench.isIn("cat", "held") && bench.isIn("dog", "done"))
    #expect(try bench.sidecar("dog").outputs.count == 1 && bench.posts.count == 2)
    // And then the true one.
    #expect(try Loopback.status(port, "POST", cat, body(tasks[0])) == 200)
    let sidecar = try await bench.waitFor("cat", "done")
    #expect(sidecar.attempts.map(\.taskID) == [tasks[0]] && bench.posts.count == 2, "\(sidecar.text)")
  }

  @Test func aSecondTaskOfOneSubmissionIsKeptAndReported() async throws {
    let bench = try await Fixture(["cat": "cat [sandbox: webhook-none]"])
    let agent = try await bench.watch(flags)
    try await bench.waitFor("cat", "done")
    // A task that promptdrop did not submit, but that is there: as if a proxy had sent the request twice.
    let answer = try Loopback.exchange(
      bench.sandbox.port, "POST", "/api/image/gen", #"{"model":"google/gempix2","prompt":"cat, once more"}"#,
      key: Fixture.key)
    let task = try #require(bench.posts.last?.taskID, "\(answer)")
    #expect(try Loopback.status(port, "POST", path(#require(bench.callbackURLs.first)), body(task)) == 200)
    try await eventually(within: .seconds(30), "both pictures are kept") {
      try bench.isIn("cat", "done") && bench.sidecar("cat").outputs.count == 2
    }
    let sidecar = try bench.sidecar("cat")
    #expect(sidecar.mayHaveBeenPaidTwice && sidecar.attempts.contains { $0.taskID == task }, "\(sidecar.text)")
    #expect(sidecar.files.allSatisfy { bench.root.exists($0) } && agent.standardError.contains(task), "\(sidecar.text)")
    #expect(bench.callbackURLs.count == 1)
    // On the bill as well.
    #expect(try await bench.status().today.submissions == 2)
  }

  @Test func whatWasGivenUpStillComesBack() async throws {
    let bench = try await Fixture(["cat": "cat [sandbox: submit-no-answer] [sandbox: webhook-none]"])
    _ = try await bench.watch(flags)
    try await bench.waitFor("cat", "held")
    #expect(try await bench.run("resolve", [bench.root.path("cat.prompt"), "--abandon"]).code == 0)
    let task = try #require(bench.posts.first?.taskID)
    #expect(try Loopback.status(port, "POST", path(#require(bench.callbackURLs.first)), body(task)) == 200)
    try await bench.waitFor("cat", "done")
    #expect(bench.posts.count == 1)
  }

  @Test func afterAResubmissionBothAreKept() async throws {
    let bench = try await Fixture(["cat": "cat [sandbox: submit-no-answer:1] [sandbox: webhook-none]"])
    _ = try await bench.watch(flags)
    try await bench.waitFor("cat", "held")
    #expect(try await bench.run("resolve", [bench.root.path("cat.prompt"), "--resubmit"]).code == 0)
    try await bench.waitFor("cat", "done")
    let task = try #require(bench.posts.first?.taskID)
    let first = try path(#require(bench.callbackURLs.first))
    for _ in 0..<2 { #expect(try Loopback.status(port, "POST", first, body(task)) == 200) }
    try await eventually(within: .seconds(30), "both pictures are kept") {
      try bench.isIn("cat", "done") && bench.sidecar("cat").outputs.count == 2
    }
    #expect(try bench.sidecar("cat").mayHaveBeenPaidTwice && bench.posts.count == 2)
    #expect(try await bench.status().today.submissions == 2)
  }

  @Test func oneThatComesWhileNobodyRunsIsTakenLater() async throws {
    let bench = try await Fixture(["cat": "cat [sandbox: submit-no-answer] [sandbox: webhook-none]"])
    let agent = try await bench.watch(flags)
    try await bench.waitFor("cat", "held")
    agent.terminate(SIGKILL)
    try await agent.wait()
    // The service's later try.
    _ = try await bench.watch(flags)
    let task = try #require(bench.posts.first?.taskID)
    #expect(try Loopback.status(port, "POST", path(#require(bench.callbackURLs.first)), body(task)) == 200)
    try await bench.waitFor("cat", "done")
    #expect(bench.posts.count == 1)
  }

  @Test func nothingElseIsServed() async throws {
    let bench = try await Fixture(["cat": "cat"])
    _ = try await bench.watch(flags)
    try await bench.waitFor("cat", "done")
    let right = try path(#require(bench.callbackURLs.first))
    for (method, target) in [
      ("GET", "/"), ("GET", right), ("PUT", right), ("POST", "/"), ("POST", "/callback/"), ("POST", right + "/x"),
      ("POST", "/callback/../status"), ("GET", "/status"), ("DELETE", right), ("POST", "/metrics"),
    ] {
      let body = method == "POST" || method == "PUT" ? "{}" : ""
      #expect(try Loopback.status(port, method, target, body) == 404, "\(method) \(target)")
    }
  }

  @Test func whatCannotBeListenedOnIsRefused() async throws {
    let bench = try await Fixture(["cat": "cat"])
    let alone = try await bench.once(["--listen": "127.0.0.1:\(port)"])
    #expect(alone.code == 78 && alone.log.contains("public-url"), "\(alone)")
    let busy = try Loopback.Deaf()
    let taken = try await bench.once(["--listen": "127.0.0.1:\(busy.port)", "--public-url": "http://127.0.0.1"])
    #expect(taken.code == 78 && taken.log.contains("\(busy.port)"), "\(taken)")
    for text in ["8787", "127.0.0.1", "127.0.0.1:99999", "localhost:"] {
      let run = try await bench.once(["--listen": text, "--public-url": "http://127.0.0.1"])
      #expect(run.code == 78 && run.log.contains("listen"), "\(text): \(run)")
    }
    #expect(bench.posts.isEmpty && !bench.root.exists("cat.png"))
  }
}
