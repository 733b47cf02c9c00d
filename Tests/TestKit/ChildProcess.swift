import Foundation
import Synchronization

/// A built executable, run by a test. Its output goes to files and can be read while it runs; it is killed with the value,
/// so that no failing test leaves one behind.
public final class ChildProcess: Sendable {
  /// How a process ended.
  public enum Ending: Hashable, Sendable {
    /// By itself, with this status.
    case exited(Int32)
    /// By this signal.
    case signalled(Int32)
  }

  private let output: TemporaryFolder
  private let life: Life
  private let name: String

  /// Starts `executable`: the name of a product beside the test bundle, or an absolute path.
  ///
  /// The environment is the test's own with `environment` put over it; nil takes a variable away. Standard input is empty.
  public init(
    _ executable: String, _ arguments: [String] = [], environment: [String: String?] = [:], folder: String? = nil
  ) throws {
    let file = executable.hasPrefix("/") ? executable : ChildProcess.builtProducts + "/" + executable
    name = (file as NSString).lastPathComponent
    output = try TemporaryFolder()
    var variables = ProcessInfo.processInfo.environment
    for (name, value) in environment { variables[name] = value }
    let plan = Plan(
      file: file, arguments: arguments, environment: variables.map { "\($0.key)=\($0.value)" }, folder: folder,
      output: output.path("stdout"), errors: output.path("stderr"))
    life = try Life.begin(plan)
  }

  deinit { life.signal(SIGKILL) }

  /// The folder with the built executables: the one that the test bundle is in.
  public static let builtProducts: String = {
    for argument in CommandLine.arguments + [Bundle.main.bundlePath] {
      let parts = argument.split(separator: "/", omittingEmptySubsequences: false)
      if let bundle = parts.firstIndex(where: { $0.hasSuffix(".xctest") }) {
        let folder = parts[..<bundle].joined(separator: "/")
        return URL(fileURLWithPath: folder.isEmpty ? "." : folder).path
      }
    }
    return Bundle.main.bundlePath
  }()

  /// Its process id.
  public var processID: Int32 { life.processID }
  /// How it ended; nil while it runs.
  public var ending: Ending? { life.ending }
  /// What it has written to standard output so far.
  public var standardOutput: String { text("stdout") }
  /// What it has written to standard error so far.
  public var standardError: String { text("stderr") }

  /// Sends a signal, SIGTERM unless another is given. Nothing happens when it has ended.
  public func terminate(_ signal: Int32 = SIGTERM) { life.signal(signal) }

  /// Waits for its end. Throws `DidNotHappen`, with its output so far, when it still runs after `limit`.
  @discardableResult
  public func wait(within limit: Duration = .seconds(10)) async throws -> Ending {
    let ending = try await withThrowingTaskGroup(of: Ending?.self) { group in
      group.addTask { await self.life.end() }
      group.addTask {
        try await Task.sleep(for: limit)
        return nil
      }
      defer { group.cancelAll() }
      return try await group.next() ?? nil
    }
    if let ending { return ending }
    throw DidNotHappen(
      description: "\(name) still runs after \(limit)\nstdout: \(standardOutput)\nstderr: \(standardError)")
  }

  private func text(_ file: String) -> String {
    // Not there: nothing was written.
    (try? output.bytes(file)).map { String(decoding: $0, as: UTF8.self) } ?? ""
  }
}

/// A process from its start to its end. A thread of its own waits for it: no signal handler, nothing shared.
private final class Life: Sendable {
  private struct State {
    var ending: ChildProcess.Ending?
    var waiting: [UInt64: CheckedContinuation<ChildProcess.Ending?, Never>] = [:]
    var nextID: UInt64 = 0
  }
  let processID: pid_t
  private let state = Mutex(State())

  private init(_ processID: pid_t) { self.processID = processID }

  var ending: ChildProcess.Ending? { state.withLock { $0.ending } }

  // The thread that starts the process is the one that waits for it: its end takes the process along (see `Plan`).
  static func begin(_ plan: Plan) throws -> Life {
    let started = Started()
    let thread = Thread {
      let result = Result { Life(try plan.spawn()) }
      started.tell(result)
      if case .success(let life) = result { life.reap() }
    }
    thread.name = "child \(plan.file)"
    thread.start()
    return try started.wait()
  }

  // The process stays a zombie, and its number its own, until the lock is held: `signal` can never hit another process.
  private func reap() {
    var info = siginfo_t()
    while waitid(P_PID, id_t(processID), &info, WEXITED | WNOWAIT) != 0 && errno == EINTR {}
    let (ending, waiting) = state.withLock { state in
      var status: Int32 = 0
      while waitpid(processID, &status, 0) < 0 && errno == EINTR {}
      let ending: ChildProcess.Ending =
        status & 0x7f == 0 ? .exited((status >> 8) & 0xff) : .signalled(status & 0x7f)
      state.ending = ending
      defer { state.waiting = [:] }
      return (ending, state.waiting.values)
    }
    for continuation in waiting { continuation.resume(returning: ending) }
  }

  func signal(_ signal: Int32) {
    state.withLock { state in
      if state.ending == nil { kill(processID, signal) }
    }
  }

  // Nil when the task is cancelled first.
  func end() async -> ChildProcess.Ending? {
    let id = state.withLock { state in
      state.nextID += 1
      return state.nextID
    }
    return await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let known = state.withLock { state -> ChildProcess.Ending?? in
          if let ending = state.ending { return ending }
          if Task.isCancelled { return .some(nil) }
          state.waiting[id] = continuation
          return nil
        }
        if let known { continuation.resume(returning: known) }
      }
    } onCancel: {
      state.withLock { $0.waiting.removeValue(forKey: id) }?.resume(returning: nil)
    }
  }
}

/// How a thread tells that the process has begun.
private final class Started: Sendable {
  private let result = Mutex<Result<Life, any Error>?>(nil)
  private let semaphore = DispatchSemaphore(value: 0)

  func tell(_ reported: Result<Life, any Error>) {
    result.withLock { $0 = reported }
    semaphore.signal()
  }

  func wait() throws -> Life {
    semaphore.wait()
    guard let reported = result.withLock({ $0 }) else { throw DidNotHappen(description: "nothing was told") }
    return try reported.get()
  }
}

/// What to start.
private struct Plan: Sendable {
  var file: String
  var arguments: [String]
  var environment: [String]
  var folder: String?
  var output: String
  var errors: String

  // A test runner that crashes cannot clean up. Where there is util-linux, the kernel does: it kills the process when the
  // thread that started it is gone.
  private static let tied: [String] =
    access("/usr/bin/setpriv", X_OK) == 0 ? ["/usr/bin/setpriv", "--pdeathsig", "KILL", "--"] : []

  func spawn() throws -> pid_t {
    guard access(file, X_OK) == 0 else { throw FileTrouble("cannot start", file) }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT | O_APPEND, 0o644)
    posix_spawn_file_actions_addopen(&actions, 2, errors, O_WRONLY | O_CREAT | O_APPEND, 0o644)
    // Locks and sockets of tests that run at the same time are none of the child's business. Closing what has been closed
    // meanwhile does no harm.
    for name in (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")) ?? [] {
      if let descriptor = Int32(name), descriptor > 2 { posix_spawn_file_actions_addclose(&actions, descriptor) }
    }

    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    // The child begins with every signal unblocked and at its default, whatever the test runner has done to them.
    var none = sigset_t()
    var all = sigset_t()
    sigemptyset(&none)
    sigfillset(&all)
    posix_spawnattr_setsigmask(&attributes, &none)
    posix_spawnattr_setsigdefault(&attributes, &all)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))

    // Changing the folder is no portable part of spawning; the shell replaces itself, so the process id stays.
    let command = Plan.tied + (folder.map { ["/bin/sh", "-c", "cd \"$0\" && exec \"$@\"", $0, file] } ?? [file])
    var processID: pid_t = 0
    let argv = (command + arguments).map { strdup($0) } + [nil]
    let envp = environment.map { strdup($0) } + [nil]
    defer { for text in argv + envp { free(text) } }
    let result = posix_spawn(&processID, command[0], &actions, &attributes, argv, envp)
    guard result == 0 else {
      throw DidNotHappen(description: "cannot start \(file): \(String(cString: strerror(result)))")
    }
    return processID
  }
}
