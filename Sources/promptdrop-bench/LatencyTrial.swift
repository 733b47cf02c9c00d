import Foundation
import Glibc
import SandboxServer

/// From the rename of a prompt into place to the arrival of its submission at the service. The service is in this process,
/// which otherwise sleeps, so that both moments are read from one clock.
struct LatencyTrial {
  let bench: Bench
  let parent: String

  /// Milliseconds, sorted.
  struct Times {
    var values: [Double]
    var middle: Double { values.isEmpty ? 0 : values[values.count / 2] }
    var line: String {
      let late = values.isEmpty ? 0 : values[min(values.count - 1, values.count * 99 / 100)]
      return "p50 \(decimal(middle, 3)) ms, p99 \(decimal(late, 3)) ms"
    }
  }

  /// Drops that are not counted: connections are made, files grow to their size.
  private static let warmUps = 30

  /// Beside the loop in C.
  func besideLoop() async throws -> [Figure] {
    let own = try await times { try bench.program.start($0, $1) }
    let plain = try await times { try bench.reference.start($0, $1) }
    say("\ndrop to submission on \(parent): promptdrop \(own.line); C loop \(plain.line)")
    return [
      Figure(
        row: .latency, value: own.middle / plain.middle,
        detail: "\(decimal(own.middle, 3)) against \(decimal(plain.middle, 3)) ms")
    ]
  }

  /// Beside a program in C that makes the writes and syncs that promptdrop made for one drop.
  func besideSameWrites() async throws -> [Figure] {
    let service = try await sandbox()
    let plan = try ReplayPlan(program: bench.program, parent: parent, service: service.baseURL)
    try await service.stop()
    let own = try await times { try bench.program.start($0, $1) }
    let plain = try await times { try bench.reference.startReplay($0, $1, plan: plan.text) }
    say("\ndrop to submission on \(parent): promptdrop \(own.line); the same writes and syncs in C \(plain.line)")
    say("  before the POST: \(plan.summary)")
    return [
      Figure(
        row: .diskLatency, value: own.middle - plain.middle,
        detail: "\(decimal(own.middle, 3)) minus \(decimal(plain.middle, 3)) ms")
    ]
  }

  private func sandbox() async throws -> Sandbox {
    var options = Serve.options
    options.ledgerLimit = 100_000
    let sandbox = Sandbox(options)
    try await sandbox.start()
    return sandbox
  }

  // One file every 50 ms: what is measured is the way, not the queue.
  private func times(_ start: (Place, String) throws -> Child) async throws -> Times {
    let sandbox = try await sandbox()
    let place = try Place(in: parent)
    defer { place.remove() }
    let child = try start(place, sandbox.baseURL)
    defer { child.end() }
    try place.waitUntilWatched(by: child)
    let files = bench.counts.drops + Self.warmUps
    try place.stage(files)
    try child.rest(for: 0.3)
    var dropped: [String: ContinuousClock.Instant] = [:]
    for number in 0..<files {
      dropped[Place.text(number)] = .now
      try place.drop(1, from: number)
      usleep(50_000)
    }
    try child.rest(for: 0.3)
    let arrived = sandbox.ledger()
    try await sandbox.stop()
    guard arrived.count == files else {
      throw BenchError("\(arrived.count) of \(files) were submitted; the program says:\n\(place.said)")
    }
    let times = arrived.dropFirst(Self.warmUps).compactMap { entry in
      dropped[entry.prompt ?? ""].map { (entry.receivedAt - $0) / .milliseconds(1) }
    }
    return Times(values: times.sorted())
  }
}
