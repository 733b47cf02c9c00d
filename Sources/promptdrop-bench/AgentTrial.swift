import Foundation
import Glibc

/// Measures promptdrop itself.
struct AgentTrial {
  let binary: String
  let url: String
  let parent: String

  private func arguments(_ place: Place, _ more: [String] = []) -> [String] {
    [
      binary, "watch", place.drop, "--api-url", url, "--state-dir", place.state, "--settle", "0s", "--poll-first", "0s",
      "--poll-min", "0s", "--max-requests", "64", "--max-in-flight", "256", "--burst-limit", "0",
      "--log-level", "warning",
    ] + more
  }

  private let environment = ["PROMPTDROP_API_KEY": "dk-bench"]

  init(binary: String, url: String, parent: String) throws {
    guard FileManager.default.isExecutableFile(atPath: binary) else { throw BenchError("\(binary) is not there") }
    (self.binary, self.url, self.parent) = (binary, url, parent)
  }

  /// Starts it on a place.
  func start(_ place: Place) throws -> Child {
    try Child(arguments(place), environment: environment, output: place.base + "/log")
  }

  /// Drops files by rename while it watches, until all are done.
  func run(files: Int) throws -> Cost {
    let place = try Place(in: parent)
    defer { place.remove() }
    return try place.measure(files, with: try start(place))
  }

  /// fsync and fdatasync calls a job, counted by strace; nil where it is missing.
  func countSyncs(files: Int) throws -> Double? {
    guard FileManager.default.isExecutableFile(atPath: "/usr/bin/strace") else { return nil }
    let place = try Place(in: parent)
    defer { place.remove() }
    let trace = place.base + "/trace"
    let child = try Child(
      ["strace", "-f", "-qq", "-e", "trace=fsync,fdatasync", "-o", trace] + arguments(place), environment: environment)
    try place.waitUntilWatched(by: child)
    try place.drop(files)
    try place.waitForDone(files, child)
    _ = child.end()
    let lines = String(decoding: FileManager.default.contents(atPath: trace) ?? Data(), as: UTF8.self).split(
      separator: "\n")
    // A call that another thread interrupts is printed in two parts; each has one line with its name and "(".
    let calls = lines.count { $0.contains("sync(") }
    return Double(calls) / Double(files)
  }

  /// Lets a backlog wait behind a limit of one submission a minute.
  func holdBacklog(files: Int) throws -> (peakMB: Double, seconds: Double) {
    let place = try Place(in: parent)
    defer { place.remove() }
    try place.drop(files, folders: 100)
    let child = try Child(
      arguments(place, ["--submissions-per-minute", "1"]), environment: environment, output: place.base + "/log")
    let start = ContinuousClock.now
    // All are in the journal when the agent has nothing more to do.
    var last = -1.0
    var quietSince = ContinuousClock.now
    while ContinuousClock.now - quietSince < .seconds(2) {
      guard let cpu = child.cpuSoFar else { throw BenchError("the agent ended") }
      if cpu > last + 0.02 { quietSince = .now }
      last = max(last, cpu)
      usleep(50_000)
    }
    let seconds = (quietSince - start) / .seconds(1)
    return (child.end().peakMB, seconds)
  }
}
