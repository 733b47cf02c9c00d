import Foundation
import ProgramKit
import TestKit
import Testing

/// Callbacks make up for lost answers, as fast as nothing were lost.
@Suite(.serialized) struct CallbackLossTests {
  /// Every third answer is lost. The times are the program's own, but for how long a file has to be still.
  @Test(arguments: [200, 600]) func everyThirdOfSixty(delay: Int) async throws {
    let port = try Loopback.freePort()
    let flags: [String: String?] = [
      "--listen": "127.0.0.1:\(port)", "--public-url": "http://127.0.0.1:\(port)", "--poll-first": nil,
      "--poll-min": nil,
      "--poll-max": nil, "--retry-min": nil, "--retry-max": nil, "--probe-interval": nil,
    ]
    let bench = try await Fixture(delay: .milliseconds(delay))
    let agent = try await bench.watch(flags)
    let names = (0..<60).map { "p\($0)" }
    let start = ContinuousClock.now
    for (number, name) in names.enumerated() {
      let fault = number % 3 == 2 ? " [sandbox: submit-no-answer]" : ""
      try bench.root.write("\(name).prompt", "picture \(number)\(fault)")
    }
    func states() throws -> [String] {
      try names.map { bench.root.exists("\($0).status.json") ? try bench.sidecar($0).state : "none" }
    }
    // One that is lost is held until its callback comes, and that is not much later than the others are done, however slow
    // the machine is.
    var othersDone: Duration?
    var heldLate = 0
    try await eventually(within: .seconds(120), "all are done: \(agent.standardError)") {
      let now = try states()
      let passed = ContinuousClock.now - start
      if now.indices.allSatisfy({ $0 % 3 == 2 || now[$0] == "done" }) { othersDone = othersDone ?? passed }
      if let othersDone, passed > othersDone * 2 + .seconds(10) {
        heldLate = max(heldLate, now.count { $0 == "held" })
      }
      return now.allSatisfy { $0 == "done" }
    }
    #expect(heldLate == 0)
    #expect(bench.posts.count == 60 && bench.paid.count == 60)
  }
}
