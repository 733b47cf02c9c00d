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
  fileprivate static let warmUps = 30

  /// Beside the loop in C.
  func besideLoop() async throws -> [Figure] {
    let (own, plain) = try await times { try bench.reference.start($0, $1) }
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
    let (own, plain) = try await times { try bench.reference.startReplay($0, $1, plan: plan.text) }
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

  // A program that drops are measured for, with a folder and a service of its own.
  private struct Side {
    let place: Place
    let sandbox: Sandbox
    let child: Child
    var dropped: [String: ContinuousClock.Instant] = [:]

    mutating func drop(_ number: Int) throws {
      dropped[Place.text(number)] = .now
      try place.drop(1, from: number)
    }

    func times(of files: Int) throws -> Times {
      let arrived = sandbox.ledger()
      guard arrived.count == files else {
        throw BenchError("\(arrived.count) of \(files) were submitted; the program says:\n\(place.said)")
      }
      let times = arrived.dropFirst(LatencyTrial.warmUps).compactMap { entry in
        dropped[entry.prompt ?? ""].map { (entry.receivedAt - $0) / .milliseconds(1) }
      }
      return Times(values: times.sorted())
    }
  }

  private func side(_ files: Int, _ start: (Place, String) throws -> Child) async throws -> Side {
    let sandbox = try await sandbox()
    let place = try Place(in: parent)
    let child = try start(place, sandbox.baseURL)
    try place.waitUntilWatched(by: child)
    try place.stage(files)
    try child.rest(for: 0.3)
    return Side(place: place, sandbox: sandbox, child: child)
  }

  // One file every 50 ms: what is measured is the way, not the queue. The two take turns, so that both meet the same disk and
  // the same machine.
  private func times(_ start: (Place, String) throws -> Child) async throws -> (own: Times, plain: Times) {
    let files = bench.counts.drops + Self.warmUps
    var own = try await side(files) { try bench.program.start($0, $1) }
    defer {
      own.child.end()
      own.place.remove()
    }
    var plain = try await side(files, start)
    defer {
      plain.child.end()
      plain.place.remove()
    }
    for number in 0..<files {
      try own.drop(number)
      usleep(25_000)
      try plain.drop(number)
      usleep(25_000)
    }
    try own.child.rest(for: 0.3)
    try plain.child.rest(for: 0.3)
    let times = (try own.times(of: files), try plain.times(of: files))
    try await own.sandbox.stop()
    try await plain.sandbox.stop()
    return times
  }
}
