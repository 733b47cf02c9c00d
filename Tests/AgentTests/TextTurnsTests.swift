import JobCore
import Testing

@testable import Agent

@Suite struct TextTurnsTests {
  private func file(_ name: String) -> FileKey { FileKey(root: RootID(1), path: DropPath(name)) }

  // Asks in order, outside of an expectation: each question changes the turns.
  private func begin(_ turns: inout TextTurns, _ files: [FileKey], _ text: String = "cat") -> [Bool] {
    files.map { turns.begin($0, text: text) }
  }
  private func end(_ turns: inout TextTurns, _ files: [FileKey]) -> Set<FileKey> { Set(turns.end(files)) }

  @Test func theSecondOneWaitsForTheFirst() {
    var turns = TextTurns()
    let (a, b, c) = (file("a"), file("b"), file("c"))
    let answers = begin(&turns, [a, a, b, b])
    #expect(answers == [true, true, false, false])
    let other = begin(&turns, [c], "dog")
    #expect(other == [true])
    let ends = [end(&turns, [c]), end(&turns, [a, b])]
    #expect(ends == [[], [b]])
    let again = begin(&turns, [b])
    #expect(again == [true])
    let last = end(&turns, [b])
    #expect(last.isEmpty)
  }

  @Test func whoHasWaitedOnceGoesWithTheOthers() {
    var turns = TextTurns()
    let files = (0..<10).map { file("\($0)") }
    let (first, rest) = ([files[0]], Array(files.dropFirst()))
    var answers = begin(&turns, files)
    #expect(answers == [true] + rest.map { _ in false })
    var next = end(&turns, files)
    #expect(next == Set(rest))
    answers = begin(&turns, rest + first)
    #expect(answers == rest.map { _ in true } + [false], "a file that is new waits for all of them")
    next = end(&turns, Array(rest.dropLast()))
    #expect(next.isEmpty)
    next = end(&turns, [files[9]])
    #expect(next == Set(first))
    answers = begin(&turns, [files[0], files[1]])
    #expect(answers == [true, false], "its wait is over and forgotten")
  }
}
