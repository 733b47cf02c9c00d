import Foundation
import ProgramKit
import SandboxServer
import TestKit
import Testing

/// Answers that the guide does not show. What is plainly the picture is delivered; what is not is kept, and nothing pays
/// again but a person's word.
@Suite(.serialized) struct OddAnswerTests {
  @Test func whatIsPlainlyThePictureIsDelivered() async throws {
    let faults = [
      "result-key=image_url", "result-json-string", "result-null-element", "result-blanks", "result-relative",
      "result-base64", "result-preview",
      "submit-encoding=gzip] [sandbox: query-encoding=deflate-raw] [sandbox: image-encoding=deflate",
    ]
    let bench = try await Fixture()
    for (number, fault) in faults.enumerated() {
      try bench.root.write("p\(number).prompt", "\(number) [sandbox: \(fault)]")
    }
    let run = try await bench.once()
    #expect(run.code == 0 && bench.posts.count == faults.count, "\(run)")
    for number in faults.indices {
      let sidecar = try bench.sidecar("p\(number)")
      #expect(sidecar.state == "done" && sidecar.files == ["p\(number).png"], "\(faults[number]): \(sidecar.text)")
    }
    #expect(bench.sandbox.counters().leakedKeys == 0)
  }

  @Test(arguments: ["result-odd", "result-two"])
  func whatIsNotUnderstoodIsKeptAndNotPaidAgain(_ fault: String) async throws {
    let bench = try await Fixture(["cat": "cat [sandbox: \(fault)]"])
    let run = try await bench.once()
    #expect(run.code == 1, "\(run)")
    let sidecar = try bench.sidecar("cat")
    #expect(sidecar.state == "held" && sidecar.reason == "paid-not-understood" && sidecar.explains, "\(sidecar.text)")
    let kept = try #require(try bench.home.list("state/kept").first { $0.hasSuffix(".answer.json") })
    let path = bench.home.path("state/kept/\(kept)")
    #expect(sidecar.message?.contains(path) == true, "\(sidecar.message ?? "")")
    let answer = try bench.home.read("state/kept/\(kept)")
    let task = try #require(bench.posts.first?.taskID)
    #expect(answer.contains(task) && answer.contains("\"success\"") && !answer.contains(Fixture.key), "\(answer)")
    #expect(try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int == 0o600)
    let status = try await bench.run("status")
    #expect(status.out.contains(path), "\(status)")

    _ = try await bench.once()
    let failed = try await bench.run("retry", ["--failed"])
    #expect(bench.posts.count == 1, "\(failed)")
    let queries = bench.sandbox.counters().queries
    let retried = try await bench.run("retry", [bench.root.path("cat.prompt")])
    #expect(retried.code == 0, "\(retried)")
    let again = try await bench.once()
    #expect(again.code == 1 && bench.posts.count == 1 && bench.sandbox.counters().queries > queries, "\(again)")
    #expect(try bench.sidecar("cat").reason == "paid-not-understood")

    let resubmitted = try await bench.run("resolve", [bench.root.path("cat.prompt"), "--resubmit"])
    #expect(resubmitted.code == 0, "\(resubmitted)")
    _ = try await bench.once()
    #expect(bench.posts.count == 2)
  }

  @Test(arguments: ["result-text=I cannot draw that", "result-empty", "task-failed=blocked"])
  func whatMadeNoPictureFails(_ fault: String) async throws {
    let bench = try await Fixture(["cat": "cat [sandbox: \(fault)]"])
    #expect(try await bench.once().code == 1)
    #expect(try bench.sidecar("cat").state == "failed")
  }

  @Test func anAnswerAboutAnotherTaskIsNeverDelivered() async throws {
    let bench = try await Fixture([
      "cat": "cat [sandbox: query-other-task:2]", "dog": "dog [sandbox: query-other-task]",
    ])
    let run = try await bench.once(["--task-deadline": "1500ms"])
    #expect(run.code == 1, "\(run)")
    #expect(try bench.sidecar("cat").state == "done")
    let sidecar = try bench.sidecar("dog")
    #expect(sidecar.state == "held" && sidecar.reason == "deadline-passed", "\(sidecar.text)")
    #expect(sidecar.message?.contains("another one") == true && !bench.root.exists("dog.png"), "\(sidecar.text)")
    #expect(bench.posts.count == 2)
  }

  /// The first one was finished by an earlier process: only the journal knows its task.
  @Test func oneTaskForTwoSubmissionsHoldsTheSecond() async throws {
    let bench = try await Fixture(["cat": "cat"])
    #expect(try await bench.once().code == 0)
    try bench.root.write("dog.prompt", "dog [sandbox: submit-same-task]")
    let run = try await bench.once()
    #expect(run.code == 1 && run.log.contains("another submission"), "\(run)")
    let sidecar = try bench.sidecar("dog")
    #expect(sidecar.state == "held" && sidecar.reason == "task-of-another" && sidecar.explains, "\(sidecar.text)")
    let task = try #require(bench.posts.first?.taskID)
    #expect(sidecar.message?.contains(task) == true && !bench.root.exists("dog.png"), "\(sidecar.text)")
    #expect(try bench.sidecar("cat").state == "done")
    for _ in 0..<2 { _ = try await bench.once() }
    #expect(bench.posts.count == 2)
    // Its own task is the sandbox's last; a person who finds it there says so.
    let own = try #require(bench.posts.last?.taskID)
    let adopted = try await bench.run("resolve", [bench.root.path("dog.prompt"), "--adopt", own])
    #expect(adopted.code == 0, "\(adopted)")
    #expect(try await bench.once().code == 0)
    #expect(bench.root.exists("dog.png") && bench.posts.count == 2)
  }

  @Test(arguments: ["http://localhost", "HTTP://LOCALHOST", "http://[::ffff:127.0.0.1]"])
  func aServiceOnThisMachineMayBeCalledWhatItIs(_ base: String) async throws {
    let bench = try await Fixture(["cat": "cat"])
    let port = try #require(URL(string: bench.sandbox.baseURL)?.port)
    let run = try await bench.once(["--api-url": "\(base):\(port)"])
    #expect(run.code == 0 && bench.root.exists("cat.png"), "\(run)")
  }

  @Test(arguments: ["http://api.example", "HTTP://10.0.0.1:8765", "http://localhost.example"])
  func httpIsForThisMachineOnly(_ base: String) async throws {
    let bench = try await Fixture(["cat": "cat"])
    let run = try await bench.once(["--api-url": base])
    #expect(run.code == 78 || run.code == 64, "\(run)")
    #expect(run.log.contains("https") && bench.posts.isEmpty, "\(run)")
  }

  /// It is one task's trouble: others go on, and their sidecars do not tell of it.
  @Test func anUnreadableAnswerOfOneTaskStopsNobodyElse() async throws {
    let bench = try await Fixture(["odd": "odd [sandbox: query-garbage]"])
    let agent = try bench.start("watch", ["--burst-limit": "0"])
    // More answers than an outage takes to be one.
    try await eventually(within: .seconds(30), "it was asked for often: \(agent.standardError)") {
      bench.sandbox.counters().queries >= 14
    }
    let status = try await bench.run("status")
    #expect(status.out.contains("odd.prompt") && !status.out.contains("Nothing is submitted"), "\(status)")
    for number in 0..<12 { try bench.root.write("p\(number).prompt", "picture \(number)") }
    try await eventually(within: .seconds(20), "the others are made: \(agent.standardError)") {
      try bench.names().filter { $0.hasSuffix(".png") }.count == 12
    }
    #expect(try bench.sidecar("p0").state == "done" && bench.sidecar("p0").code == nil)
    #expect(try bench.sidecar("odd").state == "submitted")
  }
}
