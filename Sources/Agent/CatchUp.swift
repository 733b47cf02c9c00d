/// Whether everything that stood in the folders at the start was looked at. Where the journal was lost, only the sidecars
/// tell what was spent today, and whose prompts are whose. Times are monotonic.
struct CatchUp {
  // Files that change all the time must not keep the rest waiting for ever.
  private static let longest: Duration = .seconds(60)
  private var isOver = false
  /// When it is given up; nil while nothing waits for it.
  private(set) var deadline: Duration?

  /// Whether it is over; `isSettled`: nothing waits to be looked at.
  mutating func isOver(at now: Duration, isSettled: Bool) -> Bool {
    if isOver { return true }
    let end = deadline ?? now + Self.longest
    isOver = now >= end || isSettled
    deadline = isOver ? nil : end
    return isOver
  }

  /// Whether it was found to be over.
  var wasSeen: Bool { isOver }
}
