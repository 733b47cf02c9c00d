import Glibc
import NIOPosix
import Synchronization

/// Threads for the calls on files, which may block.
///
/// Waking a thread costs as much as most of what it is woken for. So a thread that is awake takes one piece of work after the
/// other, and another one is woken only when all that are awake may be held up, or when much has come together: pieces that
/// may take long say so, and a sync counts as long where the last ones were.
final class FileWorkers: Sendable {
  /// How long a piece of work takes.
  enum Kind: Sendable {
    /// Some calls on a local file system, whose changes are heard of: microseconds as a rule.
    case short
    /// The same, with syncs: as long as those take, and shared by what comes meanwhile.
    case syncing
    /// What a file server answers, or what reads or checks a lot.
    case long
  }
  private struct Piece: Sendable {
    let kind: Kind
    let work: @Sendable () -> Void
  }
  private struct State {
    var waiting: [Piece] = []
    // The first of them is here: what is before it has been taken.
    var next = 0
    var awake = 0
    // Those of them that may be held up.
    var heldUp = 0

    var count: Int { waiting.count - next }

    // Whether another thread is to be woken; it counts as awake from now on.
    mutating func wakes(atMost most: Int) -> Bool {
      guard count > 0, awake < most, awake <= heldUp || count > FileWorkers.muchWork * (awake - heldUp) else {
        return false
      }
      awake += 1
      return true
    }

    mutating func take() -> Piece? {
      guard count > 0 else { return nil }
      let piece = waiting[next]
      next += 1
      if next == waiting.count {
        (waiting, next) = ([], 0)
      } else if next > 256, next * 2 > waiting.count {
        waiting.removeFirst(next)
        next = 0
      }
      return piece
    }
  }
  // As many pieces as wait for each thread that is not held up.
  private static let muchWork = 16
  private static let slowSync: Duration = .microseconds(200)

  private let pool: NIOThreadPool
  private let state = Mutex(State())
  private let syncsAreSlow = Atomic<Bool>(true)

  /// Takes threads that run.
  init(_ pool: NIOThreadPool) { self.pool = pool }

  /// Whether such a piece of work is done where it is asked for: handing it to another thread would cost more than the work.
  /// Only the event loop asks, which has nothing else to do in these microseconds that could be done sooner elsewhere.
  func areNotNeeded(for kind: Kind) -> Bool { kind == .short }

  /// Does a piece of work on one of the threads, soon.
  func submit(_ kind: Kind, _ work: @escaping @Sendable () -> Void) {
    let wakes = state.withLock { state in
      state.waiting.append(Piece(kind: kind, work: work))
      return state.wakes(atMost: pool.numberOfThreads)
    }
    if wakes { wake() }
  }

  /// Does what may hold the calling thread up, as a part of a short piece of work.
  func holdingUp<T, E: Error>(_ body: () throws(E) -> T) throws(E) -> T {
    begin()
    defer { state.withLock { $0.heldUp -= 1 } }
    return try body()
  }

  /// A sync, as a part of a short piece of work.
  func syncing<T, E: Error>(_ body: () throws(E) -> T) throws(E) -> T {
    let start = ContinuousClock.now
    defer { syncsAreSlow.store(.now - start > Self.slowSync, ordering: .relaxed) }
    return syncsAreSlow.load(ordering: .relaxed) ? try holdingUp(body) : try body()
  }

  private func begin() {
    let wakes = state.withLock { state in
      state.heldUp += 1
      return state.wakes(atMost: pool.numberOfThreads)
    }
    if wakes { wake() }
  }

  private func wake() {
    // A pool that shuts down runs it too, so that nobody waits for ever.
    pool.submit { _ in self.work() }
  }

  // A value that only these threads have.
  private static let mark: pthread_key_t = {
    var key = pthread_key_t()
    pthread_key_create(&key, nil)
    return key
  }()

  /// Whether the calling thread is one of these, which may wait.
  static var isWorker: Bool { pthread_getspecific(mark) != nil }

  private func work() {
    pthread_setspecific(Self.mark, UnsafeRawPointer(bitPattern: 1))
    defer { pthread_setspecific(Self.mark, nil) }
    var isHeldUp = false
    while true {
      let (piece, wakes) = state.withLock { state -> (Piece?, Bool) in
        if isHeldUp { state.heldUp -= 1 }
        guard let piece = state.take() else {
          state.awake -= 1
          return (nil, false)
        }
        guard piece.kind == .long else { return (piece, false) }
        state.heldUp += 1
        return (piece, state.wakes(atMost: pool.numberOfThreads))
      }
      guard let piece else { return }
      if wakes { wake() }
      isHeldUp = piece.kind == .long
      piece.work()
    }
  }
}
