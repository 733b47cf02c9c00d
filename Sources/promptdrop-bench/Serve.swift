import ArgumentParser
import Foundation
import Glibc
import SandboxServer

/// `promptdrop-bench serve`: the service in a process of its own, so that its CPU is nobody's. It ends with its standard input.
struct Serve: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "The service that the measurements use: no delay, pictures of about 20 KB.", shouldDisplay: false)

  func run() async throws {
    signal(SIGPIPE, SIG_IGN)
    let sandbox = Sandbox(Self.options)
    try await sandbox.start()
    say(sandbox.baseURL)
    while let line = readLine() { _ = line }
    try await sandbox.stop()
  }

  /// A service that costs its client as little as one can.
  static var options: SandboxOptions {
    var options = SandboxOptions()
    options.statusDelay = .zero
    options.imagePool = 16
    options.keepBodies = false
    options.ledgerLimit = 1
    return options
  }
}

/// A running `promptdrop-bench serve`.
struct Service {
  /// Its address.
  let url: String
  private let process = Process()

  /// Starts it and waits until it listens.
  init() throws {
    let (input, output) = (Pipe(), Pipe())
    process.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
    process.arguments = ["serve"]
    process.standardInput = input
    process.standardOutput = output
    try process.run()
    var line = Data()
    while !line.contains(UInt8(ascii: "\n")) {
      let more = output.fileHandleForReading.availableData
      guard !more.isEmpty else { throw BenchError("the service did not start") }
      line += more
    }
    url = String(decoding: line.dropLast(), as: UTF8.self)
    self.input = input
  }

  private let input: Pipe

  /// Ends it.
  func stop() throws {
    try input.fileHandleForWriting.close()
    process.waitUntilExit()
  }
}
