import Glibc
import Synchronization

/// A thread that runs what it is given, one after the other: what waits for the disk waits here, and not on the loop that
/// everything else runs on. While there is nothing to do it sleeps without waking.
final class JournalThread: Sendable {
  private let queue: Queue
  private let thread: pthread_t

  init() {
    queue = Queue()
    let context = Unmanaged.passRetained(queue).toOpaque()
    var made = pthread_t()
    let code = pthread_create(
      &made, nil,
      { context in
        guard let context else { return nil }
        Unmanaged<Queue>.fromOpaque(context).takeRetainedValue().run()
        return nil
      }, context)
    // No memory for a stack: nothing can be done about that.
    precondition(code == 0, "cannot start a thread: \(code)")
    thread = made
  }

  /// Everything that was given is done when this is over.
  deinit {
    queue.end()
    pthread_join(thread, nil)
  }

  /// Runs it when all that was given before is done.
  func run(_ work: @escaping @Sendable () -> Void) { queue.add(work) }

  private final class Queue: Sendable {
    private struct State {
      var work: [@Sendable () -> Void] = []
      var isEnding = false
    }
    private let state = Mutex(State())
    // Semaphores are made to be used by any thread, at the same time; this one is freed when nobody has the queue any more.
    private nonisolated(unsafe) let wake: UnsafeMutablePointer<sem_t>

    init() {
      wake = .allocate(capacity: 1)
      sem_init(wake, 0, 0)
    }

    deinit {
      sem_destroy(wake)
      wake.deallocate()
    }

    func add(_ work: @escaping @Sendable () -> Void) {
      let wasEmpty = state.withLock { state in
        state.work.append(work)
        return state.work.count == 1
      }
      if wasEmpty { sem_post(wake) }
    }

    func end() {
      state.withLock { $0.isEnding = true }
      sem_post(wake)
    }

    func run() {
      while true {
        // A signal may end the wait too early: then there is nothing to do yet.
        while sem_wait(wake) != 0 {}
        let (work, isEnding) = state.withLock { state in
          defer { state.work = [] }
          return (state.work, state.isEnding)
        }
        for work in work { work() }
        if isEnding { return }
      }
    }
  }
}
