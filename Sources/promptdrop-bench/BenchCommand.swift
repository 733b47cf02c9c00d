import ArgumentParser
import Foundation
import SandboxServer

/// `promptdrop-bench`: what a job costs, beside what it costs a hand-written script in the same run.
@main
struct BenchCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "promptdrop-bench",
    abstract: "Drops prompts at promptdrop and at a plain inotifywait and curl loop, and prints what each costs.")

  @Option(help: "How many prompts promptdrop gets.") var files = 5000
  @Option(help: "How many prompts the script gets; it is slow.") var scriptFiles = 100
  @Option(help: "How many prompts wait in the test of the backlog; 0 leaves it out.") var waiting = 100_000
  @Option(help: "How many known prompts, in 1,000 folders, are looked through; 0 leaves it out.") var known = 100_000
  @Option(help: "How many folders are watched; 0 leaves it out.") var folders = 50_000
  @Option(help: "How many prompts are dropped one at a time, to see how long each takes to be submitted.") var drops =
    200
  @Option(help: "A folder on a tmpfs.") var tmpfs = "/dev/shm"
  @Option(help: "A folder on a disk.") var disk = FileManager.default.currentDirectoryPath
  @Option(help: "The promptdrop to measure (default: the one beside this program).") var promptdrop: String?

  func run() async throws {
    let binary =
      promptdrop
      ?? URL(fileURLWithPath: CommandLine.arguments[0]).resolvingSymlinksInPath().deletingLastPathComponent().path
      + "/promptdrop"
    var options = SandboxOptions()
    options.statusDelay = .zero
    options.imagePool = 16
    options.keepBodies = false
    options.ledgerLimit = 0
    let sandbox = Sandbox(options)
    try await sandbox.start()
    if files > 0 {
      say(
        "\(files) prompts for promptdrop, \(scriptFiles) for the script; pictures of about 20 KB; service without delay"
      )
      for (name, folder) in [("tmpfs", tmpfs), ("disk", disk)] {
        let agent = try AgentTrial(binary: binary, url: sandbox.baseURL, parent: folder)
        let own = try agent.run(files: files)
        let script = try ScriptTrial(url: sandbox.baseURL, parent: folder).run(files: scriptFiles)
        let syncs = try agent.countSyncs(files: min(files, 500))
        say("\n\(name) (\(folder))")
        say(own.line("promptdrop"))
        say(script.line("inotifywait + curl"))
        say(
          "  promptdrop: \(ratio(own.jobsPerSecond, script.jobsPerSecond)) times the script's jobs/s, "
            + "\(ratio(script.cpuPerJob, own.cpuPerJob)) times less CPU a job; "
            + (syncs.map { "\(decimal($0, 2)) syncs a job" } ?? "syncs not counted: strace is missing"))
      }
    }
    if drops > 0 {
      for (name, folder) in [("tmpfs", tmpfs), ("disk", disk)] { try dropOneByOne(sandbox, name, folder, binary) }
    }
    if known > 0 { try lookThrough() }
    if folders > 0 { try watchFolders() }
    if waiting > 0 {
      let backlog = try AgentTrial(binary: binary, url: sandbox.baseURL, parent: tmpfs).holdBacklog(files: waiting)
      say(
        "\nbacklog of \(waiting) waiting prompts: peak \(decimal(backlog.peakMB, 1)) MB, "
          + "\(decimal(backlog.seconds, 1)) s until all are in the journal")
    }
    try await sandbox.stop()
  }

  private func dropOneByOne(_ sandbox: Sandbox, _ name: String, _ folder: String, _ binary: String) throws {
    let trial = LatencyTrial(sandbox: sandbox, parent: folder)
    let agent = try AgentTrial(binary: binary, url: sandbox.baseURL, parent: folder)
    let own = try trial.own(files: drops) { try agent.start($0) }
    let plain = try trial.plain(files: drops)
    func both(_ share: Double) -> String {
      "\(decimal(own.percentile(share), 2)) ms, plain \(decimal(plain.percentile(share), 2)) ms: "
        + "\(ratio(own.percentile(share), plain.percentile(share))) times"
    }
    say("\ndrop to submission, \(name): p50 \(both(0.5)); p99 \(both(0.99))")
  }

  private func lookThrough() throws {
    let trial = try FolderTrial(in: disk, files: known, folders: 1000)
    defer { trial.place.remove() }
    let scan = try trial.scan()
    say(
      "\nlooking through \(known) known prompts in 1000 folders (\(disk)): \(decimal(scan.own, 3)) s, find "
        + "\(decimal(scan.find, 3)) s: \(ratio(scan.own, scan.find)) times; \(decimal(scan.memoryMB, 0)) MB; "
        + "\(scan.told) told of again")
  }

  private func watchFolders() throws {
    let trial = try FolderTrial(in: disk, files: 0, folders: folders)
    defer { trial.place.remove() }
    let watch = try trial.watch()
    say(
      "\nwatching \(folders) folders (\(disk)): \(decimal(watch.own, 3)) s, a plain loop \(decimal(watch.plain, 3)) s: "
        + "\(ratio(watch.own, watch.plain)) times")
  }

  private func ratio(_ a: Double, _ b: Double) -> String { b > 0 ? decimal(a / b, a < b * 10 ? 2 : 1) : "?" }
}

/// What a run cost.
struct Cost {
  var jobs: Int
  var seconds: Double
  var cpuSeconds: Double
  var peakMB: Double
  var jobsPerSecond: Double { Double(jobs) / seconds }
  var cpuPerJob: Double { cpuSeconds * 1000 / Double(jobs) }

  func line(_ name: String) -> String {
    "  \(name.padding(toLength: 20, withPad: " ", startingAt: 0))"
      + "\(decimal(jobsPerSecond, 0)) jobs/s   \(decimal(cpuPerJob, 3)) ms CPU a job   peak \(decimal(peakMB, 1)) MB"
  }
}

/// A number with so many decimals.
func decimal(_ value: Double, _ digits: Int) -> String { String(format: "%.\(digits)f", value) }

/// Prints a line at once: a measurement takes long, and what is known is shown.
func say(_ line: String) { FileHandle.standardOutput.write(Data((line + "\n").utf8)) }
