import JobCore
import Testing

@testable import Agent

/// What is kept in mind of renames that the kernel told of.
@Suite struct RenamesTests {
  private func key(_ name: String) -> FileKey { FileKey(root: RootID(1), path: DropPath("\(name).prompt")) }

  @Test func aChainEndsAtItsFirstAndLastName() {
    var renames = Renames()
    renames.add(from: key("a"), to: key("b"))
    renames.add(from: key("b"), to: key("c"))
    #expect(renames.former(of: key("c")) == key("a") && renames.former(of: key("b")) == nil)
    #expect(renames.name(of: key("a")) == key("c") && renames.count == 1)
    renames.remove(key("c"))
    #expect(renames.name(of: key("a")) == nil && renames.former(of: key("c")) == nil && renames.count == 0)
  }

  @Test func whatCameFirstFromANameKeepsIt() {
    var renames = Renames()
    renames.add(from: key("a"), to: key("b"))
    // Another file had that name by then.
    renames.add(from: key("a"), to: key("c"))
    #expect(renames.name(of: key("a")) == key("b"))
    renames.remove(key("c"))
    #expect(renames.name(of: key("a")) == key("b"))
    renames.remove(key("b"))
    #expect(renames.name(of: key("a")) == nil)
  }

  @Test func aNameThatAnotherFileTakesIsThatOnes() {
    var renames = Renames()
    renames.add(from: key("a"), to: key("x"))
    renames.add(from: key("b"), to: key("x"))
    #expect(renames.former(of: key("x")) == key("b"))
    #expect(renames.name(of: key("a")) == nil && renames.name(of: key("b")) == key("x"))
  }
}
