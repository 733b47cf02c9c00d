import JobCore

/// Callbacks that are in the journal and have not been verified.
struct CallbackInbox {
  private struct Progress {
    // How often its task was asked for in vain.
    var tries = 0
    // Whether its task was asked for at once, whatever was wrong with the service.
    var hasAsked = false
    // The slot whose POST has to end first.
    var waitsFor: SlotKey?
  }
  private var open: [Evidence: Progress] = [:]

  /// One came. False: it is a repetition of one that is here.
  mutating func add(_ evidence: Evidence) -> Bool {
    guard !open.keys.contains(where: { $0.secretSHA == evidence.secretSHA && $0.taskID == evidence.taskID }) else {
      return false
    }
    open[evidence] = Progress()
    return true
  }

  /// It is verified, or shown to be nothing.
  mutating func settle(_ evidence: Evidence) { open[evidence] = nil }

  /// It cannot be verified before this slot's POST has ended.
  mutating func wait(_ evidence: Evidence, for slot: SlotKey) { open[evidence]?.waitsFor = slot }

  /// Whether nothing is here.
  var isEmpty: Bool { open.isEmpty }

  /// The slot's POST has ended: those that waited for it.
  mutating func postEnded(_ slot: SlotKey) -> [Evidence] {
    let waiting = open.filter { $0.value.waitsFor == slot }.map(\.key)
    for evidence in waiting { open[evidence]?.waitsFor = nil }
    return waiting
  }

  /// Its task was asked for in vain: how often by now.
  mutating func failed(_ evidence: Evidence) -> Int {
    open[evidence]?.tries += 1
    return open[evidence]?.tries ?? 1
  }

  /// Whether its task was asked for at once.
  func hasAsked(_ evidence: Evidence) -> Bool { open[evidence]?.hasAsked ?? true }

  /// Its task is asked for at once.
  mutating func asks(_ evidence: Evidence) { open[evidence]?.hasAsked = true }
}
