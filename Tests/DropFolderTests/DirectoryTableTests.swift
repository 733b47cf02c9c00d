import JobCore
import TestKit
import Testing

@testable import DropFolder

/// Which watch is which folder, whatever was moved.
@Suite struct DirectoryTableTests {
  private func name(_ text: String) -> [UInt8] { Array(text.utf8) }
  private let root = RootID(1)

  private func path(_ table: DirectoryTable, _ watch: Int32) -> String? {
    table.folder(watch).map { "\($0.root.number):\($0.path.display)" }
  }

  /// Root 1 is watch 1; a = 2, a/b = 3, a/b/c = 4, d = 5.
  private func sample() -> DirectoryTable {
    var table = DirectoryTable()
    table.add(root: root, watch: 1)
    for (text, parent, watch) in [("a", 1, 2), ("b", 2, 3), ("c", 3, 4), ("d", 1, 5)] as [(String, Int32, Int32)] {
      #expect(table.add(name(text), in: parent, watch: watch).isEmpty)
    }
    return table
  }

  @Test func pathsAreMadeOfNames() {
    let table = sample()
    #expect((1...6).map { path(table, Int32($0)) } == ["1:", "1:a", "1:a/b", "1:a/b/c", "1:d", nil])
    #expect(table.count == 5)
    #expect(table.watch(of: root) == 1)
    #expect(table.watch(of: RootID(2)) == nil)
    #expect(table.child(name("b"), of: 2) == 3)
    #expect(table.child(name("b"), of: 1) == nil)
  }

  @Test func aMoveTakesEverythingBelowAlong() {
    var table = sample()
    #expect(table.add(name("e"), in: 5, watch: 2).isEmpty)
    #expect([2, 3, 4].map { path(table, $0) } == ["1:d/e", "1:d/e/b", "1:d/e/b/c"])
    #expect(table.child(name("a"), of: 1) == nil)
    #expect(table.child(name("e"), of: 5) == 2)
    #expect(table.count == 5)
  }

  @Test func aMoveToAnotherRoot() {
    var table = sample()
    table.add(root: RootID(2), watch: 9)
    #expect(table.add(name("a"), in: 9, watch: 2).isEmpty)
    #expect([2, 3, 4].map { path(table, $0) } == ["2:a", "2:a/b", "2:a/b/c"])
  }

  @Test func theSameAgainChangesNothing() {
    var table = sample()
    #expect(table.add(name("b"), in: 2, watch: 3).isEmpty)
    #expect(path(table, 4) == "1:a/b/c")
    #expect(table.count == 5)
  }

  @Test func aNewFolderUnderAnOldName() {
    var table = sample()
    #expect(Set(table.add(name("a"), in: 1, watch: 7)) == [2, 3, 4])
    #expect(path(table, 7) == "1:a")
    #expect([2, 3, 4].map { path(table, $0) } == [nil, nil, nil])
    // The kernel's late word about the old one.
    #expect(table.remove(2).isEmpty)
    #expect(path(table, 7) == "1:a")
    #expect(table.child(name("a"), of: 1) == 7)
  }

  // After lost events: a/b was moved out, a deleted, and b is called a now.
  @Test func aFolderTakesThePlaceOfTheOneThatItWasIn() {
    var table = sample()
    let stale = table.add(name("a"), in: 1, watch: 3)
    #expect(stale == [2], "3 is the folder that was found: it goes on being watched")
    #expect(path(table, 3) == "1:a")
    #expect(path(table, 4) == "1:a/c")
    #expect(table.child(name("a"), of: 1) == 3)
    #expect(table.count == 4)
  }

  @Test func removingTakesEverythingBelowAlong() {
    var table = sample()
    #expect(Set(table.remove(2)) == [2, 3, 4])
    #expect(table.count == 2)
    #expect(table.child(name("a"), of: 1) == nil)
    #expect(table.remove(2).isEmpty)
    #expect(Set(table.remove(1)) == [1, 5])
    #expect(table.watch(of: root) == nil)
    #expect(table.count == 0)
  }

  @Test func whatIsTakenOutHasNoPathUntilItIsBack() {
    var table = sample()
    table.takeOut(3)
    #expect([2, 3, 4].map { path(table, $0) } == ["1:a", nil, nil])
    #expect(table.child(name("b"), of: 2) == nil)
    #expect(table.add(name("b"), in: 2, watch: 7).isEmpty, "its name is free")
    #expect(!table.isWithin(2, 3) && table.isWithin(4, 3) && table.isWithin(3, 3) && !table.isWithin(3, 1))
    #expect(table.add(name("x"), in: 5, watch: 3).isEmpty)
    #expect([3, 4, 7].map { path(table, $0) } == ["1:d/x", "1:d/x/c", "1:a/b"])
    table.takeOut(3)
    #expect(Set(table.remove(3)) == [3, 4])
    table.takeOut(1)
    #expect(path(table, 1) == "1:", "a root stays")
  }

  @Test func aFolderBelowNothingIsNothing() {
    var table = sample()
    #expect(table.add(name("x"), in: 99, watch: 8).isEmpty)
    #expect(path(table, 8) == nil)
    #expect(table.count == 5)
  }

  @Test func namesAreBytes() {
    var table = sample()
    #expect(table.add(name("\u{e9}"), in: 1, watch: 6).isEmpty)
    #expect(table.add(name("e\u{301}"), in: 1, watch: 7).isEmpty)
    #expect(table.add([0xff], in: 1, watch: 8).isEmpty)
    #expect(table.folder(8)?.path.bytes == [0xff])
    #expect(table.count == 8)
  }

  // A file system of folders with inodes as watches; every step is told as the kernel would tell it.
  @Test(arguments: SplitMix64.seeds(4)) func randomTreesAgree(_ seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    var table = DirectoryTable()
    var tree: [Int32: (parent: Int32, name: [UInt8])] = [:]
    var next: Int32 = 3
    table.add(root: RootID(1), watch: 1)
    table.add(root: RootID(2), watch: 2)
    func ancestors(_ watch: Int32) -> [Int32] {
      var above: [Int32] = [watch]
      while let parent = above.last.flatMap({ tree[$0]?.parent }) { above.append(parent) }
      return above
    }
    func expected(_ watch: Int32) -> FileKey {
      let line = ancestors(watch).reversed()
      let parts = line.compactMap { tree[$0]?.name }
      return FileKey(
        root: RootID(Int64(line.first ?? 0)), path: parts.reduce(DropPath.root) { $0.appending($1) })
    }
    for step in 1...400 {
      let folders = [1, 2] + tree.keys.sorted()
      let parent = random.one(of: folders)
      let name = [UInt8(ascii: "a") + UInt8(random.next() % 4)]
      let taken = tree.first { $0.value.parent == parent && $0.value.name == name }?.key
      switch Int.random(in: 0..<10, using: &random) {
      case 0..<5:
        if let taken {
          #expect(table.add(name, in: parent, watch: taken).isEmpty, "seed \(seed), step \(step): scanned again")
        } else {
          #expect(table.add(name, in: parent, watch: next).isEmpty, "seed \(seed), step \(step): made")
          tree[next] = (parent, name)
          next += 1
        }
      case 5..<8:
        guard taken == nil, let moved = tree.keys.sorted().randomElement(using: &random),
          !ancestors(parent).contains(moved)
        else { continue }
        #expect(table.add(name, in: parent, watch: moved).isEmpty, "seed \(seed), step \(step): moved")
        tree[moved] = (parent, name)
      default:
        guard random.percent(40), let gone = tree.keys.sorted().randomElement(using: &random) else { continue }
        let below = tree.keys.filter { ancestors($0).contains(gone) }
        #expect(Set(table.remove(gone)) == Set(below), "seed \(seed), step \(step): removed")
        for watch in below { tree[watch] = nil }
      }
      guard table.count == tree.count + 2, tree.keys.allSatisfy({ table.folder($0) == expected($0) }) else {
        Issue.record("seed \(seed), step \(step): the table does not agree with the tree")
        return
      }
      for (watch, place) in tree where table.child(place.name, of: place.parent) != watch {
        Issue.record("seed \(seed), step \(step): \(watch) is not found under its name")
        return
      }
    }
  }
}
