import Agent
import ArgumentParser
import Glibc
import SandboxServer

/// `promptdrop demo`
struct Demo: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "See it work: sandbox and agent in one process, on a fresh folder with a few prompts.")

  @Option(help: "The folder to make (default: promptdrop-demo, or promptdrop-demo-2, …).") var folder: String?

  func run() async throws {
    let place = try DemoFolder.make(folder)
    var options = SandboxOptions()
    options.statusDelay = .seconds(2)
    let sandbox = Sandbox(options)
    try await SandboxCommand.start(sandbox, port: options.port)
    Output.print("The sandbox listens on \(sandbox.baseURL); nothing leaves this machine and nothing is paid.\n")
    Output.print("Dropping \(DemoFolder.samples.count) prompts into \(place.drop)\n\n")
    try place.dropSamples()
    setenv("PROMPTDROP_API_KEY", "dk-demo", 1)
    let run = AgentRun(
      configuration: try Configuration(
        flags: [
          "api-url": sandbox.baseURL, "state-dir": place.state, "settle": "200ms", "poll-first": "300ms",
          "poll-min": "200ms", "log-level": "info",
        ], file: nil, systemFile: nil, environment: [:]),
      roots: [place.drop], mode: .once, onceTimeout: .seconds(120))
    do {
      _ = try await run.run()
    } catch let refusal as Assembly.Refusal {
      AgentRun.complain(refusal.message)
      throw ExitCode(refusal.code)
    }
    try await sandbox.stop()
    let problems = place.report()
    for problem in problems { Output.complain("promptdrop demo: \(problem)\n") }
    if !problems.isEmpty { throw ExitCode.failure }
  }
}
