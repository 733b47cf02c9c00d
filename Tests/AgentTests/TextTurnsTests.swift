import JobCore
import TestKit
import Testing

@testable import Agent

@Suite struct TextTurnsTests {
  private func file(_ name: String) -> FileKey { FileKey(root: RootID(1), path: DropPath(name)) }
  // Asks in order, outside of an expectation: each question changes the turns.
  private func begin(_ turns: inout TextTurns, _ files: [FileKey], _ text: String = "cat", batch: Int = 1) -> [Bool] {
    files.map { turns.begin($0, text: text, batch: batch) }
  }
  private func end(_ turns: inout TextTurns, _ batch: Int, _ files: [FileKey]) -> Set<FileKey> {
    Set(turns.end(batch: batch, files))
  }

  @Test func theSecondOneWaitsForTheFirst() {
    var turns = TextTurns()
    let (a, b, c) = (file("a"), file("b"), file("c"))
    let answers = begin(&turns, [a, a, b, b])
    #expect(answers == [true, true, false, false])
    let other = begin(&turns, [c], "dog", batch: 2)
    #expect(other == [true])
    turns.isInJournal("cat")
    let ends = [end(&turns, 2, [c]), end(&turns, 1, [a, b])]
    #expect(ends == [[], [b]])
    let again = begin(&turns, [b], batch: 3)
    #expect(again == [true])
    let last = end(&turns, 3, [b])
    #expect(last.isEmpty)
  }

  @Test func whoHasWaitedOnceGoesWithTheOthers() {
    var turns = TextTurns()
    let files = (0..<10).map { file("\($0)") }
    let (first, rest) = ([files[0]], Array(files.dropFirst()))
    var answers = begin(&turns, files)
    #expect(answers == [true] + rest.map { _ in false })
    turns.isInJournal("cat")
    var next = end(&turns, 1, files)
    #expect(next == Set(rest))
    answers = begin(&turns, rest, batch: 2) + begin(&turns, first, batch: 3)
    #expect(answers == rest.map { _ in true } + [false], "a file that is new waits for all of them")
    turns.isInJournal("cat")
    next = end(&turns, 3, first)
    #expect(next.isEmpty)
    next = end(&turns, 2, rest)
    #expect(next == Set(first))
    answers = begin(&turns, [files[0], files[1]], batch: 4)
    #expect(answers == [true, false], "its wait is over and forgotten")
  }

  // It waits for something itself: the next one may still be the first in the journal.
  @Test func whereTheFirstIsNotTakenOneIsNext() {
    var turns = TextTurns()
    let (a, b, c) = (file("a"), file("b"), file("c"))
    _ = begin(&turns, [a, b, c])
    var next = end(&turns, 1, [a, b, c])
    #expect(next == [b])
    var answers = begin(&turns, [c, b], batch: 2)
    #expect(answers == [false, true])
    // It is gone.
    next = end(&turns, 2, [b, c])
    #expect(next == [c])
    next = end(&turns, 3, [c])
    #expect(next.isEmpty)
    answers = begin(&turns, [a], batch: 4)
    #expect(answers == [true], "nobody is left")
  }

  // An event came while its batch was still under way.
  @Test func aFileInTwoBatchesKeepsItsTurn() {
    var turns = TextTurns()
    let (a, b) = (file("a"), file("b"))
    let answers = begin(&turns, [a], batch: 1) + begin(&turns, [a], batch: 2) + begin(&turns, [b], batch: 1)
    #expect(answers == [true, true, false])
    var next = end(&turns, 1, [a, b])
    #expect(next.isEmpty)
    turns.isInJournal("cat")
    next = end(&turns, 2, [a])
    #expect(next == [b])
  }

  // Whatever happens: two have a turn only where the journal has the text, and nobody is forgotten.
  @Test(arguments: SplitMix64.seeds(200)) func random(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    var turns = TextTurns()
    let files = (0..<6).map { file("\($0)") }
    var waiting = Set(files)
    var (batches, isKnown): ([(number: Int, files: [FileKey], began: [FileKey])], Bool) = ([], false)
    var asked = Set<FileKey>()
    for _ in 0..<200 {
      if batches.count < 2, random.percent(60), !waiting.isEmpty {
        let some = waiting.filter { _ in random.percent(60) }.sorted {
          $0.path.bytes.lexicographicallyPrecedes($1.path.bytes)
        }
        guard !some.isEmpty else { continue }
        let number = turns.beginBatch()
        let began = some.filter { turns.begin($0, text: "cat", batch: number) }
        waiting.subtract(some)
        asked.formUnion(Set(some).subtracting(began))
        batches.append((number, some, began))
        let holders = batches.flatMap(\.began)
        if !isKnown { #expect(Set(holders).count <= 1, "seed \(seed)") }
      } else if !batches.isEmpty {
        let batch = batches.remove(at: random.percent(50) ? 0 : batches.count - 1)
        if !batch.began.isEmpty, random.percent(30) { isKnown = true }
        if isKnown { turns.isInJournal("cat") }
        let next = turns.end(batch: batch.number, batch.files)
        #expect(asked.isSuperset(of: next), "seed \(seed)")
        asked.subtract(next)
        waiting.formUnion(next)
        // What was decided on comes again, as after an event.
        waiting.formUnion(batch.began.filter { _ in random.percent(70) })
      }
    }
    for batch in batches {
      let next = turns.end(batch: batch.number, batch.files)
      asked.subtract(next)
      waiting.formUnion(next)
    }
    // Each that has its turn is looked at: in the end nobody waits.
    while !asked.isEmpty, let file = waiting.popFirst() {
      let number = turns.beginBatch()
      _ = turns.begin(file, text: "cat", batch: number)
      for next in turns.end(batch: number, [file]) {
        asked.remove(next)
        waiting.insert(next)
      }
    }
    #expect(asked.isEmpty, "seed \(seed)")
  }
}
