import Foundation

/// A program of the system's that a test needs.
struct Tool: Sendable {
  let path: String

  /// Finds it where programs of administrators lie too; nil where it is not installed.
  static func find(_ name: String) -> Tool? {
    for folder in ["/usr/bin", "/usr/sbin", "/bin", "/sbin", "/usr/local/bin"]
    where access("\(folder)/\(name)", X_OK) == 0 {
      return Tool(path: "\(folder)/\(name)")
    }
    return nil
  }

  /// Runs it, and returns what it says. Throws `Missing` with that when it fails.
  @discardableResult func run(_ arguments: [String]) throws -> String {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: path)
    process.arguments = arguments
    let pipe = Pipe()
    process.standardOutput = pipe
    process.standardError = pipe
    process.standardInput = FileHandle.nullDevice
    try process.run()
    let said = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    guard process.terminationStatus == 0 else {
      throw Missing(description: "\(path) \(arguments.joined(separator: " ")): \(process.terminationStatus)\n\(said)")
    }
    return said
  }
}
