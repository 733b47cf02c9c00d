import Foundation
import ProgramKit
import TestKit
import Testing

/// After the submission: whatever goes wrong with queries, results and pictures, nothing is submitted again.
@Suite(.serialized) struct TaskTests {
  /// A fault, and what the prompt becomes of it.
  struct Case: CustomTestStringConvertible, Sendable {
    let fault: String
    let state: String
    var reason: String?
    var testDescription: String { fault }
    init(_ fault: String, _ state: String, _ reason: String? = nil) {
      (self.fault, self.state, self.reason) = (fault, state, reason)
    }
  }

  static let passing = [
    "query-status=500:3", "query-html=502:2", "query-reset:2", "query-cut:2", "query-garbage:2", "query-status=429:1",
    "query-retry-after=1:1", "query-not-found:4", "query-unknown-status=dreaming:3", "query-hang:1",
    "result-object", "result-string", "result-data-uri", "result-string-status", "result-images=2",
    "image-truncated:2", "image-short:2", "image-status=503:2", "image-status=404:1", "image-expired", "image-hang:1",
    "image-type=text/plain", "image-slow=200",
  ]
  static let ending = [
    Case("task-failed=the sky is too blue", "failed", "task-failed"),
    Case("result-text=I would rather not", "failed", "no-picture"),
    Case("result-empty", "failed", "no-picture"), Case("result-null", "failed", "no-picture"),
    Case("query-lost", "held", "task-lost"),
    Case("query-unknown-status=dreaming", "held", "deadline-passed"),
    Case("image-expired-always", "held", "paid-not-fetched"), Case("image-html", "held", "paid-not-fetched"),
    Case("image-huge=3000000", "held", "paid-not-fetched"), Case("image-redirect=loop", "held", "paid-not-fetched"),
    Case("image-redirect=http://192.0.2.1/x.png", "held", "paid-not-fetched"),
    Case("image-status=404", "held", "paid-not-fetched"), Case("image-short", "held", "paid-not-fetched"),
  ]

  static let flags = [
    "--not-found-grace": "1s", "--task-deadline": "4s", "--query-timeout": "600ms", "--fetch-timeout": "600ms",
    "--max-image-bytes": "2000000", "--max-in-flight": "100", "--connect-timeout": "1s",
  ]

  private func name(_ fault: String) -> String { String(fault.map { $0.isLetter || $0.isNumber ? $0 : "-" }) }

  // All at once: what goes wrong with one is nothing to the others.
  @Test func whatPassesIsWaitedForAndMadeOnce() async throws {
    let bench = try await Fixture()
    for fault in Self.passing { try bench.root.write("\(name(fault)).prompt", "[sandbox: \(fault)] \(fault)") }
    let run = try await bench.once(Self.flags.merging(["--task-deadline": "2h", "--not-found-grace": "2m"]) { $1 })
    for fault in Self.passing {
      let sidecar = try bench.sidecar(name(fault))
      #expect(sidecar.state == "done", "\(fault): \(sidecar.text)")
      let output = try #require(sidecar.outputs.first, "\(fault)")
      #expect(sha256(try bench.root.bytes(output.file)) == output.sha256)
    }
    #expect(run.code == 0, "\(run)")
    #expect(bench.posts.count == Self.passing.count)
    #expect(bench.sandbox.counters().leakedKeys == 0)
  }

  @Test func whatDoesNotPassSaysWhyAndIsNotPaidAgain() async throws {
    let bench = try await Fixture()
    for each in Self.ending {
      try bench.root.write("\(name(each.fault)).prompt", "[sandbox: \(each.fault)] \(each.fault)")
    }
    let run = try await bench.once(Self.flags)
    #expect(run.code == 1, "\(run)")
    for each in Self.ending {
      let sidecar = try bench.sidecar(name(each.fault))
      #expect(sidecar.state == each.state && sidecar.reason == each.reason, "\(each.fault): \(sidecar.text)")
      #expect(sidecar.explains && sidecar.outputs.isEmpty, "\(each.fault): \(sidecar.text)")
      #expect(sidecar.attempts.count == 1 && sidecar.attempts.first?.taskID != nil, "\(each.fault): \(sidecar.text)")
    }
    #expect(try bench.sidecar(name("task-failed=the sky is too blue")).message?.contains("too blue") == true)
    #expect(try bench.sidecar(name("result-text=I would rather not")).message?.contains("rather not") == true)
    #expect(bench.posts.count == Self.ending.count)
    #expect(try bench.names().allSatisfy { $0.hasSuffix(".prompt") || $0.hasSuffix(".status.json") })
    let again = try await bench.once(Self.flags)
    #expect(again.code == 1 && bench.posts.count == Self.ending.count, "\(again)")
    #expect(bench.sandbox.counters().leakedKeys == 0)
  }

  @Test func theBytesSayWhatAPictureIs() async throws {
    let bench = try await Fixture(["cat": "[sandbox: image-jpeg] cat"])
    let run = try await bench.once()
    #expect(run.code == 0, "\(run)")
    let output = try #require(try bench.sidecar("cat").outputs.first)
    #expect(output.file == "cat.jpg" && output.mediaType == "image/jpeg" && output.width > 0 && output.height > 0)
    #expect(!bench.root.exists("cat.png"))
  }

  @Test func aRedirectOnLoopbackIsFollowedWithoutTheKey() async throws {
    let other = try await Fixture(["x": "made elsewhere"])
    _ = try await other.once()
    let bench = try await Fixture(["cat": "[sandbox: image-redirect=\(other.sandbox.baseURL)/images/none.png] cat"])
    let run = try await bench.once()
    // It was followed: the other one was asked for a picture that it does not have.
    #expect(run.code == 1, "\(run)")
    #expect(other.sandbox.counters().fetches > 1)
    #expect(other.sandbox.counters().leakedKeys == 0 && bench.sandbox.counters().leakedKeys == 0)
    #expect(try bench.sidecar("cat").reason == "paid-not-fetched")
  }
}
