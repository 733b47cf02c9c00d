import Testing

/// The model by itself: how often each operation allows a request to be paid for.
@Suite struct WorldTests {
  private let cat = Request(prompt: "a cat", images: [])

  // At rest, with one prompt that was paid for once.
  private func world() -> World {
    var world = World()
    world.put("a cat\n", at: "cat")
    world.rest(paid: [cat: 1])
    return world
  }

  @Test func aNewTextIsPaidForOnce() {
    var world = World()
    world.put("a cat", at: "cat")
    world.put("a cat\n", at: "cat")
    #expect(world.most == [cat: 1] && world.prompts["cat"]?.wanted == cat)
    world.put("", at: "cat")
    #expect(world.most == [cat: 1] && world.prompts["cat"]?.wanted == nil)
  }

  @Test func aRenamedOneIsNotPaidForAgainUnlessItsNameIsTaken() {
    var world = world()
    world.rename("cat", "dog", inOneGo: true)
    #expect(world.most == [cat: 1] && world.remains.isEmpty && world.prompts["dog"]?.paidFor == [cat])
    world.put("another", at: "cat")
    #expect(world.most[cat] == 2 && world.prompts["dog"]?.paidFor == [])
  }

  @Test func aCopyIsPaidForAndARestoredTextIsNot() {
    var world = world()
    world.put("a cat\n", at: "copy", isCopy: true)
    #expect(world.most == [cat: 2])
    world.put("a dog", at: "cat")
    world.put("a cat", at: "cat")
    #expect(world.most[cat] == 2)
  }

  @Test func whatIsDeletedComesBackUnpaidUnderItsName() {
    var world = world()
    world.delete("cat")
    #expect(world.remains["cat"] != nil)
    world.put("a cat", at: "cat")
    #expect(world.most == [cat: 1] && world.remains.isEmpty)
  }

  @Test func whatCameWithItsSidecarIsPaidFor() {
    var world = World()
    world.put("a cat", at: "d1/cat")
    world.rest(paid: [cat: 1])
    world.copyTree("d1", "d2", withSidecars: true)
    #expect(world.most == [cat: 1] && world.byCopiedSidecar == [cat: 1])
    world.copyTree("d1", "d3", withSidecars: false)
    #expect(world.most == [cat: 2] && world.folders == ["", "d1", "d2", "d3"])
  }

  @Test func whatLeavesTheRootMayComeBack() {
    var world = World()
    world.put("a cat", at: "d1/cat")
    world.rest(paid: [cat: 1])
    world.moveOut("d1", isTree: true, as: 7)
    #expect(world.prompts.isEmpty && world.folders == [""])
    world.moveBack(7, "d2")
    #expect(world.most == [cat: 1] && world.prompts["d2/cat"]?.wanted == cat)
  }

  @Test func aListThatComesAsksAndOneThatGoesDoesNot() {
    var world = world()
    world.setList(["https://example.org/1.png"], of: "cat")
    let with = Request(prompt: "a cat", images: ["https://example.org/1.png"])
    #expect(world.most == [cat: 1, with: 1])
    world.setList(nil, of: "cat")
    #expect(world.most == [cat: 1, with: 1] && world.prompts["cat"]?.wanted == with)
  }
}
