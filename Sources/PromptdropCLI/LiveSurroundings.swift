import Foundation
import JobCore
import NIOCore

extension Surroundings {
  /// The machine's clocks, random numbers and ids. Sleeping is a timer of the event loop.
  static func live(on loop: any EventLoop) -> Surroundings {
    let clock = ContinuousClock()
    let start = clock.now
    let random = RandomSource()
    let wallClock = { @Sendable in Timestamp(milliseconds: Int64(Date().timeIntervalSince1970 * 1000)) }
    let boot: String
    do {
      boot = try String(contentsOfFile: "/proc/sys/kernel/random/boot_id", encoding: .utf8)
        .trimmingCharacters(in: .whitespacesAndNewlines)
    } catch {
      boot = "unknown"  // Without /proc nothing says which boot this is; it only serves to distinguish boots.
    }
    return Surroundings(
      wallClock: wallClock,
      monotonic: { clock.now - start },
      sleep: { moment in
        let wait = max(.zero, moment - (clock.now - start))
        // A year is the longest that an event loop can wait for; what is later is looked at again then.
        let timer = loop.scheduleTask(in: .milliseconds(min(wait, .seconds(31_536_000)).milliseconds + 1)) {}
        try await withTaskCancellationHandler {
          try await timer.futureResult.get()
        } onCancel: {
          timer.cancel()
        }
      },
      jitter: { random.fraction() },
      newID: { random.id(at: wallClock()) },
      newSecret: { random.secret() },
      bootID: boot)
  }
}
