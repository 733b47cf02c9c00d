import Foundation
import ProgramKit
import TestKit

extension Judge {
  /// A kill between a submission and its answer leaves the prompt held. A person decides as the service's own list
  /// says: the task is adopted, or, where there is none, it is submitted again.
  func resolveDoubts(_ world: World) async throws {
    for (stem, prompt) in world.prompts {
      guard bench.root.exists("\(stem).status.json"), let wanted = prompt.wanted else { continue }
      let sidecar = try bench.sidecar(stem)
      guard sidecar.state == "held", sidecar.reason == "submission-outcome-unknown" else { continue }
      let known = try knownTasks()
      let task = bench.posts.first { Request($0) == wanted && $0.taskID.map { !known.contains($0) } ?? false }?.taskID
      let decision = task.map { ["--adopt", $0] } ?? ["--resubmit"]
      let run = try await bench.run("resolve", [bench.root.path("\(stem).prompt")] + decision)
      guard run.code == 0 else { throw OperationFailed(description: "resolve \(stem) \(decision): \(run)") }
    }
  }

  /// Whether the agent itself says so. What was in flight in a folder that is gone may stay so.
  func isNothingInFlight() async throws -> Bool {
    let run = try await bench.run("status", ["--json"])
    let reported = try JSONSerialization.jsonObject(with: Data(run.out.utf8)) as? [String: Any]
    guard let lines = reported?["in_flight"] as? [[String: Any]] else {
      throw OperationFailed(description: "status: \(run)")
    }
    return !lines.compactMap { $0["file"] as? String }.contains { file in
      FileManager.default.fileExists(atPath: (file as NSString).deletingLastPathComponent)
    }
  }

  private func knownTasks() throws -> Set<String> {
    var known: Set<String> = []
    for name in try files() where name.hasSuffix(".status.json") {
      known.formUnion(try Sidecar(try bench.root.bytes(name)).attempts.compactMap(\.taskID))
    }
    return known
  }
}
