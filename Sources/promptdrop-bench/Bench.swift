import Foundation
import SandboxServer

/// Measures one part after the other.
struct Bench {
  let program: Program
  let reference: Reference
  let tmpfs: String
  let disk: String
  let counts: Measure

  /// Measures a part; says what is no row of the table, and returns what is.
  func measure(_ part: Part) async throws -> [Figure] {
    switch part {
    case .cost: return try withService { try cost($0) }
    case .scale: return try withService { try scale($0) }
    case .calls: return try withService { try calls($0) }
    case .journal: return try withService { try JournalTrial(bench: self, service: $0).run() }
    case .latency: return try await LatencyTrial(bench: self, parent: tmpfs).besideLoop()
    case .disk: return try await LatencyTrial(bench: self, parent: disk).besideSameWrites()
    case .build: return try BuildTrial(repository: counts.repository, parent: disk).run()
    case .script: try withService { try script($0) }
    case .folders: try folders()
    case .backlog: try withService { try backlog($0) }
    }
    return []
  }

  private func withService<Value>(_ body: (String) throws -> Value) throws -> Value {
    let service = try Service()
    let value = try body(service.url)
    try service.stop()
    return value
  }

  private func cost(_ service: String) throws -> [Figure] {
    say("\n\(counts.files) prompts of 60 bytes on \(tmpfs), pictures of about 20 KB, a service without delay")
    let plain = try reference.run(counts.files, in: tmpfs, service)
    let own = try program.run(counts.files, in: tmpfs, service)
    say(own.line("promptdrop"))
    return [
      Figure(
        row: .cpu, value: own.cpuPerJob / plain.cpuPerJob,
        detail: "\(decimal(own.cpuPerJob, 3)) against \(decimal(plain.cpuPerJob, 3)) ms"),
      Figure(
        row: .rate, value: own.jobsPerSecond / plain.jobsPerSecond,
        detail: "\(decimal(own.jobsPerSecond, 0)) against \(decimal(plain.jobsPerSecond, 0))"),
    ]
  }

  private func scale(_ service: String) throws -> [Figure] {
    let few = try program.run(counts.files, in: tmpfs, service)
    let many = try program.run(counts.manyFiles, in: tmpfs, service)
    say("\n\(counts.manyFiles) prompts against \(counts.files)")
    say(few.line("promptdrop, \(counts.files)"))
    say(many.line("promptdrop, \(counts.manyFiles)"))
    return [
      Figure(
        row: .growth, value: many.cpuPerJob / few.cpuPerJob,
        detail: "\(decimal(many.cpuPerJob, 3)) against \(decimal(few.cpuPerJob, 3)) ms"),
      Figure(row: .memory, value: many.peakMB),
    ]
  }

  private func calls(_ service: String) throws -> [Figure] {
    let calls = try program.calls(500, in: tmpfs, service)
    say("\nsystem calls of `once` with 500 prompts, for each job: \(calls.most)")
    return [
      Figure(row: .calls, value: calls.perJob), Figure(row: .syncs, value: calls.syncsPerJob),
    ]
  }

  private func script(_ service: String) throws {
    let own = try program.run(counts.files, in: tmpfs, service)
    let script = try ScriptTrial(url: service, parent: tmpfs).run(files: counts.scriptFiles)
    say("\n" + own.line("promptdrop"))
    say(script.line("inotifywait + curl"))
    say(
      "  promptdrop: \(decimal(own.jobsPerSecond / script.jobsPerSecond, 1)) times the script's jobs/s, "
        + "\(decimal(script.cpuPerJob / own.cpuPerJob, 1)) times less CPU a job")
  }

  private func folders() throws {
    let tree = try FolderTrial(in: disk, files: counts.known, folders: 1000)
    defer { tree.place.remove() }
    let scan = try tree.scan()
    say(
      "\nlooking through \(counts.known) known prompts in 1000 folders (\(disk)): \(decimal(scan.own, 3)) s, find "
        + "\(decimal(scan.find, 3)) s: \(decimal(scan.own / scan.find, 2)) times; \(decimal(scan.memoryMB, 0)) MB; "
        + "\(scan.told) told of again")
    let empty = try FolderTrial(in: disk, files: 0, folders: counts.folders)
    defer { empty.place.remove() }
    let watch = try empty.watch()
    say(
      "watching \(counts.folders) folders (\(disk)): \(decimal(watch.own, 3)) s, a plain loop "
        + "\(decimal(watch.plain, 3)) s: \(decimal(watch.own / watch.plain, 2)) times")
  }

  private func backlog(_ service: String) throws {
    let backlog = try program.holdBacklog(counts.waiting, in: tmpfs, service)
    say(
      "\nbacklog of \(counts.waiting) waiting prompts: peak \(decimal(backlog.peakMB, 1)) MB, "
        + "\(decimal(backlog.seconds, 1)) s until all are in the journal")
  }
}
