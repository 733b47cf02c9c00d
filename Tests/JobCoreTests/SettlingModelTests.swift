import JobCore
import TestKit
import Testing

/// `Settling` against a reference that keeps no queue: a dictionary that is searched through each time.
@Suite struct SettlingModelTests {
  @Test(arguments: SplitMix64.seeds(), [0, 200])
  func agreesWithTheReference(seed: UInt64, window: Int) throws {
    var random = SplitMix64(seed: seed)
    let windows = Settling<Int>.Windows(
      firstTake: .milliseconds(window), revision: .milliseconds(window * 2), missingClose: .milliseconds(70))
    var table = Settling<Int>(windows: windows)
    var model = Reference(windows: windows)
    var now = Duration.zero
    for step in 0..<6000 {
      now += random.milliseconds(1...25)
      let key = Int.random(in: 0..<12, using: &random)
      let place: Comment = "seed \(seed), step \(step)"
      switch Int.random(in: 0..<10, using: &random) {
      case 0..<3:
        let hint = random.one(of: [Hint.found, .touched, .closed])
        table.noticed(key, hint, at: now)
        model.noticed(key, hint, now)
      case 3..<6:
        let limit = Int.random(in: 0...4, using: &random)
        try #require(table.takeDue(at: now, limit: limit) == model.takeDue(now, limit), place)
      case 6, 7:
        let size = Int64.random(in: 0...1, using: &random)
        let stamp = FileStamp(device: 1, inode: 1, size: size, modified: 0, changed: 0)
        let age = random.optional { $0.milliseconds(-100...400) }
        // Only what was given out is looked at.
        guard model.entries[key].map({ $0.due == nil }) ?? true else { break }
        try #require(table.observed(key, stamp, age: age, at: now) == model.observed(key, stamp, age, now), place)
        if random.percent(30) {
          try #require(table.isRevision(key, age: age, at: now) == model.isRevision(key, age, now), place)
        }
      case 8:
        let due = now + random.milliseconds(0...300)
        table.lookAgain(key, at: due, now: now)
        model.lookAgain(key, due, now)
      default:
        if random.percent(50) {
          table.finished(key)
          model.entries[key] = nil
        } else {
          table.finishedUnlessNoticed(key)
          if model.entries[key]?.isNoticed == false { model.entries[key] = nil }
        }
      }
      try #require(table.count == model.entries.count, place)
      // A stale place may wake too early, nothing may wake too late.
      if let due = model.nextDue { try #require(table.nextDue.map { $0 <= due } == true, place) }
    }
  }
}

private struct Reference {
  struct Entry {
    var lastChange: Duration
    var due: Duration?
    var window: Duration
    var stillness: Duration
    var seen: FileStamp?
    var turn = 0
    var isNoticed = true
  }
  let windows: Settling<Int>.Windows
  var entries: [Int: Entry] = [:]
  private var turn = 0

  init(windows: Settling<Int>.Windows) { self.windows = windows }

  var nextDue: Duration? { entries.values.compactMap(\.due).min() }

  mutating func noticed(_ key: Int, _ hint: Hint, _ now: Duration) {
    let window = entries[key]?.window ?? windows.firstTake
    let stillness = hint == .closed ? window : max(window, windows.missingClose)
    arm(
      key, Entry(lastChange: now, due: hint == .found ? now : now + stillness, window: window, stillness: stillness))
  }

  mutating func lookAgain(_ key: Int, _ due: Duration, _ now: Duration) {
    var entry = entries[key] ?? Entry(lastChange: now, window: windows.firstTake, stillness: windows.firstTake)
    entry.due = due
    arm(key, entry)
  }

  mutating func takeDue(_ now: Duration, _ limit: Int) -> [Int] {
    let due = entries.filter { $0.value.due.map { $0 <= now } ?? false }
      .sorted { ($0.value.due ?? .zero, $0.value.turn) < ($1.value.due ?? .zero, $1.value.turn) }
      .prefix(limit).map(\.key)
    for key in due {
      entries[key]?.due = nil
      entries[key]?.isNoticed = false
    }
    return due
  }

  mutating func observed(_ key: Int, _ stamp: FileStamp, _ age: Duration?, _ now: Duration) -> Settling<Int>.Verdict {
    guard var entry = entries[key] else { return .settled }
    if let age, age >= .zero, age >= entry.stillness { return .settled }
    if entry.seen == stamp {
      let end = entry.lastChange + entry.stillness
      return now >= end ? .settled : wait(key, entry, until: end)
    }
    entry.seen = stamp
    entry.lastChange = now
    return wait(key, entry, until: now + max(entry.stillness, .milliseconds(5)))
  }

  mutating func isRevision(_ key: Int, _ age: Duration?, _ now: Duration) -> Settling<Int>.Verdict {
    guard var entry = entries[key] else { return .settled }
    entry.window = max(entry.window, windows.revision)
    entry.stillness = max(entry.stillness, entry.window)
    let still = max(now - entry.lastChange, age ?? .zero)
    // Nothing is left to wait for: nothing is altered.
    return still >= entry.window ? .settled : wait(key, entry, until: now + entry.window - still)
  }

  private mutating func wait(_ key: Int, _ entry: Entry, until due: Duration) -> Settling<Int>.Verdict {
    var entry = entry
    entry.due = due
    arm(key, entry)
    return .wait(until: due)
  }

  private mutating func arm(_ key: Int, _ entry: Entry) {
    turn += 1
    entries[key] = entry
    entries[key]?.turn = turn
  }
}
