import CLinux
import Glibc
import Synchronization

/// Threads for calls that may block, in a fixed order: work goes to the first one that is idle, and a thread is made when all
/// before it are busy for the first time. As long as one is enough, there is one, with one processor's caches and one part of
/// the heap; glibc keeps a part of some megabytes for each thread that ever worked.
public final class WorkerThreads: Sendable {
  typealias Work = @Sendable () -> Void

  private let crew: Crew

  /// Takes the most threads that there may be.
  public init(atMost most: Int) { crew = Crew(most) }

  deinit { crew.end() }

  /// The most threads that there may be.
  var most: Int { crew.most }

  /// Has it done by the first thread that is idle, or by the next that is; here, where there are no threads any more, or none
  /// can be made.
  func submit(_ work: @escaping Work) { crew.submit(work) }

  /// Whether none of them does anything.
  var areIdle: Bool { crew.areIdle }

  /// Ends the threads. On return all that was submitted is done.
  public func end() async {
    crew.end()
    await crew.hasEnded()
  }

  // What the threads share; they keep it for as long as they run.
  private final class Crew: Sendable {
    private enum Phase { case unmade, idle, busy }
    private struct Member {
      var phase = Phase.unmade
      // What it was woken for.
      var work: Work?
    }
    private struct State {
      var members: [Member]
      // What came while all were busy.
      var waiting: [Work] = []
      var alive = 0
      var isEnding = false
      var whenEnded: [CheckedContinuation<Void, Never>] = []

      mutating func takeEnded() -> [CheckedContinuation<Void, Never>] {
        guard isEnding, alive == 0 else { return [] }
        defer { whenEnded = [] }
        return whenEnded
      }
    }
    private enum Turn { case nothing, wake(Int), make(Int), here(Work) }
    private enum Next { case work(Work), sleep, leave([CheckedContinuation<Void, Never>]) }

    let most: Int
    private let state: Mutex<State>
    // Semaphores are made to be used by any thread, at the same time; these are freed when nobody has the crew any more.
    private nonisolated(unsafe) let wakes: UnsafeMutablePointer<sem_t>

    init(_ most: Int) {
      self.most = most
      state = Mutex(State(members: Array(repeating: Member(), count: most)))
      wakes = .allocate(capacity: most)
      for index in 0..<most { sem_init(wakes + index, 0, 0) }
    }

    deinit {
      for index in 0..<most { sem_destroy(wakes + index) }
      wakes.deallocate()
    }

    func submit(_ work: @escaping Work) {
      let turn = state.withLock { state -> Turn in
        guard !state.isEnding else { return .here(work) }
        guard let index = state.members.firstIndex(where: { $0.phase != .busy }) else {
          state.waiting.append(work)
          return .nothing
        }
        let isNew = state.members[index].phase == .unmade
        if isNew { state.alive += 1 }
        state.members[index] = Member(phase: .busy, work: work)
        return isNew ? .make(index) : .wake(index)
      }
      take(turn)
    }

    private func take(_ turn: Turn) {
      switch turn {
      case .nothing: return
      case .wake(let index): sem_post(wakes + index)
      case .make(let index): if !make(index) { take(isNotMade(index)) }
      case .here(let work): work()
      }
    }

    private struct Start {
      let crew: Crew
      let index: Int
    }

    private func make(_ index: Int) -> Bool {
      let start = UnsafeMutablePointer<Start>.allocate(capacity: 1)
      start.initialize(to: Start(crew: self, index: index))
      var thread = pthread_t()
      let code = pthread_create(
        &thread, nil,
        { context in
          guard let start = context?.assumingMemoryBound(to: Start.self) else { return nil }
          let (crew, index) = (start.pointee.crew, start.pointee.index)
          start.deinitialize(count: 1)
          start.deallocate()
          pd_name_thread("files-\(index)")
          crew.run(index)
          return nil
        }, start)
      guard code != 0 else {
        pthread_detach(thread)
        return true
      }
      start.deinitialize(count: 1)
      start.deallocate()
      return false
    }

    // There is no memory for another thread now: those that are there do it, or the caller where there are none.
    private func isNotMade(_ index: Int) -> Turn {
      let (turn, ended) = state.withLock { state -> (Turn, [CheckedContinuation<Void, Never>]) in
        let work = state.members[index].work
        state.members[index] = Member()
        state.alive -= 1
        guard let work else { return (.nothing, state.takeEnded()) }
        if let idle = state.members.firstIndex(where: { $0.phase == .idle }) {
          state.members[idle] = Member(phase: .busy, work: work)
          return (.wake(idle), [])
        }
        guard state.alive > 0 else { return (.here(work), state.takeEnded()) }
        state.waiting.append(work)
        return (.nothing, [])
      }
      for continuation in ended { continuation.resume() }
      return turn
    }

    private func run(_ index: Int) {
      while true {
        switch next(index) {
        case .work(let work): work()
        // A signal may end the wait too early: then there is nothing to do yet.
        case .sleep: while sem_wait(wakes + index) != 0 {}
        case .leave(let ended):
          for continuation in ended { continuation.resume() }
          return
        }
      }
    }

    private func next(_ index: Int) -> Next {
      state.withLock { state in
        if let work = state.members[index].work {
          state.members[index].work = nil
          return .work(work)
        }
        if !state.waiting.isEmpty { return .work(state.waiting.removeFirst()) }
        if state.isEnding {
          state.members[index].phase = .unmade
          state.alive -= 1
          return .leave(state.takeEnded())
        }
        state.members[index].phase = .idle
        return .sleep
      }
    }

    var areIdle: Bool { state.withLock { !$0.members.contains { $0.phase == .busy } } }

    func end() {
      state.withLock { $0.isEnding = true }
      for index in 0..<most { sem_post(wakes + index) }
    }

    func hasEnded() async {
      await withCheckedContinuation { continuation in
        let isOver = state.withLock { state in
          if state.alive > 0 { state.whenEnded.append(continuation) }
          return state.alive == 0
        }
        if isOver { continuation.resume() }
      }
    }
  }
}
