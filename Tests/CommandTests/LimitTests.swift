import Foundation
import ProgramKit
import TestKit
import Testing

/// The limits that a user can set.
@Suite(.serialized) struct LimitTests {
  @Test func oneInFlightIsNeverTwo() async throws {
    let bench = try await Fixture(delay: .milliseconds(150))
    for number in 0..<5 { try bench.root.write("p\(number).prompt", "picture \(number)") }
    let agent = try bench.start("once", ["--max-in-flight": "1"])
    var most = 0
    try await eventually(within: .seconds(40), "it ends: \(agent.standardError)") {
      // Whoever has no picture while another is submitted is in flight with it. Paid first: pictures only become more.
      let paid = bench.paid.count
      most = max(most, paid - (try bench.names().filter { $0.hasSuffix(".png") }.count))
      return agent.ending != nil
    }
    #expect(most <= 1)
    #expect(try await bench.end(of: agent).code == 0)
    #expect(bench.posts.count == 5)
    let spans = try (0..<5).map { number in
      let times = try bench.sidecar("p\(number)").times
      return (begin: times["submitted_at"] ?? "", end: times["updated_at"] ?? "")
    }.sorted { $0.begin < $1.begin }
    for (earlier, later) in zip(spans, spans.dropFirst()) { #expect(earlier.end <= later.begin, "\(spans)") }
  }

  @Test func requestsAtOnceAreLimited() async throws {
    let bench = try await Fixture()
    for number in 0..<6 { try bench.root.write("p\(number).prompt", "[sandbox: submit-slow=1500] \(number)") }
    let agent = try bench.start("once", ["--max-requests": "2"])
    var most = 0
    try await eventually(within: .seconds(40), "it ends: \(agent.standardError)") {
      most = max(most, bench.posts.filter { $0.status == nil }.count)
      return agent.ending != nil
    }
    #expect(most == 2)
    #expect(try await bench.end(of: agent).code == 0)
  }

  @Test func submissionsPerMinuteAreLimited() async throws {
    let bench = try await Fixture()
    for number in 0..<6 { try bench.root.write("p\(number).prompt", "picture \(number)") }
    let run = try await bench.once(["--submissions-per-minute": "3", "--timeout": "4s"])
    #expect(run.code == 75 && bench.posts.count == 3, "\(run)")
    let later = try await bench.once()
    #expect(later.code == 0 && bench.posts.count == 6, "\(later)")
  }

  @Test func theTimeLimitEndsOnce() async throws {
    let bench = try await Fixture(["cat": "cat"], delay: .seconds(60))
    let start = ContinuousClock.now
    let run = try await bench.once(["--timeout": "1s"])
    #expect(run.code == 75 && ContinuousClock.now - start < .seconds(20), "\(run)")
    #expect(try bench.sidecar("cat").state == "submitted")
  }

  @Test func theBurstLimitHoldsTheRest() async throws {
    let bench = try await Fixture()
    for number in 0..<6 { try bench.root.write("p\(number).prompt", "picture \(number)") }
    let run = try await bench.once(["--burst-limit": "4"])
    #expect(run.code == 1 && bench.posts.count == 4, "\(run)")
    let held = try (0..<6).map { try bench.sidecar("p\($0)") }.filter { $0.state == "held" }
    #expect(held.count == 2 && held.allSatisfy { $0.reason == "burst" && $0.explains })
  }
}
