import ArgumentParser
import Foundation

/// `promptdrop-bench`: what a job costs, beside what it costs a program in C in the same run.
@main
struct BenchCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "promptdrop-bench",
    abstract: "Drops prompts at promptdrop and at a C loop without journal and syncs, and prints what each costs.",
    discussion: """
      Parts: cost (CPU and jobs a second), scale (CPU and memory at many prompts), calls (system calls and syncs), latency,
      disk (latency beside the same writes and syncs), journal (its size, and a start with finished jobs); and when asked
      for: script (a loop of inotifywait and curl), folders (looking through and watching many), backlog (many that wait),
      build (a clean release build to the first picture).

      The references are built by this program when it runs. \(Reference.needs)
      """,
    subcommands: [Measure.self, Serve.self], defaultSubcommand: Measure.self)
}

/// The measuring itself.
struct Measure: AsyncParsableCommand {
  static let configuration = CommandConfiguration(abstract: "Measure (what is done when no command is named).")

  @Option(help: "What to measure, with commas; a name, or all (default: the table).") var only: String?
  @Option(name: .customLong("repeat"), help: "How many times; the medians are printed at the end.") var rounds = 1
  @Option(help: "How many prompts are dropped.") var files = 2000
  @Option(help: "How many prompts are dropped for the figures at many.") var manyFiles = 20_000
  @Option(help: "How many prompts are dropped one at a time.") var drops = 200
  @Option(help: "How many finished jobs the journal holds, in 600 folders.") var finished = 60_000
  @Option(help: "How many prompts the script gets; it is slow.") var scriptFiles = 100
  @Option(help: "How many prompts wait in the test of the backlog.") var waiting = 100_000
  @Option(help: "How many known prompts, in 1,000 folders, are looked through.") var known = 100_000
  @Option(help: "How many folders are watched.") var folders = 50_000
  @Option(help: "A folder on a tmpfs.") var tmpfs = "/dev/shm"
  @Option(help: "A folder on a disk.") var disk = FileManager.default.currentDirectoryPath
  @Option(help: "The promptdrop to measure (default: the one beside this program).") var promptdrop: String?
  @Option(help: "The repository that is built for the part build.") var repository =
    FileManager.default.currentDirectoryPath

  /// What `--only` names.
  private func parts() throws -> [Part] {
    guard let only else { return Part.table }
    if only == "all" { return Part.allCases }
    return try only.split(separator: ",").map { name in
      guard let part = Part(rawValue: String(name)) else {
        throw ValidationError(
          "--only has to name some of \(Part.allCases.map(\.rawValue).joined(separator: ", ")), or all.")
      }
      return part
    }
  }

  func validate() throws {
    _ = try parts()
    guard rounds > 0, files >= 100, drops > 0 else {
      throw ValidationError("--repeat and --drops have to be above 0, --files at least 100.")
    }
  }

  func run() async throws {
    let binary = promptdrop ?? Self.folder + "/promptdrop"
    let bench = Bench(
      program: try Program(binary: binary), reference: try Reference(), tmpfs: tmpfs, disk: disk, counts: self)
    defer { bench.reference.remove() }
    say("\(binary), \(ProcessInfo.processInfo.activeProcessorCount) processors")
    var medians = Medians()
    for round in 1...rounds {
      if rounds > 1 { say("\nrun \(round) of \(rounds)") }
      for part in try parts() {
        let figures = try await bench.measure(part)
        for figure in figures { say(figure.line) }
        medians.add(figures)
      }
    }
    guard rounds > 1 else { return }
    say("\nmedians of \(rounds) runs")
    for line in medians.lines { say(line) }
  }

  /// Where this program is.
  static var folder: String {
    URL(fileURLWithPath: CommandLine.arguments[0]).resolvingSymlinksInPath().deletingLastPathComponent().path
  }
}

/// A number with so many decimals.
func decimal(_ value: Double, _ digits: Int) -> String { String(format: "%.\(digits)f", value) }

/// Prints a line at once: a measurement takes long, and what is known is shown.
func say(_ line: String) { FileHandle.standardOutput.write(Data((line + "\n").utf8)) }
