import Foundation

/// The programs in C that promptdrop is compared with. They are no part of the package's build: this program has them
/// compiled when it measures.
struct Reference {
  /// How to get what they need.
  static let needs = "They need: apt-get install gcc libcurl4-openssl-dev strace"

  // What the loop is held to. A reference that is slower than it need be would flatter.
  private static let mostCalls = 35.0
  private static let mostConnections = 64
  private static let mostCPU = 0.2

  private let folder: String

  init() throws {
    folder = NSTemporaryDirectory() + "promptdrop-bench-\(getpid())"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    guard let sources = Bundle.module.path(forResource: "Reference", ofType: nil) else {
      throw BenchError("the sources of the references are not beside this program; build it with swift build")
    }
    for name in ["loop", "replay"] {
      let log = "\(folder)/\(name).log"
      let compiler = try Child(
        ["cc", "-O2", "\(sources)/\(name).c", "-o", "\(folder)/\(name)", "-lcurl"], output: log)
      _ = compiler.wait()
      guard FileManager.default.isExecutableFile(atPath: "\(folder)/\(name)") else {
        let said = String(decoding: FileManager.default.contents(atPath: log) ?? Data(), as: UTF8.self)
        throw BenchError("the references could not be compiled. \(Self.needs)\n\(said.prefix(400))")
      }
    }
  }

  /// Removes what was compiled.
  func remove() {
    do { try FileManager.default.removeItem(atPath: folder) } catch { print("cannot remove \(folder): \(error)") }
  }

  /// Starts the loop on a place.
  func start(_ place: Place, _ service: String) throws -> Child {
    try Child(["\(folder)/loop", place.drop, service], output: place.log)
  }

  /// Starts the program that makes the writes and syncs of a plan for each prompt.
  func startReplay(_ place: Place, _ service: String, plan: String) throws -> Child {
    let path = place.base + "/plan"
    try plan.write(toFile: path, atomically: true, encoding: .utf8)
    try FileManager.default.createDirectory(atPath: place.state, withIntermediateDirectories: true)
    return try Child(["\(folder)/replay", place.drop, place.state, service, path], output: place.log)
  }

  /// Drops prompts at the loop, until all are done. Throws when it does not hold to its own figures, which it prints.
  func run(_ files: Int, in parent: String, _ service: String) throws -> Cost {
    let calls = try calls(min(files, 500), in: parent, service)
    let place = try Place(in: parent)
    defer { place.remove() }
    let child = try start(place, service)
    var cost = try place.measure(files, with: child, until: .picture)
    cost.peakMB = child.end().peakMB
    let words = place.said.split(separator: " ").compactMap { Int($0) }
    guard words.count == 3 else { throw BenchError("the C loop did not end as it should: \(place.said)") }
    let (jobs, failed, connections) = (words[0], words[1], words[2])
    say(
      cost.line("C loop")
        + "   \(decimal(calls.perJob, 1)) system calls a job, \(connections) connections, \(calls.forks) forks, "
        + "\(calls.count("epoll_wait", "epoll_pwait")) × epoll")
    let problems = [
      jobs != files || failed > 0 ? "\(failed) jobs failed" : nil,
      calls.perJob > Self.mostCalls ? "more than \(decimal(Self.mostCalls, 0)) system calls a job" : nil,
      connections > Self.mostConnections ? "more than one connection for each of its 64 jobs" : nil,
      calls.forks > 0 ? "it forked" : nil,
      calls.count("epoll_wait", "epoll_pwait") == 0 ? "it does not wait with epoll" : nil,
      cost.cpuPerJob > Self.mostCPU ? "more than \(Self.mostCPU) ms CPU a job; is the machine busy?" : nil,
    ].compactMap { $0 }
    guard problems.isEmpty else {
      throw BenchError("This run does not count. The C loop: \(problems.joined(separator: "; "))")
    }
    return cost
  }

  private func calls(_ files: Int, in parent: String, _ service: String) throws -> SystemCalls {
    let place = try Place(in: parent)
    defer { place.remove() }
    let table = place.base + "/calls"
    let child = try Child(
      SystemCalls.tracer(table) + ["\(folder)/loop", place.drop, service], output: place.log)
    try place.waitUntilWatched(by: child)
    try place.stage(files)
    try place.drop(files)
    try place.waitForDone(files, child, until: .picture)
    try child.endTraced()
    return try SystemCalls(reading: table, jobs: files)
  }
}
