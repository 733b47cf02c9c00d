import ArgumentParser
import Foundation
import Glibc
import NIOCore
import SandboxServer

/// `promptdrop sandbox`
struct SandboxCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sandbox",
    abstract: "The image service, offline, on loopback: for trying things out and for tests.",
    discussion: "A prompt can ask for a fault of its own: [sandbox: task-failed=words].\n\nFaults:\n"
      + Fault.Kind.allCases.map { "  \($0.usage)  \($0.help)" }.joined(separator: "\n"))

  @Option(help: "Port to listen on; 0: any free one.") var port = 8765
  @Option(help: "From submission to the final status.") var delay = "3s"
  @Option(help: "The only key that is accepted (default: any).") var key: String?
  @Option(help: "A fault, KIND[=ARG][:COUNT]; may be given several times.") var fault: [String] = []
  @Option(help: "Serve this many pictures drawn beforehand, instead of one for each prompt.") var pool = 0
  @Flag(help: "Show every request.") var log = false

  /// Starts a sandbox; where its port cannot be had, says why and what to do.
  static func start(_ sandbox: Sandbox, port: Int) async throws {
    do {
      try await sandbox.start()
    } catch let error as IOError {
      let why =
        switch error.errnoCode {
        case EADDRINUSE: "The port is in use, perhaps by another sandbox."
        case EACCES: "Only root may listen on ports below 1024."
        default: String(cString: strerror(error.errnoCode)) + "."
        }
      AgentRun.complain(
        "The sandbox cannot listen on 127.0.0.1:\(port). \(why) Choose another port, such as: promptdrop sandbox --port 0"
      )
      throw ExitCodes.configuration
    }
  }

  func validate() throws {
    guard (0...65_535).contains(port) else { throw ValidationError("--port has to be a number from 0 to 65535.") }
    guard DurationText.parse(delay) != nil else { throw ValidationError("--delay has to be a duration such as 3s.") }
    for text in fault { _ = try Fault(parsing: text) }
  }

  func run() async throws {
    var options = SandboxOptions()
    options.port = port
    options.statusDelay = DurationText.parse(delay) ?? options.statusDelay
    options.apiKey = key
    options.faults = try fault.map { try Fault(parsing: $0) }
    options.imagePool = pool
    options.keepBodies = pool == 0
    if log {
      options.log = { Output.print($0 + "\n") }
    }
    signal(SIGPIPE, SIG_IGN)
    let sandbox = Sandbox(options)
    let signals = await Stopping.signals(HangUp.decide(runsOn: false))
    try await Self.start(sandbox, port: port)
    Output.print("listening on \(sandbox.baseURL)\n")
    for await _ in signals { break }
    try await sandbox.stop()
  }
}
