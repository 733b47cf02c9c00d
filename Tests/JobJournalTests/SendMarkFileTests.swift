import Foundation
import JobCore
import JobJournal
import TestKit
import Testing

/// Marks of what was not sent: a yes must be right, whatever happened to the file; everything else is no.
@Suite struct SendMarkFileTests {
  private let place: TemporaryFolder
  private static let size = 4097 * 64

  init() throws { place = try TemporaryFolder() }

  // Each call is another process: nothing but the file is shared.
  private func open(_ boot: String = "boot-1", in name: String = "state") throws -> SendMarkFile {
    try SendMarkFile(try StateFolder(place.path(name)), bootID: boot)
  }

  @Test func anotherProcessTellsUnsentFromSent() throws {
    let first = try open()
    for id in ["prepared", "sent", "cleared-unsent", "cleared-sent"] { first.prepare(id) }
    #expect(first.willSend("sent") && first.willSend("cleared-sent"))
    first.clear("cleared-sent")
    #expect(!first.wasNotSent("prepared"), "it may still be sent")
    let second = try open()
    #expect(second.wasNotSent("prepared"))
    #expect(!second.wasNotSent("sent") && !second.wasNotSent("cleared-sent") && !second.wasNotSent("never-heard-of"))
    #expect(!second.wasNotSent(""))
  }

  @Test func aThirdProcessStillKnows() throws {
    let first = try open()
    for id in ["a", "b"] { first.prepare(id) }
    _ = first.willSend("b")
    let second = try open()
    second.prepare("c")
    let third = try open()
    #expect(third.wasNotSent("a") && third.wasNotSent("c") && !third.wasNotSent("b"))
  }

  @Test func aPlaceIsUsedAgainAndTellsOfItsNewAttemptOnly() throws {
    let first = try open()
    for round in 0..<20_000 {
      first.prepare("attempt-\(round)")
      if round.isMultiple(of: 2) { #expect(first.willSend("attempt-\(round)")) }
      if round < 19_999 { first.clear("attempt-\(round)") }
    }
    let second = try open()
    #expect(second.wasNotSent("attempt-19999"))
    for round in stride(from: 0, to: 20_000, by: 2) where second.wasNotSent("attempt-\(round)") {
      Issue.record("attempt-\(round) was sent")
    }
  }

  @Test func anotherBootVoidsAll() throws {
    let first = try open()
    first.prepare("a")
    #expect(try !open("boot-2").wasNotSent("a"))
    #expect(try !open("boot-1").wasNotSent("a"), "and for good")
    let last = try open("boot-1")
    last.prepare("b")
    #expect(try open("boot-1").wasNotSent("b"))
  }

  @Test(arguments: [0, 1, 63, 64, 65, 127, 128, 191, size - 64, size - 1])
  func aTruncatedFileProvesNothing(length: Int) throws {
    let first = try open()
    for id in ["a", "b"] { first.prepare(id) }
    #expect(first.willSend("b"))
    #expect(truncate(place.path("state/send-marks"), off_t(length)) == 0)
    let second = try open()
    #expect(!second.wasNotSent("a") && !second.wasNotSent("b"))
    // And it is whole again.
    second.prepare("c")
    #expect(try open().wasNotSent("c"))
  }

  @Test func aMissingFileProvesNothing() throws {
    try open().prepare("a")
    try place.remove("state/send-marks")
    #expect(try !open().wasNotSent("a"))
  }

  /// A byte that goes bad may cost a proof; it never makes one.
  @Test(arguments: SplitMix64.seeds()) func flippedBitsMakeNoProof(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    do {
      let first = try open()
      for number in 0..<4000 {
        first.prepare("sent-\(number)")
        #expect(first.willSend("sent-\(number)"))
      }
    }
    let whole = try place.bytes("state/send-marks")
    #expect(whole.count == Self.size)
    // Only what a proof hangs on: in a mark itself one bit is not enough, `!` and `-` differ in two.
    for round in 0..<60 {
      var bytes = whole
      bytes[Int.random(in: bytes.indices, using: &random)] ^= 1 << UInt8.random(in: 0...7, using: &random)
      try place.write("state/send-marks", bytes: bytes)
      let second = try open()
      for number in 0..<4000 where second.wasNotSent("sent-\(number)") {
        Issue.record("seed \(seed), round \(round): sent-\(number) was sent")
      }
    }
  }

  @Test func strangeIDs() throws {
    let long = String(repeating: "x", count: 56)
    let first = try open()
    for id in [long, long + "y", long + "z", "é漢🐈"] { first.prepare(id) }
    _ = first.willSend(long + "z")
    let second = try open()
    #expect(second.wasNotSent("é漢🐈"))
    #expect(!second.wasNotSent(long + "y") && !second.wasNotSent(long + "z"), "too long for a mark")
  }

  @Test func fiveThousandAtOnce() throws {
    let ids = (0..<5000).map { "attempt-\($0)" }
    let first = try open()
    for id in ids { first.prepare(id) }
    for id in ids.prefix(2500) { #expect(first.willSend(id)) }
    let second = try open()
    for id in ids.prefix(2500) { #expect(!second.wasNotSent(id), "\(id)") }
    #expect(ids.count { second.wasNotSent($0) } == 4096 - 2500, "as many marks as there are places")
    // Room is made by those that are decided.
    for id in ids { first.clear(id) }
    first.prepare("one-more")
    #expect(try open().wasNotSent("one-more"))
  }

  @Test func manyThreads() async throws {
    let marks = try open()
    await withTaskGroup(of: Void.self) { group in
      for worker in 0..<16 {
        group.addTask {
          for number in 0..<400 {
            let id = "\(worker)-\(number)"
            marks.prepare(id)
            if number.isMultiple(of: 2) {
              #expect(marks.willSend(id))
              if number.isMultiple(of: 4) { marks.clear(id) }
            } else if number % 4 == 3 {
              marks.clear(id)
            }
          }
        }
      }
    }
    let later = try open()
    for worker in 0..<16 {
      for number in 0..<400 where number.isMultiple(of: 2) {
        #expect(!later.wasNotSent("\(worker)-\(number)"))
      }
      // 16 × 200 are never cleared: all of them have a place.
      for number in 0..<400 where number % 4 == 1 { #expect(later.wasNotSent("\(worker)-\(number)")) }
    }
  }

  @Test func aFileThatCannotBeOpenedIsReported() throws {
    try place.makeFolder("state/send-marks")
    #expect {
      try open()
    } throws: { error in
      guard case .broken(let why)? = error as? JournalError else { return false }
      return why.contains("send-marks")
    }
  }

  // MARK: a full disk

  @Test(.enabled(if: SmallDisk.mayMount, "needs the right to mount a small file system (root)"))
  func aFullDiskNeverSaysYesWithoutAMark() async throws {
    let place = place
    try await SmallDisk.with(place, size: "1m") {
      let full: JournalError?
      try place.makeFolder("disk/state")
      try SmallDisk.fill(place)
      do {
        _ = try open(in: "disk/state")
        full = nil
      } catch let error as JournalError {
        full = error
      }
      guard case .full? = full else {
        Issue.record("marks on a full disk: \(String(describing: full))")
        return
      }
      try place.remove("disk/ballast")
      let first = try open(in: "disk/state")
      // Its room is its own from the start: a disk that fills up later does not matter.
      try SmallDisk.fill(place)
      for number in 0..<4096 { first.prepare("\(number)") }
      for number in 0..<2000 { #expect(first.willSend("\(number)")) }
      let second = try open(in: "disk/state")
      for number in 0..<4096 { #expect(second.wasNotSent("\(number)") == (number >= 2000)) }
    }
  }

  /// The room is gone all the same: somebody emptied the file. What cannot be marked as sent is not sent.
  @Test(.enabled(if: SmallDisk.mayMount, "needs the right to mount a small file system (root)"))
  func aMarkThatCannotBeWrittenIsANo() async throws {
    let place = place
    try await SmallDisk.with(place, size: "1m") {
      let first = try open(in: "disk/state")
      for number in 0..<100 { first.prepare("\(number)") }
      #expect(first.willSend("0"))
      #expect(truncate(place.path("disk/state/send-marks"), 0) == 0)
      try SmallDisk.fill(place)
      for number in 1..<100 { #expect(!first.willSend("\(number)"), "\(number)") }
      first.prepare("without-a-mark")
      // That one has none, so that it may go: nothing will say that it was not sent.
      _ = first.willSend("without-a-mark")
      try place.remove("disk/ballast")
      let second = try open(in: "disk/state")
      for id in (0..<100).map(String.init) + ["without-a-mark"] { #expect(!second.wasNotSent(id)) }
    }
  }
}
