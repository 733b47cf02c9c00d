import Foundation
import ProgramKit
import TestKit
import Testing

/// After how many received bytes the connection ends.
struct Cut: CustomStringConvertible, Sendable {
  let bytes: Int
  let shape: String
  var description: String { "cut=\(bytes) \(shape)" }
}

extension Crashes {
  @Suite struct CutAnswers {
    private static let filter = "CrashTests.Crashes/CutAnswers"

    /// Everything that the service says, cut short after each of its bytes: the answer to the POST, to the queries, the
    /// picture. Nothing partial gets a final name, and a picture that was paid for arrives.
    @Test(.timeLimit(.minutes(60))) func nothingPartialGetsAFinalName() async throws {
      var points: [Cut] = []
      for shape in ["", "[sandbox: result-data-uri]"] {
        let bench = try await Fixture(["cat": "cat \(shape)"])
        let (run, calls) = try await bench.once(shim: "count", only: "recv")
        #expect(run.code == 0, "\(run)")
        let total = calls.compactMap(\.result).filter { $0 > 0 }.reduce(0, +)
        #expect(total > 500, "\(calls)")
        points += (1...(total + 8)).map { Cut(bytes: $0, shape: shape) }
      }
      await Points.run(Points.sample(points, Points.share(12)), Self.filter) { point, context in
        let bench = try await Fixture(["cat": "cat \(point.shape)"])
        let run = try await bench.once(environment: try Shim.environment("cut=\(point.bytes)", only: "none"))
        let oracle = bench.oracle(["cat"], "\(context)\n\(run)")
        // The answer to the POST comes first: without it, the outcome is unknown.
        let held = try oracle.checkEnd(after: run, mayBeHeld: { _ in point.bytes < 400 })
        #expect(bench.posts.count == 1, "\(context): \(run)")
        if held.isEmpty { #expect(bench.root.exists("cat.png"), "\(context): \(run)") }
      }
    }
  }
}
