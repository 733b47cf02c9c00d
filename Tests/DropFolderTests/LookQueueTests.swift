import JobCore
import Testing

@testable import DropFolder

@Suite struct LookQueueTests {
  private func look(_ folder: Int32, _ names: Range<Int>) -> Look {
    var look = Look(.folder(folder))
    look.found = names.map { Array("\(100_000 + $0).prompt".utf8) }[...]
    look.hasMore = false
    return look
  }

  // A look that found more than there is room for goes on with what it found; a folder of millions does not fill the memory.
  @Test func whatWasFoundIsKeptUpToALimit() {
    var looks = LookQueue()
    looks.add(look(1, 0..<20_000))
    let first = looks.next()
    #expect(first?.found.count == 16_384 && first?.hasMore == true, "the rest is found by looking again")
    looks.add(look(2, 0..<16_000))
    looks.add(look(3, 0..<1000))
    let third = looks.next()
    #expect(third?.found.count == 384 && third?.hasMore == true, "the limit is that of all together")
    let second = looks.next()
    #expect(second?.found.count == 16_000 && second?.hasMore == false)
    #expect(second?.found.last == Array("115999.prompt".utf8))
    looks.add(look(4, 0..<16_384))
    looks.clear()
    looks.add(look(5, 0..<16_384))
    let fifth = looks.next()
    #expect(fifth?.hasMore == false, "what is cleared counts no more")
    #expect(looks.isEmpty)
  }

  @Test func theLastComesFirst() {
    var looks = LookQueue()
    looks.couldNotTell(in: 7)
    looks.couldNotTell(in: 8)
    looks.forget(8)
    looks.add(Look(.folder(1)))
    #expect(looks.count == 1 && looks.hasUnheard)
    looks.takeUpUnheard()
    #expect(looks.count == 2 && !looks.hasUnheard)
    let places = [looks.next(), looks.next()].compactMap { look in
      if case .folder(let folder)? = look?.place { folder } else { nil }
    }
    #expect(places == [7, 1])
  }
}

@Suite struct ScanTimesTests {
  private let start = ContinuousClock.now

  // What was not heard is found by one look, however often the kernel's queue ran over meanwhile.
  @Test func oneLookForManyOverflows() {
    var times = ScanTimes(every: .zero)
    let first = times.begins(at: start, hasOverflowed: false)
    #expect(first, "it needs no reason")
    for _ in 0..<3 {
      let another = times.begins(at: start + .seconds(1), hasOverflowed: true)
      #expect(!another, "the first is under way")
    }
    times.worked(for: .milliseconds(100))
    times.worked(for: .milliseconds(100))
    let end = start + .seconds(2)
    let ended = times.ended(at: end, pollInterval: .seconds(10))
    #expect(ended.nextPoll == end + .seconds(10) && ended.wasScan)
    #expect(times.nextBegin(hasOverflowed: false) == nil)
    // Ten times as long as it took: looking takes no more than a tenth of the time.
    #expect(times.nextBegin(hasOverflowed: true) == end + .seconds(2))
    let early = times.begins(at: end + .seconds(1), hasOverflowed: true)
    let due = times.begins(at: end + .seconds(2), hasOverflowed: true)
    #expect(!early && due)
    #expect(times.nextBegin(hasOverflowed: true) == nil)
  }

  @Test func whatTakesLongComesSeldom() {
    var times = ScanTimes(every: .seconds(60))
    let first = times.begins(at: start, hasOverflowed: false)
    #expect(first)
    times.worked(for: .seconds(3))
    let whole = times.ended(at: start, pollInterval: .seconds(10))
    #expect(whole.nextPoll == start + .seconds(60) && whole.wasScan)
    #expect(times.nextBegin(hasOverflowed: false) == start + .seconds(300))
    // Not everything, and what that took is not counted for everything.
    times.worked(for: .milliseconds(10))
    let part = times.ended(at: start, pollInterval: .seconds(10))
    #expect(part.nextPoll == start + .seconds(10) && !part.wasScan)
    times.want()
    let wanted = times.begins(at: start, hasOverflowed: false)
    #expect(wanted)
  }
}
