import JobCore
import Testing

@Suite struct SettlingTests {
  private typealias Table = Settling<String>
  private let windows = Table.Windows(firstTake: .seconds(1), revision: .seconds(3))
  private let none = Table.Windows(firstTake: .zero, revision: .zero)

  private func stamp(_ size: Int64 = 5, modified: Int64 = 0) -> FileStamp {
    FileStamp(device: 1, inode: 2, size: size, modified: modified, changed: modified)
  }

  private func at(_ milliseconds: Int) -> Duration { .milliseconds(milliseconds) }

  @Test(arguments: [Hint.touched, .closed])
  func eachHintStartsTheWaitAnew(_ hint: Hint) {
    var table = Table(windows: windows)
    table.noticed("a", hint, at: at(0))
    table.noticed("a", hint, at: at(900))
    #expect(table.takeDue(at: at(1899), limit: 10).isEmpty)
    #expect(table.takeDue(at: at(1900), limit: 10) == ["a"])
    #expect(table.takeDue(at: at(9000), limit: 10).isEmpty, "given out once")
    #expect(table.count == 1 && table.contains("a"), "it stays until it is finished")
    table.finished("a")
    #expect(table.count == 0 && !table.contains("a"))
  }

  @Test func whatIsFoundIsLookedAtAtOnce() {
    var table = Table(windows: windows)
    table.noticed("a", .found, at: at(7))
    #expect(table.takeDue(at: at(7), limit: 10) == ["a"])
    #expect(table.observed("a", stamp(), age: at(1000), at: at(7)) == .settled)
    #expect(table.observed("a", stamp(), age: at(999), at: at(7)) == .wait(until: at(1007)))
  }

  @Test func withoutAWindowACloseIsEnough() {
    var table = Table(windows: none)
    table.noticed("a", .closed, at: at(10))
    #expect(table.takeDue(at: at(10), limit: 10) == ["a"])
    #expect(table.observed("a", stamp(), age: .zero, at: at(10)) == .settled)
    table.noticed("b", .touched, at: at(10))
    #expect(table.takeDue(at: at(259), limit: 10).isEmpty)
    #expect(table.takeDue(at: at(260), limit: 10) == ["b"], "the close that did not come")
    #expect(table.observed("b", stamp(), age: at(249), at: at(260)) == .wait(until: at(510)))
  }

  @Test func aCloseEndsTheWaitForOne() {
    var table = Table(windows: none)
    table.noticed("a", .touched, at: at(0))
    table.noticed("a", .closed, at: at(20))
    #expect(table.takeDue(at: at(20), limit: 10) == ["a"])
    table.noticed("a", .touched, at: at(30))
    #expect(table.takeDue(at: at(279), limit: 10).isEmpty)
  }

  @Test func whatWasLongStillNeedsNoSecondLook() {
    var table = Table(windows: windows)
    table.noticed("a", .closed, at: at(0))
    _ = table.takeDue(at: at(1000), limit: 1)
    #expect(table.observed("a", stamp(), age: at(1000), at: at(1000)) == .settled)
  }

  @Test(arguments: [nil, Duration.milliseconds(999), .milliseconds(-5000)])
  func anAgeThatSaysNothingTakesTwoLooks(age: Duration?) {
    var table = Table(windows: windows)
    table.noticed("a", .closed, at: at(0))
    #expect(table.takeDue(at: at(1000), limit: 1) == ["a"])
    #expect(table.observed("a", stamp(), age: age, at: at(1000)) == .wait(until: at(2000)))
    #expect(table.takeDue(at: at(1999), limit: 1).isEmpty)
    #expect(table.takeDue(at: at(2000), limit: 1) == ["a"])
    #expect(table.observed("a", stamp(), age: age, at: at(2000)) == .settled)
  }

  @Test func aStampThatChangesBetweenLooksTakesAnother() {
    var table = Table(windows: windows)
    table.noticed("a", .closed, at: at(0))
    _ = table.takeDue(at: at(1000), limit: 1)
    var now = 1000
    for round in 1...5 {
      #expect(table.observed("a", stamp(Int64(round)), age: nil, at: at(now)) == .wait(until: at(now + 1000)))
      now += 1000
      #expect(table.takeDue(at: at(now), limit: 1) == ["a"])
    }
    #expect(table.observed("a", stamp(5, modified: 1), age: nil, at: at(now)) == .wait(until: at(now + 1000)))
  }

  @Test func aHintForgetsWhatWasSeen() {
    var table = Table(windows: windows)
    table.noticed("a", .closed, at: at(0))
    _ = table.observed("a", stamp(), age: nil, at: at(1000))
    table.noticed("a", .touched, at: at(1500))
    #expect(table.takeDue(at: at(2499), limit: 1).isEmpty, "the earlier place in the queue is stale")
    #expect(table.takeDue(at: at(2500), limit: 1) == ["a"])
    #expect(table.observed("a", stamp(), age: nil, at: at(2500)) == .wait(until: at(3500)))
  }

  @Test func anEarlyLookIsNoProofOfStillness() {
    var table = Table(windows: windows)
    table.noticed("a", .touched, at: at(0))
    _ = table.takeDue(at: at(1000), limit: 1)
    #expect(table.observed("a", stamp(), age: nil, at: at(1000)) == .wait(until: at(2000)))
    table.lookAgain("a", at: at(1050), now: at(1000))
    #expect(table.takeDue(at: at(1050), limit: 1) == ["a"])
    #expect(table.observed("a", stamp(), age: nil, at: at(1050)) != .settled, "still for 50 ms of 1 s")
  }

  @Test func aRevisionWaitsLonger() {
    var table = Table(windows: windows)
    table.noticed("a", .closed, at: at(0))
    _ = table.takeDue(at: at(1000), limit: 1)
    #expect(table.isRevision("a", age: nil, at: at(1000)) == .wait(until: at(3000)))
    #expect(table.takeDue(at: at(2999), limit: 1).isEmpty)
    #expect(table.takeDue(at: at(3000), limit: 1) == ["a"])
    #expect(table.isRevision("a", age: nil, at: at(3000)) == .settled)
    // From now on it is a known file: a hint waits the longer window.
    table.noticed("a", .closed, at: at(3500))
    #expect(table.takeDue(at: at(6499), limit: 1).isEmpty)
    #expect(table.takeDue(at: at(6500), limit: 1) == ["a"])
  }

  @Test func aRevisionsWaitGoesByItsAgeToo() {
    var table = Table(windows: windows)
    table.noticed("a", .found, at: at(0))
    _ = table.takeDue(at: at(0), limit: 1)
    #expect(table.isRevision("a", age: at(2500), at: at(0)) == .wait(until: at(500)))
    #expect(table.isRevision("a", age: at(3000), at: at(0)) == .settled)
    #expect(table.isRevision("a", age: at(-9000), at: at(100)) == .wait(until: at(3000)))
    #expect(table.isRevision("unknown", age: nil, at: at(0)) == .settled)
  }

  @Test func lookingAgainComesAtItsTime() {
    var table = Table(windows: windows)
    table.lookAgain("a", at: at(50), now: at(0))
    #expect(table.nextDue == at(50))
    #expect(table.takeDue(at: at(49), limit: 1).isEmpty)
    #expect(table.takeDue(at: at(50), limit: 1) == ["a"])
    table.lookAgain("a", at: at(80), now: at(50))
    #expect(table.takeDue(at: at(80), limit: 1) == ["a"])
  }

  @Test func takesTheEarliestUpToTheLimit() {
    var table = Table(windows: windows)
    for name in ["a", "b", "c", "d"] { table.noticed(name, .closed, at: at(0)) }
    table.noticed("a", .closed, at: at(1))
    #expect(table.takeDue(at: at(5000), limit: 2) == ["b", "c"])
    #expect(table.takeDue(at: at(5000), limit: 0).isEmpty)
    #expect(table.takeDue(at: at(5000), limit: 9) == ["d", "a"])
  }

  @Test func finishedUnlessSomethingHappened() {
    var table = Table(windows: windows)
    table.noticed("a", .closed, at: at(0))
    table.noticed("b", .closed, at: at(0))
    #expect(table.takeDue(at: at(1000), limit: 9) == ["a", "b"])
    table.noticed("b", .closed, at: at(1001))
    table.finishedUnlessNoticed("a")
    table.finishedUnlessNoticed("b")
    #expect(!table.contains("a") && table.contains("b"))
    #expect(table.takeDue(at: at(2001), limit: 9) == ["b"])
  }

  /// A batch of events is dealt with at one moment: what comes after `takeDue` at that moment came after it.
  @Test func aHintAtTheMomentOfTheTakingIsNotLost() {
    var table = Table(windows: none)
    table.noticed("a", .closed, at: at(0))
    #expect(table.takeDue(at: at(5), limit: 9) == ["a"])
    table.noticed("a", .closed, at: at(5))
    table.finishedUnlessNoticed("a")
    #expect(table.contains("a"))
  }

  @Test func nothingIsDueWhenNothingWaits() {
    var table = Table(windows: windows)
    #expect(table.nextDue == nil)
    table.noticed("a", .closed, at: at(0))
    #expect(table.nextDue == at(1000))
    table.finished("a")
    #expect(table.nextDue == nil, "documented: nil when none waits")
  }

  @Test func aBusyWriterCostsNoMemory() throws {
    var table = Table(windows: windows)
    var most = 0
    for turn in 0..<100_000 {
      table.noticed("a", .touched, at: .microseconds(turn))
      if turn % 97 == 0 { most = max(most, try places(table)) }
    }
    #expect(most > 0 && most <= 128, "\(most) places for one file")
    #expect(table.count == 1)
    #expect(table.takeDue(at: .microseconds(99_999) + at(999), limit: 9).isEmpty)
    #expect(table.takeDue(at: .microseconds(99_999) + at(1000), limit: 9) == ["a"])
  }

  private func places(_ table: Table) throws -> Int {
    let heap = Mirror(reflecting: table).children.compactMap { $0.value as? DueHeap<String> }.first
    return try #require(heap).count
  }
}
