import Foundation
import JobCore

extension Surroundings {
  /// The machine's clocks, chance and ids.
  static func live() -> Surroundings {
    let clock = ContinuousClock()
    let start = clock.now
    let boot: String
    do {
      boot = try String(contentsOfFile: "/proc/sys/kernel/random/boot_id", encoding: .utf8)
        .trimmingCharacters(in: .whitespacesAndNewlines)
    } catch {
      boot = "unknown"  // Without /proc the boot is told by nothing; it only serves to tell boots apart.
    }
    return Surroundings(
      wallClock: { Timestamp(milliseconds: Int64(Date().timeIntervalSince1970 * 1000)) },
      monotonic: { clock.now - start },
      sleep: { try await clock.sleep(until: start + $0) },
      chance: { Double.random(in: 0..<1) },
      newID: { UUID().uuidString.lowercased() },
      bootID: boot)
  }
}
