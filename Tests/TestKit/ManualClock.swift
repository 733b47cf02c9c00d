import JobCore
import Synchronization

/// A wall clock and a monotonic clock that move only when told to. Sleepers are resumed when the monotonic time reaches
/// their moment.
public final class ManualClock: Sendable {
  private struct Sleeper {
    let id: UInt64
    let due: Duration
    let continuation: CheckedContinuation<Void, any Error>
  }
  private struct Watcher {
    let count: Int
    let continuation: CheckedContinuation<Void, Never>
  }
  private struct State {
    var wallClock: Timestamp
    var monotonic: Duration
    var nextID: UInt64 = 0
    var sleepers: [Sleeper] = []
    var watchers: [Watcher] = []
  }
  private let state: Mutex<State>

  /// Makes a clock that stands at the moments given; by default 2026-01-31T09:00:00Z and 1,000 s.
  public init(
    wallClock: Timestamp = Timestamp(milliseconds: 1_769_850_000_000), monotonic: Duration = .seconds(1000)
  ) {
    state = Mutex(State(wallClock: wallClock, monotonic: monotonic))
  }

  /// The wall clock.
  public var wallClock: Timestamp { state.withLock { $0.wallClock } }
  /// The monotonic clock.
  public var monotonic: Duration { state.withLock { $0.monotonic } }
  /// How many sleep at present.
  public var sleepers: Int { state.withLock { $0.sleepers.count } }
  /// When the first of them is due; nil when nobody sleeps.
  public var nextDue: Duration? { state.withLock { state in state.sleepers.map(\.due).min() } }

  /// Lets both clocks run on, and resumes the sleepers whose moment has come, the earliest first.
  public func advance(by duration: Duration) {
    precondition(duration >= .zero, "a monotonic clock does not run backwards: jumpWallClock(by:) moves the other one")
    let due = state.withLock { state in
      state.monotonic += duration
      state.wallClock = state.wallClock + duration
      let now = state.monotonic
      let due = state.sleepers.filter { $0.due <= now }.sorted { ($0.due, $0.id) < ($1.due, $1.id) }
      state.sleepers.removeAll { $0.due <= now }
      return due
    }
    for sleeper in due { sleeper.continuation.resume() }
  }

  /// Lets both clocks run on to the moment of the first sleeper and resumes it. False when nobody sleeps.
  @discardableResult
  public func advanceToNextSleeper() -> Bool {
    guard let nextDue else { return false }
    advance(by: max(.zero, nextDue - monotonic))
    return true
  }

  /// Sets the wall clock forwards or back; nobody is resumed, for sleeping goes by the monotonic clock.
  public func jumpWallClock(by duration: Duration) {
    state.withLock { $0.wallClock = $0.wallClock + duration }
  }

  /// Returns once the monotonic clock has reached `due`; throws `CancellationError` when the task is cancelled first.
  public func sleep(until due: Duration) async throws {
    let id = state.withLock { state in
      state.nextID += 1
      return state.nextID
    }
    try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        enter(Sleeper(id: id, due: due, continuation: continuation))
      }
    } onCancel: {
      cancel(id)
    }
  }

  /// Returns once at least `count` sleep: the moment to go on with `advance`.
  public func untilSleeping(_ count: Int = 1) async {
    await withCheckedContinuation { continuation in
      let isThere = state.withLock { state in
        if state.sleepers.count >= count { return true }
        state.watchers.append(Watcher(count: count, continuation: continuation))
        return false
      }
      if isThere { continuation.resume() }
    }
  }

  private enum Entry { case waits, isDue, isCancelled }

  private func enter(_ sleeper: Sleeper) {
    let (entry, watchers) = state.withLock { state -> (Entry, [Watcher]) in
      // The handler has run before this, or it runs after and finds the sleeper.
      if Task.isCancelled { return (.isCancelled, []) }
      if sleeper.due <= state.monotonic { return (.isDue, []) }
      state.sleepers.append(sleeper)
      let count = state.sleepers.count
      let content = state.watchers.filter { $0.count <= count }
      state.watchers.removeAll { $0.count <= count }
      return (.waits, content)
    }
    for watcher in watchers { watcher.continuation.resume() }
    switch entry {
    case .waits: break
    case .isDue: sleeper.continuation.resume()
    case .isCancelled: sleeper.continuation.resume(throwing: CancellationError())
    }
  }

  private func cancel(_ id: UInt64) {
    let sleeper = state.withLock { state -> Sleeper? in
      state.sleepers.firstIndex { $0.id == id }.map { state.sleepers.remove(at: $0) }
    }
    sleeper?.continuation.resume(throwing: CancellationError())
  }
}

extension ManualClock {
  /// Surroundings with this clock, and with chance and ids that follow from the seed: the same run every time, as long as
  /// they are drawn in the same order.
  public func surroundings(seed: UInt64 = 1, bootID: String = "00000000-0000-4000-8000-00000000b007") -> Surroundings {
    let chances = SeededSource(seed: seed)
    let ids = SeededSource(seed: ~seed)
    return Surroundings(
      wallClock: { self.wallClock }, monotonic: { self.monotonic }, sleep: { try await self.sleep(until: $0) },
      jitter: { chances.chance() }, newID: { ids.uuid() },
      newSecret: { (ids.uuid() + ids.uuid()).filter { $0 != "-" }.prefix(43).description }, bootID: bootID)
  }
}

private final class SeededSource: Sendable {
  private let random: Mutex<SplitMix64>
  init(seed: UInt64) { random = Mutex(SplitMix64(seed: seed)) }

  func chance() -> Double { random.withLock { $0.chance() } }

  func uuid() -> String {
    let (high, low) = random.withLock { ($0.next(), $0.next()) }
    func hex(_ value: UInt64, _ width: Int) -> String {
      let digits = String(value, radix: 16)
      return String(repeating: "0", count: width - digits.count) + digits
    }
    return "\(hex(high >> 32, 8))-\(hex(high >> 16 & 0xFFFF, 4))-4\(hex(high & 0xFFF, 3))"
      + "-\(hex(low >> 48 & 0x3FFF | 0x8000, 4))-\(hex(low & 0xFFFF_FFFF_FFFF, 12))"
  }
}
