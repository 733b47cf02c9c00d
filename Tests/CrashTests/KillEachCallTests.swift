import Foundation
import ProgramKit
import Synchronization
import TestKit
import Testing

/// What the sandbox does to a prompt's first submission. In all but the first the task is accepted, so paid for.
enum SubmitFault: String, CaseIterable, Sendable {
  case none
  case noAnswer = "submit-no-answer"
  case reset = "submit-reset"
  case accept500 = "submit-accept-500"

  /// The prompt's text.
  func text(_ name: String) -> String { self == .none ? "\(name) by day" : "\(name) by day [sandbox: \(rawValue):1]" }
}

/// A call that the process does not survive.
struct KillPoint: CustomStringConvertible, Sendable {
  let number: Int
  let after: Bool
  let fault: SubmitFault
  var mode: String { "kill\(after ? "after" : "")=\(number)" }
  var description: String { "\(mode) \(fault.rawValue)" }
}

extension Crashes {
  @Suite struct KillEachCall {
    // The calls of one job that is left in peace.
    private func calls(_ fault: SubmitFault) async throws -> [Shim.Call] {
      let bench = try await Fixture(["cat": fault.text("cat")])
      let (outcome, calls) = try await bench.once(shim: "count")
      #expect(outcome.code == (fault == .none ? 0 : 1), "\(outcome)")
      // SQLite's calls, the program's own and the network's: the shim stands before each of them.
      let kinds = Set(calls.map(\.kind))
      #expect(kinds.isSuperset(of: ["open", "write", "fsync", "rename", "connect", "send", "recv"]), "\(kinds)")
      #expect(calls.contains { $0.kind == "fsync" && $0.path.hasSuffix("journal.sqlite-wal") }, "\(calls)")
      #expect(calls.contains { $0.kind == "open" && $0.path.hasPrefix(bench.root.path) }, "\(calls)")
      #expect(calls.contains { $0.word == "POST" }, "\(calls)")
      return calls
    }

    /// One job, killed before and after each call, then run to the end.
    @Test(.timeLimit(.minutes(60))) func noPointLosesOrPaysTwice() async throws {
      var points: [KillPoint] = []
      for fault in SubmitFault.allCases {
        // The calls are not the same every time: a few numbers more are tried, and some do not come to pass.
        for number in 1...(try await calls(fault).count + 4) {
          points += [false, true].map { KillPoint(number: number, after: $0, fault: fault) }
        }
      }
      let hits = Atomic(0)
      await Points.run(Points.sample(points, Points.share(38)), "CrashTests.Crashes/KillEachCall") { point, context in
        let bench = try await Fixture(["cat": point.fault.text("cat")])
        let (killed, calls) = try await bench.once(shim: point.mode)
        if killed.code == -SIGKILL { hits.add(1, ordering: .relaxed) }
        #expect(killed.code == -SIGKILL || calls.count < point.number, "\(context): \(killed)")
        let oracle = bench.oracle(["cat"], "\(context)\nlast calls: \(calls.suffix(4))")
        let state = try oracle.checkFinalNames()["cat"]
        let last = try await bench.once()
        // A fault makes the second run's answer a lost one in any case. Else: only where the POST had been begun and its answer
        // was not known yet, or in the instant between the mark that it may be sent and the sending.
        let wasHeard = state == "submitted" || state == "fetching" || state == "done"
        let wasBegun = calls.contains { $0.word == "POST" } || calls.last?.path.hasSuffix("/send-marks") == true
        try oracle.checkEnd(after: last, mayBeHeld: { _ in point.fault != .none || (wasBegun && !wasHeard) })
        if point.number % 10 == 0 {
          let posts = bench.posts.count
          let again = try await bench.once()
          #expect(bench.posts.count == posts && again.code == last.code, "\(context): \(again)")
        }
      }
      #expect(hits.load(ordering: .relaxed) > 0 || Points.wanted != nil)
    }

    /// A kill before the first byte of the POST is no reason to hold: at most one in a hundred may.
    @Test(.timeLimit(.minutes(60))) func aKillBeforeTheFirstByteDoesNotHold() async throws {
      let calm = try await calls(.none)
      let first = try #require(calm.firstIndex { $0.word == "POST" })
      // From just before the sidecar's intent on: nothing is held for what is killed before that, and so many points would make
      // any number a small part of them.
      let intent = calm[..<first].firstIndex { $0.path.contains("/.promptdrop-") } ?? first
      #expect(intent < first)
      var points: [KillPoint] = []
      for number in max(1, intent - 12)...(first + 1) {
        points += [false, true].map { KillPoint(number: number, after: $0, fault: .none) }
      }
      let tried = Mutex<[String]>([])
      let needless = Mutex<[String]>([])
      await Points.run(Points.sample(points, Points.share(12)), "CrashTests.Crashes/KillEachCall") { point, context in
        let bench = try await Fixture(["cat": point.fault.text("cat")])
        let (killed, calls) = try await bench.once(shim: point.mode)
        // Sent and not begun to be sent: whether the call was logged, for that is done before it is made.
        guard killed.code == -SIGKILL, !calls.contains(where: { $0.word == "POST" }) else { return }
        #expect(bench.posts.isEmpty, "\(context): \(calls.suffix(3))")
        let last = try await bench.once()
        let held = try bench.oracle(["cat"], context).checkEnd(after: last)
        tried.withLock { $0.append(point.description) }
        if !held.isEmpty { needless.withLock { $0.append("\(point), after \(calls.last?.description ?? "nothing")") } }
      }
      let (all, bad) = (tried.withLock { $0.count }, needless.withLock { $0 })
      // Between the mark that something may be sent and the sending there is one instant that cannot be told apart.
      #expect(bad.count * 100 <= all || bad.count <= 1, "\(bad.count) of \(all) were held needlessly: \(bad)")
    }
  }
}
