import JobCore

/// What is due at a time.
enum AgendaItem: Sendable {
  case query(SlotKey, due: Duration)
  case fetch(SlotKey)
  case late(SlotKey, due: Duration)
  case sidecar(JobID)
  case waiting(SlotKey)
  case setBack(JobID)
  case look(FileKey)
  case writer(FileKey, due: Duration)
  case vanished
  case verify(Evidence)
  case backUp
  case liftLimits
}

/// One heap and one alarm for all that is due at a time, so that nothing wakes when nothing is due. Times are monotonic.
final class Timetable {
  private var agenda = DueHeap<AgendaItem>()
  private var turn: UInt64 = 0
  private var clock: ClockWatch
  private var alarm: Task<Void, Never>?
  /// When the alarm rings; nil while none is set.
  private(set) var alarmAt: Duration?

  init(_ clock: ClockWatch) { self.clock = clock }

  /// By how much the wall clock was set since this was last asked; nil: it was not.
  func clockJump(wall: Timestamp, monotonic now: Duration) -> Duration? { clock.jump(wall: wall, monotonic: now) }

  /// When the first thing is due.
  var nextDue: Duration? { agenda.first?.due }

  /// Adds one. What is due at the same time comes in the order of adding.
  func add(_ item: AgendaItem, at due: Duration) {
    turn &+= 1
    agenda.insert(due: due, turn: turn, key: item)
  }

  /// Takes the first away that is due.
  func takeDue(at now: Duration) -> AgendaItem? {
    guard let first = agenda.first, first.due <= now else { return nil }
    return agenda.removeFirst()?.key
  }

  /// Sets the alarm, unless it rings before that anyway: an alarm that rings too early costs one look; replacing it for
  /// every change costs a task each time. `ring`: the task that sleeps until then.
  func setAlarm(at moment: Duration, ring: (Duration) -> Task<Void, Never>) {
    if let alarmAt, alarmAt <= moment { return }
    alarm?.cancel()
    alarmAt = moment
    alarm = ring(moment)
  }

  /// An alarm rang.
  func rang(_ moment: Duration) {
    if alarmAt == moment { alarmAt = nil }
  }

  /// No alarm rings any more.
  func stop() {
    alarm?.cancel()
    alarmAt = nil
  }
}
