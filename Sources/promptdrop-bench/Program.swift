import Foundation

/// The promptdrop that is measured.
struct Program {
  let binary: String

  init(binary: String) throws {
    guard FileManager.default.isExecutableFile(atPath: binary) else {
      throw BenchError("\(binary) is not there; build it with: swift build -c release")
    }
    self.binary = binary
  }

  /// How it is called for a place: nothing waits that need not, nothing limits what is sent.
  func arguments(_ command: String, _ place: Place, _ service: String, _ more: [String] = []) -> [String] {
    [
      binary, command, place.drop, "--api-url", service, "--state-dir", place.state, "--settle", "0s", "--poll-first",
      "0s", "--poll-min", "0s", "--max-requests", "64", "--max-in-flight", "256", "--burst-limit", "0", "--log-level",
      "warning",
    ] + more
  }

  /// What of the environment would change what is measured is set: no file of settings is read.
  func environment(_ place: Place) -> [String: String] {
    [
      "PROMPTDROP_API_KEY": "dk-bench", "PROMPTDROP_RUNTIME_DIR": place.base + "/run",
      "XDG_CONFIG_HOME": place.base + "/config",
    ]
  }

  /// Starts it on a place.
  func start(_ place: Place, _ service: String, _ more: [String] = []) throws -> Child {
    try Child(
      arguments("watch", place, service, more), environment: environment(place), output: place.log)
  }

  /// Drops prompts while it watches, until all are done.
  func run(_ files: Int, in parent: String, _ service: String) throws -> Cost {
    let place = try Place(in: parent)
    defer { place.remove() }
    let child = try start(place, service)
    defer { child.end() }
    var cost = try place.measure(files, with: child, until: .sidecar)
    cost.peakMB = child.peakMB
    return cost
  }

  /// The system calls of a run over prompts that are there when it begins.
  func calls(_ files: Int, in parent: String, _ service: String) throws -> SystemCalls {
    let place = try Place(in: parent)
    defer { place.remove() }
    try place.stage(files)
    try place.drop(files)
    let table = place.base + "/calls"
    let child = try Child(
      SystemCalls.tracer(table) + arguments("once", place, service), environment: environment(place),
      output: place.log)
    _ = child.wait()
    let ended = try FileManager.default.contentsOfDirectory(atPath: place.drop).count { $0.hasSuffix(".png") }
    guard ended == files else { throw BenchError("\(ended) of \(files) are done; the program says:\n\(place.said)") }
    return try SystemCalls(reading: table, jobs: files)
  }

  /// Lets a backlog wait behind a limit of one submission a minute.
  func holdBacklog(_ files: Int, in parent: String, _ service: String) throws -> (peakMB: Double, seconds: Double) {
    let place = try Place(in: parent)
    defer { place.remove() }
    try place.stage(files)
    try place.drop(files, folders: 100)
    let child = try start(place, service, ["--submissions-per-minute", "1"])
    let start = ContinuousClock.now
    // All are in the journal when the agent has nothing more to do.
    let quiet = 2.0
    try child.rest(for: quiet)
    let seconds = (ContinuousClock.now - start) / .seconds(1) - quiet
    return (child.end().peakMB, seconds)
  }
}
