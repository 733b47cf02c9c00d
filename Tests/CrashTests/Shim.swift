import Foundation
import ProgramKit
import TestKit

/// What a test cannot do without.
struct Missing: Error, CustomStringConvertible {
  let description: String
}

/// The library that kills the program at a call or lets that fail: see `faultshim.h`.
enum Shim {
  private static let library = ChildProcess.builtProducts + "/libFaultShim.so"

  /// What the program has to be started with. `only` are kinds of calls, `prefix` and `suffix` those of paths; calls are
  /// logged to `log`.
  static func environment(
    _ mode: String, only: String = "", prefix: String = "", suffix: String = "", log: String? = nil
  ) throws -> [String: String?] {
    guard access(library, R_OK) == 0 else {
      throw Missing(description: "\(library) is not built: swift build --build-tests")
    }
    return [
      "LD_PRELOAD": library, "PROMPTDROP_TEST_SHIM": mode,
      "PROMPTDROP_TEST_SHIM_PROGRAM": (Fixture.program as NSString).lastPathComponent,
      "PROMPTDROP_TEST_SHIM_ONLY": only, "PROMPTDROP_TEST_SHIM_PREFIX": prefix,
      "PROMPTDROP_TEST_SHIM_SUFFIX": suffix, "PROMPTDROP_TEST_SHIM_LOG": log,
    ]
  }

  /// Kinds of calls that change files, and so can fail.
  static let files = "open,write,fsync,rename,unlink,truncate,allocate,mkdir,link"

  /// A call as it was logged.
  struct Call: CustomStringConvertible, Sendable {
    let number: Int
    let kind: String
    let name: String
    let bytes: Int
    let path: String
    /// The first word that was sent, such as POST.
    let word: String
    /// What it returned; nil where the process did not live to see it.
    var result: Int?
    var description: String { "\(number) \(name) \(path) \(word)" }
  }

  /// A log's calls by their numbers.
  static func calls(_ log: String) -> [Call] {
    var found: [Int: Call] = [:]
    for line in log.split(separator: "\n") {
      let parts = line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
      if parts[0] == "+", parts.count >= 6, let number = Int(parts[1]) {
        found[number] = Call(
          number: number, kind: parts[2], name: parts[3], bytes: Int(parts[4]) ?? 0, path: parts[5],
          word: parts.count > 6 ? parts[6] : "")
      } else if parts[0] == "-", parts.count >= 3, let number = Int(parts[1]) {
        found[number]?.result = Int(parts[2])
      }
    }
    return found.values.sorted { $0.number < $1.number }
  }
}

extension Fixture {
  /// Works the folder off with the shim; returns how that ended and the calls that were made.
  func once(shim mode: String, only: String = "", _ flags: [String: String?] = [:]) async throws
    -> (Outcome, [Shim.Call])
  {
    // Each run has a log of its own.
    let name = "calls-\(UUID().uuidString)"
    let outcome = try await once(
      flags, environment: try Shim.environment(mode, only: only, log: home.path(name)))
    return (outcome, Shim.calls(home.exists(name) ? try home.read(name) : ""))
  }
}
