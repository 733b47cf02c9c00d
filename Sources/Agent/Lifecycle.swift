import JobCore

/// Where an agent is in its life, and when a run that ends by itself is given up. Times are monotonic.
struct Lifecycle {
  private enum Phase {
    /// It does not run: commands are answered for the journal only.
    case idle
    /// What an earlier process left is taken over.
    case starting(deadline: Duration?)
    /// It works.
    case working(deadline: Duration?)
    /// `once`: it is found out how the run ends.
    case concluding
    /// Nothing new begins any more.
    case ending(Ending)
  }
  private var phase = Phase.idle
  /// For how long it works.
  private(set) var mode = AgentMode.watch

  /// How it ends; nil while it does not.
  var ending: Ending? { if case .ending(let ending) = phase { ending } else { nil } }
  /// Whether what an earlier process left is being taken over.
  var isStarting: Bool { if case .starting = phase { true } else { false } }
  /// Whether something new may begin: what an earlier process left was taken over, and with it what keeps others from
  /// beginning.
  var isWorking: Bool {
    switch phase {
    case .working, .concluding: true
    case .idle, .starting, .ending: false
    }
  }
  /// When the run is given up; nil: never, or how it ends is being found out.
  var deadline: Duration? {
    switch phase {
    case .starting(let deadline), .working(let deadline): deadline
    case .idle, .concluding, .ending: nil
    }
  }

  /// A run begins. False: it was stopped before.
  mutating func start(_ mode: AgentMode, deadline: Duration?) -> Bool {
    guard case .idle = phase else { return false }
    self.mode = mode
    phase = .starting(deadline: deadline)
    return true
  }

  /// What an earlier process left is taken over.
  mutating func started() {
    if case .starting(let deadline) = phase { phase = .working(deadline: deadline) }
  }

  /// It is found out how the run ends. False: it is already, or it ends.
  mutating func conclude() -> Bool {
    switch phase {
    case .starting, .working:
      phase = .concluding
      return true
    case .idle, .concluding, .ending: return false
    }
  }

  /// Whether it is being found out how the run ends.
  var isConcluding: Bool { if case .concluding = phase { true } else { false } }

  /// It ends. False: it did already, in another way.
  mutating func end(_ ending: Ending) -> Bool {
    if self.ending != nil { return false }
    phase = .ending(ending)
    return true
  }
}

/// Something that happens once, and those who wait for it.
final class Milestone {
  private var isReached = false
  private var waiting: [CheckedContinuation<Void, Never>] = []

  /// It has happened.
  func reach() {
    isReached = true
    for continuation in waiting { continuation.resume() }
    waiting = []
  }

  /// Returns once it has happened.
  func wait(isolation: isolated (any Actor)? = #isolation) async {
    if !isReached { await withCheckedContinuation { waiting.append($0) } }
  }
}

/// Counts the tasks that an actor has started, so that it can wait until none is left.
final class TaskScope {
  private var running = 0
  private var waiting: CheckedContinuation<Void, Never>?

  /// A task is started.
  func began() { running += 1 }

  /// A task has nothing left to do.
  func ended() {
    running -= 1
    guard running == 0 else { return }
    waiting?.resume()
    waiting = nil
  }

  /// Returns when all have ended, also those that they start meanwhile. For one caller.
  func finish(isolation: isolated (any Actor)? = #isolation) async {
    if running > 0 { await withCheckedContinuation { waiting = $0 } }
  }
}
