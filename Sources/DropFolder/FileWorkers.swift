import Glibc
import JobCore
import NIOCore
import Synchronization

/// Threads for the calls on files, which may block.
///
/// Waking a thread costs as much as most of what it is woken for, and threads that are awake fight with the event loop for the
/// processors. So what one turn of the loop asks for is handed over at its end, all at once; one thread does it all, and the
/// loop is woken once for what has come of it. Another thread is woken only where those that are awake may be held up: pieces
/// that may take long say so, and a sync counts as long in a root where the last one was slow, as on a disk. Any other call may
/// hang too, as on a disk that spins up. Nobody says so: work that is not taken for a while tells.
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
    // Of the pieces that wait, those that may take long.
    var long = 0
    // How many pieces have been taken: it stands still while nothing moves.
    var taken = 0
    // Whether the loop looks at whether it does.
    var isWatched = false
    // Rises when all that are awake turn out to be held up; who was awake before that is held up until its piece ends.
    private(set) var epoch: Epoch = 0

    var count: Int { waiting.count - next }

    mutating func add(_ pieces: [Piece]) {
      waiting.append(contentsOf: pieces)
      long += pieces.count { $0.kind == .long }
    }

    // Whether another thread is to be woken, and since when that is awake; it counts as awake from now on. `anyway`: also where
    // few pieces wait.
    mutating func wakes(atMost most: Int, _ load: Load, anyway: Bool = false) -> Epoch? {
      guard count > 0, awake < most else { return nil }
      let working = awake - heldUp
      guard working <= 0 || anyway || count > load.each * working else { return nil }
      awake += 1
      return epoch
    }

    /// Whether the asking thread, which is not held up, is one too many: never where syncs are slow, for it would be woken
    /// again by the next one; and not where a piece waits for it that may hold up the others.
    func isOneTooMany(_ load: Load) -> Bool {
      let others = awake - heldUp - 1
      return !load.syncsAreSlow && others > 0 && long == 0 && count <= load.each * others
    }

    // How many have been taken, where the loop is to look from now on at whether that rises.
    mutating func isToBeWatched() -> Int? {
      guard !isWatched else { return nil }
      isWatched = true
      return taken
    }

    /// None of those that are awake has taken anything for too long.
    mutating func allAreHeldUp() {
      heldUp = awake
      epoch += 1
    }

    // What begins here ends with `ends`, unless all turn out to be held up meanwhile.
    mutating func begins() -> Epoch {
      heldUp += 1
      return epoch
    }

    mutating func ends(_ since: Epoch) { if since == epoch { heldUp -= 1 } }

    // A thread is between two pieces: it is not held up, whatever it was taken for.
    mutating func isFree(_ since: inout Epoch) {
      guard since != epoch else { return }
      heldUp -= 1
      since = epoch
    }

    mutating func take() -> Piece? {
      guard count > 0 else { return nil }
      let piece = waiting[next]
      next += 1
      taken += 1
      if piece.kind == .long { long -= 1 }
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
  private typealias Epoch = Int
  /// How much one thread does before another is woken.
  private struct Load {
    let syncsAreSlow: Bool
    // As many pieces as wait for each thread that is not held up. Where syncs are slow, other calls wait for the disk too, and
    // nobody says so. Where they are fast, one thread is faster than the loop that feeds it, as a rule.
    var each: Int { syncsAreSlow ? 16 : 64 }
  }
  private struct Results {
    var waiting: [Work] = []
    // The loop knows of them.
    var isOnItsWay = false
  }
  private static let mostKept = 256
  // On a tmpfs a sync takes less than a microsecond, on a disk hundreds and more: 0.3 µs and 3,900 µs were measured.
  private static let slowSync: Duration = .microseconds(200)
  // While every thread hangs, the loop looks as many times less often.
  private static let rarely: Int64 = 50
  // As many results as the loop is woken for although there is more to do.
  private static let manyResults = 64

  private let threads: WorkerThreads
  // Whose turns make the batches; nil: each piece goes by itself.
  private let loop: (any EventLoop)?
  // Work that nobody takes for so long waits for threads that are held up.
  private let patience: TimeAmount
  private let batchEnds: Work
  private let state = Mutex(State())
  // What the present turn of the loop has asked for. Only the loop uses it.
  private let turn = Mutex<[Piece]>([])
  private let results = Mutex(Results())
  // Of all syncs, and of those in each root: one disk may be slow and another not.
  private let slowness = Atomic<Int>(Slowness.most)
  private let slownessOfRoots = Mutex<[RootID?: Int]>([:])

  // It rises with each slow sync and falls with each fast one: that a thread lost the processor in one says nothing.
  private enum Slowness {
    static let most = 8
    static func isSlow(_ value: Int) -> Bool { value > 2 }
    static func next(_ value: Int, isSlow: Bool) -> Int { isSlow ? min(value + 2, most) : max(value - 1, 0) }
  }

  /// Takes threads. `loop`: where what is asked for comes from and its results go to, in batches; it also sees to it
  /// that a call that hangs for longer than `patience` stops nothing else. `batchEnds` is called on a thread that has done its
  /// part of a batch, and while it is going on for long.
  init(
    _ threads: WorkerThreads, loop: (any EventLoop)? = nil, patience: TimeAmount = .milliseconds(20),
    batchEnds: @escaping Work = {}
  ) {
    self.threads = threads
    self.loop = loop
    self.patience = patience
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
    let load = load
    let (woken, watches) = state.withLock { state -> (Epoch?, after: Int?) in
      state.add(pieces)
      // The threads that are awake may be a while, and what may take long is nothing that others should wait behind.
      let woken = state.wakes(atMost: threads.most, load, anyway: pieces.contains { $0.kind == .long })
      // A piece that a thread is woken for is taken by that one.
      return (woken, woken == nil || state.count > 1 ? state.isToBeWatched() : nil)
    }
    if let woken { wake(woken) }
    if let watches { watch(after: watches) }
  }

  private var load: Load { Load(syncsAreSlow: Slowness.isSlow(slowness.load(ordering: .relaxed))) }

  // MARK: where a call hangs

  private func watch(after taken: Int, rarely: Bool = false) {
    loop?.scheduleTask(in: rarely ? patience * Self.rarely : patience) { self.look(after: taken) }
  }

  // Nobody looks while nothing waits.
  private func look(after taken: Int) {
    let hasResults = results.withLock { !$0.waiting.isEmpty }
    let (load, most) = (load, threads.most)
    let (now, isStill, woken, areAll) = state.withLock { state -> (Int?, isStill: Bool, Epoch?, areAll: Bool) in
      guard state.count > 0 || hasResults else {
        state.isWatched = false
        return (nil, false, nil, false)
      }
      guard state.taken == taken else { return (state.taken, false, nil, false) }
      let areAll = state.awake == most
      state.allAreHeldUp()
      return (taken, true, state.wakes(atMost: most, load), areAll)
    }
    if isStill { sendResults() }
    if let woken { wake(woken) }
    // Where every thread hangs there is nobody left to wake.
    if let now { watch(after: now, rarely: areAll) }
  }

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
    sendResults()
  }

  private func sendResults() {
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
    let since = begin()
    defer { end(since) }
    return try body()
  }

  /// A sync in a root, nil: in the state folder, as a part of a short piece of work.
  func syncing<T, E: Error>(_ root: RootID?, _ body: () throws(E) -> T) throws(E) -> T {
    let before = slownessOfRoots.withLock { $0[root] ?? Slowness.most }
    let start = ContinuousClock.now
    defer { wasSynced(root, isSlow: .now - start > Self.slowSync) }
    if Slowness.isSlow(before) { return try holdingUp(body) }
    // It was slow not long ago, and may be again.
    if before > 0 { deliver() }
    return try body()
  }

  private func wasSynced(_ root: RootID?, isSlow: Bool) {
    slownessOfRoots.withLock { $0[root] = Slowness.next($0[root] ?? Slowness.most, isSlow: isSlow) }
    // Two threads may lose a step of each other's, which matters to nobody.
    let before = slowness.load(ordering: .relaxed)
    let now = Slowness.next(before, isSlow: isSlow)
    if now != before { slowness.store(now, ordering: .relaxed) }
  }

  private func begin() -> Epoch {
    let load = load
    let (since, woken) = state.withLock { state in
      (state.begins(), state.wakes(atMost: threads.most, load))
    }
    if let woken { wake(woken) }
    return since
  }

  private func end(_ since: Epoch) { state.withLock { $0.ends(since) } }

  private func wake(_ since: Epoch) {
    threads.submit { self.work(since) }
  }

  // A value that only these threads have, and only in pieces that may take long.
  private static let mark: pthread_key_t = {
    var key = pthread_key_t()
    pthread_key_create(&key, nil)
    return key
  }()

  /// Whether the calling thread may wait: it is one of these, and does what may take long.
  static var mayWait: Bool { pthread_getspecific(mark) != nil }

  // `awake`: since when the thread counts as awake.
  private func work(_ awake: Epoch) {
    var awake = awake
    while let piece = take(&awake) {
      if piece.kind == .long {
        deliver()
        let since = begin()
        pthread_setspecific(Self.mark, UnsafeRawPointer(bitPattern: 1))
        piece.work()
        pthread_setspecific(Self.mark, nil)
        end(since)
        deliver()
      } else {
        piece.work()
        // Others may have to wait for the disk now.
        if load.syncsAreSlow { deliver() }
      }
    }
  }

  // Nil: there is nothing left to do, or others do it, and the thread sleeps.
  private func take(_ awake: inout Epoch) -> Piece? {
    if let piece = next(&awake, orSleeps: false) { return piece }
    deliver()
    return next(&awake, orSleeps: true)
  }

  private func next(_ awake: inout Epoch, orSleeps: Bool) -> Piece? {
    let load = load
    let (piece, watches) = state.withLock { state -> (Piece?, after: Int?) in
      state.isFree(&awake)
      if !state.isOneTooMany(load), let piece = state.take() { return (piece, nil) }
      guard orSleeps else { return (nil, nil) }
      state.awake -= 1
      // The others may hang with what is left.
      return (nil, state.count > 0 ? state.isToBeWatched() : nil)
    }
    if let watches { watch(after: watches) }
    return piece
  }
}
