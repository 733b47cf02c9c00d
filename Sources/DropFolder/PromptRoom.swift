/// How many more prompts may be reported, and how much room is worth a look for what could not be reported.
struct PromptRoom {
  typealias Instant = ContinuousClock.Instant

  private var left = Int.max
  /// How many prompts were reported.
  private(set) var reported = 0
  // So much room is worth a look.
  private var enough = 1
  private var wasShort = false
  /// Before this, only much room is worth a look.
  private(set) var nextLook: Instant = .now

  // Looks for what there was no room for take no more than a tenth of the time, unless there is room for this many.
  private static let share = 10
  private static let much = 1024

  /// Whether nothing more may be reported.
  var isEmpty: Bool { left <= 0 }
  /// Whether there is so much room that a look is worth while.
  var isEnough: Bool { left >= enough }
  /// How much room is worth a look now.
  var wanted: Int { Instant.now < nextLook ? Self.much : 1 }

  /// The listener has said how many it can hold besides the `known` that had been reported to it then.
  mutating func update(_ room: Int, reported known: Int) {
    left = room == .max ? .max : room - (reported - known)
    enough = wanted
  }

  /// One more is reported. False: there is no room for it.
  mutating func take() -> Bool {
    guard left > 0 else { return false }
    left -= 1
    reported += 1
    return true
  }

  /// A look has found more than there was room for.
  mutating func ranOut() { wasShort = true }

  /// Looks have taken this long.
  mutating func looked(for time: Duration) {
    guard wasShort else { return }
    wasShort = false
    nextLook = .now + time * Self.share
  }
}
