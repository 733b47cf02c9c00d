import Foundation

/// What the machine does not have or does not allow.
struct Missing: Error, CustomStringConvertible {
  let description: String
}

/// The programs of the system's that tests need.
enum Machine {
  /// Finds a program where those of administrators lie too. Throws `Missing`.
  static func tool(_ name: String) throws -> String {
    for folder in ["/usr/bin", "/usr/sbin", "/bin", "/sbin", "/usr/local/bin"]
    where access("\(folder)/\(name)", X_OK) == 0 {
      return "\(folder)/\(name)"
    }
    throw Missing(description: "\(name) is not installed")
  }

  /// Runs a program to its end, and returns what it says. Throws `Missing` with that when it fails.
  @discardableResult static func run(
    _ name: String, _ arguments: [String], environment: [String: String] = [:]
  ) throws -> String {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: try tool(name))
    process.arguments = arguments
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    let pipe = Pipe()
    process.standardOutput = pipe
    process.standardError = pipe
    process.standardInput = FileHandle.nullDevice
    try process.run()
    let said = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    guard process.terminationStatus == 0 else {
      throw Missing(
        description: "\(name) \(arguments.joined(separator: " ")): status \(process.terminationStatus) \(said)")
    }
    return said
  }

  /// Runs a line of shell in a folder; `arguments` are $1 and so on.
  @discardableResult static func shell(_ line: String, in folder: String, _ arguments: [String] = []) throws -> String {
    try run("sh", ["-c", "cd \"$0\" && \(line)", folder] + arguments)
  }

  /// Does what needs the machine's leave. Nil, with a line in the output, where that is not given.
  static func allowed<T>(_ test: String, _ body: () throws -> T) throws -> T? {
    do {
      return try body()
    } catch let missing as Missing {
      // Not every machine lets a test do this; that is no failure, but it is said.
      print("skipped: \(test): \(missing)")
      return nil
    }
  }
}

/// Something of the machine's that a test has changed, with the line of shell that changes it back. A process of its own does
/// that once its input ends: so it is done as well when the test runner dies.
final class Undo: Sendable {
  private let process: Process
  private let input: Pipe

  /// `arguments` are $1 and so on. Throws what starting a process throws.
  init(_ line: String, _ arguments: [String] = []) throws {
    process = Process()
    input = Pipe()
    process.executableURL = URL(fileURLWithPath: try Machine.tool("sh"))
    process.arguments = ["-c", "trap '' INT HUP TERM; read -r _; \(line)", "undo"] + arguments
    process.standardInput = input
    process.standardError = FileHandle.nullDevice
    try process.run()
  }

  deinit { end() }

  /// Changes it back, and returns when that is done. Once is enough.
  func end() {
    // Closed already: it is done.
    try? input.fileHandleForWriting.close()
    process.waitUntilExit()
  }
}
