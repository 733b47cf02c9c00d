import Foundation
import ProgramKit
import TestKit

/// A Debian 12 with a systemd of its own, in which the built program runs with the libraries that it was built with.
final class Container {
  /// Where a trial puts what it saw: /exchange in the container.
  let exchange: TemporaryFolder
  private let root: TemporaryFolder
  private let folder: String

  /// Why no container can be had here; nil where one can. The first time this takes a minute: the root is made.
  static let missing: String? = {
    guard geteuid() == 0 else { return "only root can start a container" }
    do {
      let folder = try base()
      _ = try run("/usr/bin/systemd-nspawn", nspawn(folder) + ["--private-network", "/bin/true"])
      return nil
    } catch {
      return "\(error)"
    }
  }()

  /// Whether the tests have to run: then a container that cannot be had is a failure. CI sets it.
  static let isRequired = ProcessInfo.processInfo.environment["PROMPTDROP_TEST_SYSTEM"] == "required"

  /// Whether the tests run. Where they do not, a line says why.
  static let isWanted: Bool = {
    guard let missing, !isRequired else { return true }
    print("not run: SystemTests with a real systemd: \(missing)")
    return false
  }()

  /// Copies the root. Throws where there is none.
  init() throws {
    exchange = try TemporaryFolder()
    root = try TemporaryFolder()
    folder = root.path("root")
    _ = try Self.run("/bin/cp", ["-a", "--reflink=auto", try Self.base(), folder])
  }

  /// Adds a file of the container's.
  func write(_ path: String, _ text: String) throws { try root.write("root/\(path)", text) }

  /// Boots, runs the shell script as root in a unit of its own, and returns what it wrote to standard output and standard
  /// error once the container has been switched off. Throws what it said where it does not end.
  func trial(_ script: String, within limit: Duration = .seconds(180)) async throws -> String {
    try exchange.write("trial", script)
    try write(
      "etc/systemd/system/trial.service",
      """
      [Unit]
      After=basic.target
      [Service]
      Type=oneshot
      StandardOutput=file:/exchange/out
      StandardError=inherit
      ExecStart=/bin/sh /exchange/trial
      ExecStopPost=/bin/systemctl --no-block poweroff

      """)
    try root.makeFolder("root/etc/systemd/system/multi-user.target.wants")
    let wanted = folder + "/etc/systemd/system/multi-user.target.wants/trial.service"
    try FileManager.default.createSymbolicLink(atPath: wanted, withDestinationPath: "../trial.service")
    let boot = try ChildProcess(
      "/usr/bin/systemd-nspawn",
      Self.nspawn(folder) + ["--private-network", "--bind=\(exchange.path):/exchange"] + Self.programAndLibraries()
        + ["--boot"])
    try await boot.wait(within: limit)
    guard exchange.exists("out") else {
      throw Trouble("the container said nothing: \(boot.standardOutput) \(boot.standardError)")
    }
    return try exchange.read("out")
  }

  struct Trouble: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
  }

  // No service manager runs outside: the container registers nowhere and makes no unit.
  private static func nspawn(_ folder: String) -> [String] {
    ["--quiet", "--directory=\(folder)", "--register=no", "--keep-unit"]
  }

  /// Where the program is in the container, and where its libraries are.
  static let program = "/opt/promptdrop/promptdrop", libraries = "/opt/promptdrop/lib"

  // What the loader finds here is bound under the same names; the C library is the container's own.
  private static func programAndLibraries() throws -> [String] {
    let own = Fixture.program.hasPrefix("/") ? Fixture.program : ChildProcess.builtProducts + "/" + Fixture.program
    let lines = try run("/usr/bin/ldd", [own]).split(separator: "\n").map { $0.split(separator: " ") }
    let found = lines.filter { $0.count > 2 && $0[1] == "=>" && $0[2].hasPrefix("/") }
      .filter { line in !["libc.so", "libm.so", "ld-linux"].contains { line[0].hasPrefix("\t" + $0) } }
    return ["--bind-ro=\(own):\(program)"]
      + found.map { "--bind-ro=\($0[2]):\(libraries)/\($0[0].drop { $0 == "\t" })" }
  }

  private static func base() throws -> String {
    let script =
      URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().path + "/system-root"
    for tool in ["/usr/sbin/debootstrap", "/usr/bin/systemd-nspawn"] where access(tool, X_OK) != 0 {
      throw Trouble("\(tool) is not installed")
    }
    return try run(script, []).trimmingCharacters(in: .whitespacesAndNewlines)
  }

  private static func run(_ command: String, _ arguments: [String]) throws -> String {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: command)
    process.arguments = arguments
    let (out, errors) = (Pipe(), try TemporaryFolder())
    try errors.write("errors", "")
    process.standardOutput = out
    process.standardError = try FileHandle(forWritingTo: URL(fileURLWithPath: errors.path("errors")))
    process.standardInput = FileHandle.nullDevice
    try process.run()
    let said = String(decoding: out.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    guard process.terminationStatus == 0 else {
      let last = try errors.read("errors").split(separator: "\n").suffix(3).joined(separator: "; ")
      throw Trouble("\(command) ended with \(process.terminationStatus): \(last)")
    }
    return said
  }
}
