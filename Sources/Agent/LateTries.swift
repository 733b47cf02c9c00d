import JobCore

/// Pictures that are late: when each is tried next, and whether pictures arrive at all. Times are monotonic.
struct LateTries {
  /// What has become of the flow of pictures.
  enum News {
    /// None of so many tasks in a row has come: nothing is to be submitted.
    case closed(count: Int)
    /// They arrive again.
    case opened
  }

  private var due: [SlotKey: Duration] = [:]
  private var gate = PictureGate()

  /// Whether nothing is to be submitted.
  var isClosed: Bool { gate.isClosed }
  /// How many tasks in a row have no picture.
  var count: Int { gate.count }

  /// Tasks whose pictures are late, as an earlier process left them.
  mutating func remember(_ missing: [SlotKey]) { gate = PictureGate(missing: missing) }

  /// A picture is tried then, and not at another time that was set before.
  mutating func set(_ slot: SlotKey, at moment: Duration) { due[slot] = moment }

  /// The time has come. False: another time was set meanwhile.
  mutating func isDue(_ slot: SlotKey, _ moment: Duration) -> Bool {
    guard due[slot] == moment else { return false }
    due[slot] = nil
    return true
  }

  /// What a slot has become, as far as its picture is late.
  mutating func moved(from before: Slot, to after: Slot) -> News? {
    switch after.state {
    case .done where before.state.name == .fetching: return gate.arrived() ? .opened : nil
    case .queued, .failed, .cancelled: return gate.gaveUp(after.key) ? .opened : nil
    default:
      guard after.state.isLate, !before.state.isLate, gate.missed(after.key) else { return nil }
      return .closed(count: gate.count)
    }
  }
}
