import Foundation
import Glibc

/// A child process whose use of the machine is measured, its own children included.
final class Child {
  let processID: pid_t

  /// Starts a program in a process group of its own. Standard output and error go to nowhere, or to `output`.
  init(_ arguments: [String], environment: [String: String] = [:], output: String = "/dev/null") throws {
    var variables = ProcessInfo.processInfo.environment
    for (name, value) in environment { variables[name] = value }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
    posix_spawn_file_actions_adddup2(&actions, 1, 2)
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    // The thread that starts it blocks signals, and a child would inherit that.
    var none = sigset_t()
    sigemptyset(&none)
    posix_spawnattr_setsigmask(&attributes, &none)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK))
    let argv = arguments.map { strdup($0) } + [nil]
    let envp = variables.map { strdup("\($0.key)=\($0.value)") } + [nil]
    defer { for pointer in argv + envp { free(pointer) } }
    var started: pid_t = 0
    let failure = posix_spawnp(&started, arguments[0], &actions, &attributes, argv, envp)
    guard failure == 0 else { throw BenchError("cannot start \(arguments[0]): \(String(cString: strerror(failure)))") }
    processID = started
  }

  /// Ends the group with a signal and returns the CPU seconds and the peak memory in MB.
  @discardableResult
  func end(_ signal: Int32 = SIGTERM) -> (cpuSeconds: Double, peakMB: Double) {
    // A shell that is killed before it has waited for the other half of its pipe says nothing of what that used.
    let used = groupCPU
    kill(-processID, signal)
    let told = wait()
    return (max(used, told.cpuSeconds), told.peakMB)
  }

  /// Ends what a tracer traces, and waits for the tracer, which then writes down what it has counted.
  func endTraced() throws {
    let list = "/proc/\(processID)/task/\(processID)/children"
    let traced = String(decoding: FileManager.default.contents(atPath: list) ?? Data(), as: UTF8.self)
    guard let first = traced.split(separator: " ").first, let number = pid_t(first) else {
      end()
      throw BenchError("strace traces nothing; may it trace here?")
    }
    kill(number, SIGTERM)
    _ = wait()
  }

  // CPU seconds of all processes of the group and of the children that they have waited for, from /proc.
  private var groupCPU: Double {
    let names: [String]
    do { names = try FileManager.default.contentsOfDirectory(atPath: "/proc") } catch { return 0 }
    return names.compactMap { Int32($0) }.reduce(0) { total, id in
      guard let fields = Self.fields(ofProcess: id), fields.count > 15, Int32(fields[2]) == processID else {
        return total
      }
      let ticks = fields[11...14].compactMap { Double($0) }.reduce(0, +)
      return total + ticks / Double(sysconf(Int32(_SC_CLK_TCK)))
    }
  }

  // The fields of proc(5)'s stat from `state` on: after the name, which may have any character in it.
  private static func fields(ofProcess id: Int32) -> [Substring]? {
    guard let data = FileManager.default.contents(atPath: "/proc/\(id)/stat") else { return nil }
    return String(decoding: data, as: UTF8.self).split(separator: ")").last?.split(separator: " ")
  }

  /// Waits for its end; as `end`.
  func wait() -> (cpuSeconds: Double, peakMB: Double) {
    var status: Int32 = 0
    var usage = rusage()
    while wait4(processID, &status, 0, &usage) < 0 && errno == EINTR {}
    func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }
    return (seconds(usage.ru_utime) + seconds(usage.ru_stime), Double(usage.ru_maxrss) / 1024)
  }

  /// CPU seconds so far of all its threads, to the nanosecond; nil when it has ended.
  var cpu: Double? {
    var clock: clockid_t = 0
    var time = timespec()
    guard clock_getcpuclockid(processID, &clock) == 0, clock_gettime(clock, &time) == 0 else { return nil }
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }

  /// The most memory that it has had so far, in MB; 0 when it has ended.
  var peakMB: Double {
    let text = String(
      decoding: FileManager.default.contents(atPath: "/proc/\(processID)/status") ?? Data(), as: UTF8.self)
    let line = text.split(separator: "\n").first { $0.hasPrefix("VmHWM:") } ?? ""
    return (line.split(separator: " ").dropLast().last.flatMap { Double($0) } ?? 0) / 1024
  }

  /// Returns when it has had nothing to do for so many seconds: its CPU seconds until then.
  @discardableResult
  func rest(for seconds: Double) throws -> Double {
    guard var last = cpu else { throw BenchError("process \(processID) has ended") }
    var quietSince = ContinuousClock.now
    while (ContinuousClock.now - quietSince) / .seconds(1) < seconds {
      usleep(10_000)
      guard let now = cpu else { throw BenchError("process \(processID) has ended") }
      // A timer that looks whether there is something to do is no work.
      if now > last + 0.000_5 { (last, quietSince) = (now, .now) }
    }
    return last
  }
}

/// What keeps a measurement from being made.
struct BenchError: Error, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}
