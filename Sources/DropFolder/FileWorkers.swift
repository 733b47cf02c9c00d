import Glibc
import NIOCore
import NIOPosix
import Synchronization

/// Threads for the calls on files, which may block.
///
/// Waking a thread costs as much as most of what it is woken for, and threads that are awake fight with the event loop for the
/// processors. So what one turn of the loop asks for is handed over at its end, all at once; one thread does it all, and the
/// loop is woken once for what has come of it. Another thread is woken only where those that are awake may be held up: pieces
/// that may take long say so, and a sync counts as long where the last one was slow, as on a disk.
final class FileWorkers: Sendable {
  /// How long a piece of work takes.
  enum Kind: Sendable {
    /// Some calls on a local file system, whose changes are heard of: microseconds as a rule.
    case short
    /// More of them than the loop has time for; or with syncs, which take as long as they take, and are shared by what comes
    /// meanwhile.
    case local
    /// What a file server answers, or what reads or checks a lot.
    case long
  }
  typealias Work = @Sendable () -> Void
  private struct Piece: Sendable {
    let kind: Kind
    let work: Work
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
    mutating func wakes(atMost most: Int, _ muchWork: Int?) -> Bool {
      guard count > 0, awake < most else { return false }
      let working = awake - heldUp
      guard working <= 0 || muchWork.map({ count > $0 * working }) ?? false else { return false }
      awake += 1
      return true
    }

    /// Whether the asking thread, which is not held up, is one too many: never where syncs are slow, for it would be woken
    /// again by the next one.
    func isOneTooMany(_ muchWork: Int?) -> Bool { muchWork == nil && awake - heldUp > 1 }

    mutating func take() -> Piece? {
      guard count > 0 else { return nil }
      let piece = waiting[next]
      next += 1
      if next == waiting.count {
        // The room stays: the next turn fills it again.
        waiting.removeAll(keepingCapacity: next <= FileWorkers.mostKept)
        next = 0
      } else if next > FileWorkers.mostKept, next * 2 > waiting.count {
        waiting.removeFirst(next)
        next = 0
      }
      return piece
    }
  }
  private struct Results {
    var waiting: [Work] = []
    // The loop knows of them.
    var isOnItsWay = false
  }
  private static let mostKept = 256
  // Where syncs are slow, other calls wait for the disk too, and nobody says so: as many pieces as wait for each thread that is
  // not held up. Where they are fast, one thread is faster than the loop that feeds it.
  private static let muchWork = 16
  // On a tmpfs a sync takes less than a microsecond, on a disk hundreds and more: 0.3 µs and 3,900 µs were measured.
  private static let slowSync: Duration = .microseconds(200)
  // As many results as the loop is woken for although there is more to do.
  private static let manyResults = 64

  private let pool: NIOThreadPool
  // Whose turns make the batches; nil: each piece goes by itself.
  private let loop: (any EventLoop)?
  private let batchEnds: Work
  private let state = Mutex(State())
  // What the present turn of the loop has asked for. Only the loop uses it.
  private let turn = Mutex<[Piece]>([])
  private let results = Mutex(Results())
  // Rises with each slow sync, falls with each fast one: that a thread lost the processor in one says nothing.
  private let slowness = Atomic<Int>(mostSlowness)
  private static let mostSlowness = 8

  /// Takes threads that run. `loop`: where what is asked for comes from and its results go to, in batches. `batchEnds` is
  /// called on a thread that has done its part of one, and while it is going on for long.
  init(_ pool: NIOThreadPool, loop: (any EventLoop)? = nil, batchEnds: @escaping Work = {}) {
    self.pool = pool
    self.loop = loop
    self.batchEnds = batchEnds
  }

  /// Whether such a piece of work is done where it is asked for: handing it to another thread would cost more than the work.
  /// Only the event loop asks, which has nothing else to do in these microseconds that could be done sooner elsewhere.
  func areNotNeeded(for kind: Kind) -> Bool { kind == .short }

  // MARK: there

  /// Does a piece of work on one of the threads, soon.
  func submit(_ kind: Kind, _ work: @escaping Work) {
    let piece = Piece(kind: kind, work: work)
    guard let loop, loop.inEventLoop else { return hand([piece]) }
    let isFirst = turn.withLock { turn in
      turn.append(piece)
      return turn.count == 1
    }
    if isFirst { loop.execute { self.endTurn() } }
  }

  private func endTurn() {
    hand(
      turn.withLock { turn in
        defer { turn = [] }
        return turn
      })
  }

  private func hand(_ pieces: [Piece]) {
    let muchWork = muchWork
    let wakes = state.withLock { state in
      state.waiting.append(contentsOf: pieces)
      return state.wakes(atMost: pool.numberOfThreads, muchWork)
    }
    if wakes { wake() }
  }

  private var syncsAreSlow: Bool { slowness.load(ordering: .relaxed) > 2 }
  private var muchWork: Int? { syncsAreSlow ? Self.muchWork : nil }

  // MARK: and back

  /// A piece of work has come to something: `result` is done on the loop, with what else there is by then.
  func finish(_ result: @escaping Work) {
    guard let loop, !loop.inEventLoop else { return result() }
    let isMuch = results.withLock { results in
      results.waiting.append(result)
      return results.waiting.count >= Self.manyResults
    }
    if isMuch { deliver() }
  }

  // Nothing waits for a thread that may be held up, or that goes to sleep.
  private func deliver() {
    batchEnds()
    guard let loop else { return }
    let isNew = results.withLock { results in
      guard !results.waiting.isEmpty, !results.isOnItsWay else { return false }
      results.isOnItsWay = true
      return true
    }
    guard isNew else { return }
    loop.execute {
      let all = self.results.withLock { results in
        defer { results = Results() }
        return results.waiting
      }
      for result in all { result() }
    }
  }

  // MARK: on the threads

  /// Does what may hold the calling thread up, as a part of a short piece of work.
  func holdingUp<T, E: Error>(_ body: () throws(E) -> T) throws(E) -> T {
    deliver()
    begin()
    defer { state.withLock { $0.heldUp -= 1 } }
    return try body()
  }

  /// A sync, as a part of a short piece of work.
  func syncing<T, E: Error>(_ body: () throws(E) -> T) throws(E) -> T {
    let start = ContinuousClock.now
    defer { wasSynced(in: .now - start) }
    return syncsAreSlow ? try holdingUp(body) : try body()
  }

  // Two threads may lose a step of each other's, which matters to nobody.
  private func wasSynced(in time: Duration) {
    let before = slowness.load(ordering: .relaxed)
    let now = time > Self.slowSync ? min(before + 2, Self.mostSlowness) : max(before - 1, 0)
    if now != before { slowness.store(now, ordering: .relaxed) }
  }

  private func begin() {
    let muchWork = muchWork
    let wakes = state.withLock { state in
      state.heldUp += 1
      return state.wakes(atMost: pool.numberOfThreads, muchWork)
    }
    if wakes { wake() }
  }

  private func wake() {
    // A pool that shuts down runs it too, so that nobody waits for ever.
    pool.submit { _ in self.work() }
  }

  // A value that only these threads have, and only in pieces that may take long.
  private static let mark: pthread_key_t = {
    var key = pthread_key_t()
    pthread_key_create(&key, nil)
    return key
  }()

  /// Whether the calling thread may wait: it is one of these, and does what may take long.
  static var mayWait: Bool { pthread_getspecific(mark) != nil }

  private func work() {
    while let piece = take() {
      if piece.kind == .long {
        deliver()
        begin()
        pthread_setspecific(Self.mark, UnsafeRawPointer(bitPattern: 1))
        piece.work()
        pthread_setspecific(Self.mark, nil)
        state.withLock { $0.heldUp -= 1 }
        deliver()
      } else {
        piece.work()
        // Others may have to wait for the disk now.
        if syncsAreSlow { deliver() }
      }
    }
  }

  // Nil: there is nothing left to do, or others do it, and the thread sleeps.
  private func take() -> Piece? {
    let muchWork = muchWork
    func next(_ goesToSleep: Bool) -> Piece? {
      state.withLock { state in
        if !state.isOneTooMany(muchWork), let piece = state.take() { return piece }
        if goesToSleep { state.awake -= 1 }
        return nil
      }
    }
    if let piece = next(false) { return piece }
    deliver()
    return next(true)
  }
}
