import Foundation
import SandboxServer
import Synchronization
import TestKit
import Testing

/// A fresh root, a fresh home and a sandbox of its own: what one run of the program needs. All of it goes with it.
public final class Fixture: Sendable {
  /// The watched folder.
  public let root: TemporaryFolder
  /// What is outside of it: the state, the configuration, the key.
  public let home: TemporaryFolder
  /// The service.
  public let sandbox: Sandbox
  private let children = Mutex<[ChildProcess]>([])

  /// The key that the program is given. The sandbox takes any.
  public static let key = "dk-0123456789abcdef-test"

  /// What everything runs with unless a test says otherwise: no waiting that is not needed.
  public static let flags = [
    "--settle": "0s", "--poll-first": "20ms", "--poll-min": "20ms", "--poll-max": "200ms", "--retry-min": "50ms",
    "--retry-max": "200ms", "--probe-interval": "500ms", "--local-retry": "300ms", "--fetch-patience": "1s",
    "--timeout": "25s",
  ]

  /// Starts the sandbox and writes the prompts: name without extension, and text. `delay` is from submission to the final
  /// status. Throws what making folders, reading faults and listening throw.
  public init(
    _ prompts: [String: String] = [:], faults: [String] = [], delay: Duration = .zero,
    options change: (inout SandboxOptions) -> Void = { _ in }
  ) async throws {
    root = try TemporaryFolder()
    home = try TemporaryFolder()
    var options = SandboxOptions()
    options.statusDelay = delay
    (options.imageWidth, options.imageHeight) = (64, 48)
    options.faults = try faults.map { try Fault(parsing: $0) }
    change(&options)
    sandbox = Sandbox(options)
    try await sandbox.start()
    for (name, text) in prompts { try root.write("\(name).prompt", text) }
  }

  deinit {
    for child in children.withLock({ $0 }) { child.terminate(SIGKILL) }
    let sandbox = sandbox
    Task { try await sandbox.stop() }
  }

  /// The folder of the journal.
  public var stateDir: String { home.path("state") }
  /// The folder of the control sockets: not the machine's, where tests would meet one another and real agents.
  public var runtimeDir: String { home.path("run") }

  /// The program under test: the one that was built beside the tests, unless `PROMPTDROP_TEST_PROGRAM` names another one, such
  /// as a release build.
  public static let program =
    ProcessInfo.processInfo.environment["PROMPTDROP_TEST_PROGRAM"].flatMap { $0.isEmpty ? nil : $0 } ?? "promptdrop"

  /// Starts the program on the root. A flag or variable that is nil is taken away. `wrapper` is a command that
  /// starts the program, such as a tracer: an absolute path and arguments.
  public func start(
    _ command: String, _ flags: [String: String?] = [:], environment: [String: String?] = [:], roots: [String]? = nil,
    through wrapper: [String] = []
  ) throws -> ChildProcess {
    var all: [String: String?] = Self.flags.mapValues { $0 }
    all["--api-url"] = sandbox.baseURL
    all["--state-dir"] = stateDir
    all.merge(flags) { $1 }
    if command != "once" { all["--timeout"] = .some(nil) }
    return try launch([command] + (roots ?? [root.path]), all, environment, through: wrapper)
  }

  /// Runs a command that is given no roots, such as `status` or `resolve`, to its end: its arguments, then the flags. It
  /// is told where the state and the service are, unless those flags are nil. `folder` is where it is run.
  public func run(
    _ command: String, _ arguments: [String] = [], _ flags: [String: String?] = [:],
    environment: [String: String?] = [:], through wrapper: [String] = [], folder: String? = nil
  ) async throws -> Outcome {
    var all: [String: String?] = ["--api-url": sandbox.baseURL, "--state-dir": stateDir]
    all.merge(flags) { $1 }
    return try await end(of: launch([command] + arguments, all, environment, through: wrapper, folder: folder))
  }

  private func launch(
    _ words: [String], _ flags: [String: String?], _ environment: [String: String?], through wrapper: [String],
    folder: String? = nil
  ) throws -> ChildProcess {
    let given = flags.sorted { $0.key < $1.key }.flatMap { flag, value in value.map { [flag, $0] } ?? [] }
    var variables: [String: String?] = [
      "PROMPTDROP_API_KEY": Self.key, "XDG_CONFIG_HOME": home.path("config"), "HOME": home.path, "STATE_DIRECTORY": nil,
      "XDG_STATE_HOME": nil, "CREDENTIALS_DIRECTORY": nil, "JOURNAL_STREAM": nil, "PROMPTDROP_TEST_DIR": nil,
      "PROMPTDROP_TEST_SEED": nil, "HTTPS_PROXY": nil, "https_proxy": nil, "PROMPTDROP_RUNTIME_DIR": runtimeDir,
      "RUNTIME_DIRECTORY": nil, "XDG_RUNTIME_DIR": nil,
    ]
    variables.merge(environment) { $1 }
    let program = Self.program.hasPrefix("/") ? Self.program : ChildProcess.builtProducts + "/" + Self.program
    let whole = wrapper + [program] + words + given
    let child = try ChildProcess(
      whole[0], Array(whole.dropFirst()), environment: variables, folder: folder ?? home.path)
    children.withLock { $0.append(child) }
    return child
  }

  /// Works the folder off, and waits for the end of that.
  public func once(
    _ flags: [String: String?] = [:], environment: [String: String?] = [:], roots: [String]? = nil,
    through wrapper: [String] = []
  ) async throws -> Outcome {
    let child = try start("once", flags, environment: environment, roots: roots, through: wrapper)
    return try await end(of: child)
  }

  /// Starts watching, and returns once it does: when a prompt of its own has been taken note of.
  public func watch(
    _ flags: [String: String?] = [:], environment: [String: String?] = [:], roots: [String]? = nil
  ) async throws -> ChildProcess {
    let child = try start("watch", flags, environment: environment, roots: roots)
    // An empty prompt costs nothing and gets a sidecar: that is the moment.
    try root.write("is-it-there.prompt", "")
    try await eventually(within: .seconds(30), "the agent watches: \(child.standardError)") {
      root.exists("is-it-there.status.json")
    }
    try root.remove("is-it-there.prompt")
    try await eventually(within: .seconds(30), "the agent noticed a deletion: \(child.standardError)") {
      !root.exists("is-it-there.status.json")
    }
    return child
  }

  /// Waits for the end of a child.
  public func end(of child: ChildProcess, within limit: Duration = .seconds(40)) async throws -> Outcome {
    switch try await child.wait(within: limit) {
    case .exited(let code): return Outcome(code: code, out: child.standardOutput, log: child.standardError)
    case .signalled(let signal): return Outcome(code: -signal, out: child.standardOutput, log: child.standardError)
    }
  }

  /// The sidecar of `name.prompt`; throws where there is none.
  public func sidecar(_ name: String) throws -> Sidecar { try Sidecar(try root.bytes("\(name).status.json")) }

  /// Waits until the sidecar of `name.prompt` is in a state.
  @discardableResult
  public func waitFor(
    _ name: String, _ state: String, within limit: Duration = .seconds(30),
    sourceLocation: SourceLocation = #_sourceLocation
  ) async throws -> Sidecar {
    do {
      try await eventually(within: limit, "\(name) is \(state)", sourceLocation: sourceLocation) {
        // It may not be there yet.
        root.exists("\(name).status.json") ? try sidecar(name).state == state : false
      }
    } catch {
      let reported = root.exists("\(name).status.json") ? try sidecar(name).text : "no sidecar"
      let logs = children.withLock { $0.map(\.standardError) }.joined(separator: "---\n")
      Issue.record("\(reported)\n\(logs)", sourceLocation: sourceLocation)
      throw error
    }
    return try sidecar(name)
  }

  /// Every POST that was received in full.
  public var posts: [LedgerEntry] { sandbox.ledger() }
  /// The prompts of the POSTs that were accepted, so paid for.
  public var paid: [String] { posts.filter { $0.taskID != nil }.map { $0.prompt ?? "" } }

  /// Applies a fault from now on.
  public func fault(_ text: String) throws { sandbox.addFault(try Fault(parsing: text)) }

  /// The journal is lost: the README's recovery from a damaged one, without a copy to put in its place.
  public func loseJournal() throws {
    for name in try home.list("state") where name.hasPrefix("journal") { try home.remove("state/\(name)") }
  }

  /// Every name in the root itself.
  public func names() throws -> [String] { try root.list() }
}

/// How a run ended.
public struct Outcome: CustomStringConvertible, Sendable {
  /// The exit code; the number of the signal below zero where one ended it.
  public let code: Int32
  /// Standard output.
  public let out: String
  /// Standard error.
  public let log: String
  /// For a failure's message.
  public var description: String { "exit \(code)\n\(out)\(log)" }
}
