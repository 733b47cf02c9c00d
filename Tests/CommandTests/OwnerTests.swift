import Foundation
import ProgramKit
import TestKit
import Testing

/// A folder that several machines have: only one of them pays.
@Suite(.serialized, .timeLimit(.minutes(2))) struct OwnerTests {
  private func owner(_ bench: Fixture) throws -> String {
    let text = try bench.root.read(".promptdrop.yaml")
    let line = try #require(text.split(separator: "\n").first { $0.hasPrefix("owner:") })
    return line.dropFirst("owner:".count).trimmingCharacters(in: CharacterSet(charactersIn: " \""))
  }

  private func expectNothingIsTaken(_ bench: Fixture, _ agent: ChildProcess) async throws {
    try await eventually(within: .seconds(10), "it says so: \(agent.standardError)") {
      agent.standardError.contains("promptdrop own \(bench.root.path)")
    }
    let status = try await bench.run("status")
    #expect(status.out.contains("takes nothing in \(bench.root.path)"), "\(status)")
    #expect(bench.posts.isEmpty && !bench.root.exists("cat.status.json"))
  }

  @Test func aSyncToolsMark() async throws {
    let bench = try await Fixture(["cat": "a cat"])
    try bench.root.makeFolder(".stfolder")
    let agent = try bench.start("watch")
    try await expectNothingIsTaken(bench, agent)
    let own = try await bench.run("own", [bench.root.path], ["--agent-name": "desk"])
    #expect(own.code == 0, "\(own)")
    #expect(try owner(bench).hasPrefix("desk@"))
    try await bench.waitFor("cat", "done")
    #expect(bench.posts.count == 1)
  }

  // The folder was taken out of the sync tool, whose mark goes with that.
  @Test(arguments: ["one", "one/two"]) func aSyncToolsMarkThatGoes(folder: String) async throws {
    let bench = try await Fixture([:])
    try bench.root.makeFolder("one/two")
    try bench.root.makeFolder("\(folder)/.stfolder")
    try bench.root.write("one/two/cat.prompt", "a cat")
    try bench.root.write("dog.prompt", "a dog")
    let agent = try bench.start("watch")
    try await bench.waitFor("dog", "done")
    try await eventually(within: .seconds(10), "it says so: \(agent.standardError)") {
      agent.standardError.contains("promptdrop own \(bench.root.path)")
    }
    #expect(!bench.root.exists("one/two/cat.status.json"))
    try bench.root.remove("\(folder)/.stfolder")
    try await bench.waitFor("one/two/cat", "done")
    // And it comes back.
    try bench.root.makeFolder("\(folder)/.stfolder")
    try bench.root.write("one/two/cow.prompt", "a cow")
    try bench.root.write("pig.prompt", "a pig")
    try await bench.waitFor("pig", "done")
    #expect(bench.paid.sorted() == ["a cat", "a dog", "a pig"])
  }

  // A sync tool puts an older copy back.
  @Test func aSidecarThatIsSetBackIsPutRight() async throws {
    let bench = try await Fixture(["cat": "a cat", "dog": "a dog"])
    let agent = try bench.start("watch")
    for name in ["cat", "dog"] { try await bench.waitFor(name, "done") }
    // What tells of more than the journal knows is not overwritten.
    let more = try bench.root.read("dog.status.json").replacing(#""state": "done""#, with: #""state": "held""#)
      .replacing(/"revision": 1/, with: #""revision": 2"#)
    try bench.root.writeByRename("dog.status.json", more)
    let older = try bench.root.read("cat.status.json").replacing(#""state": "done""#, with: #""state": "submitted""#)
    try bench.root.writeByRename("cat.status.json", older)
    try await eventually(within: .seconds(30), "it is put right: \(agent.standardError)") {
      try bench.sidecar("cat").state == "done"
    }
    #expect(try bench.root.read("dog.status.json") == more)
    #expect(bench.posts.count == 2)
  }

  @Test func anotherMachinesSidecar() async throws {
    let bench = try await Fixture(["dog": "a dog"])
    #expect(try await bench.once().code == 0)
    let status = try bench.root.read("dog.status.json").replacing(/"owner": "[^"]*"/, with: #""owner": "deadbeef""#)
    try FileManager.default.removeItem(atPath: bench.stateDir)
    try bench.root.write("dog.status.json", status)
    try bench.root.write("cat.prompt", "a cat")
    let before = bench.posts.count
    let agent = try bench.start("watch")
    try await eventually(within: .seconds(10), "it says so: \(agent.standardError)") {
      agent.standardError.contains("promptdrop own \(bench.root.path)")
    }
    #expect(bench.posts.count == before && !bench.root.exists("cat.status.json"))
    #expect(try await bench.run("own", [bench.root.path]).code == 0)
    try await bench.waitFor("cat", "done")
    #expect(bench.paid == ["a dog", "a cat"], "what the other machine has paid for is believed")
  }

  @Test func oneThatArrivesWhileItWatches() async throws {
    let bench = try await Fixture(["dog": "a dog"])
    let agent = try await bench.watch()
    let reported = try await bench.waitFor("dog", "done").text
    let foreign = reported.replacing(/"(owner|id)": "[^"]*"/) { "\"\($0.output.1)\": \"deadbeefdeadbeef\"" }
      .replacing("dog", with: "cow")
    try bench.root.writeByRename("cow.status.json", foreign)
    // The sidecar is looked at before the prompt, which has to come to rest.
    try bench.root.write("cat.prompt", "a cat")
    try await eventually(within: .seconds(10), "it says so: \(agent.standardError)") {
      agent.standardError.contains("promptdrop own \(bench.root.path)") || bench.root.exists("cat.status.json")
    }
    try bench.root.write("late.prompt", "a late one")
    try await eventually(within: .seconds(10), "it says so: \(agent.standardError)") {
      agent.standardError.contains("promptdrop own \(bench.root.path)")
    }
    #expect(!bench.paid.contains("a late one"))
  }

  @Test func theOtherLinesStay() async throws {
    let bench = try await Fixture()
    try bench.root.write(".promptdrop.yaml", "# ours\nmodel: x\nowner: studio\ncount: 2\n")
    #expect(try await bench.run("own", [bench.root.path], ["--agent-name": "desk"]).code == 0)
    let text = try bench.root.read(".promptdrop.yaml")
    #expect(text.hasPrefix("# ours\nmodel: x\nowner: \"desk@") && text.hasSuffix("\ncount: 2\n"), "\(text)")
    try bench.root.write(".promptdrop.yaml", "{model: x}")
    let refused = try await bench.run("own", [bench.root.path])
    #expect(refused.code == 78 && refused.log.contains("owner: "), "\(refused)")
    #expect(try bench.root.read(".promptdrop.yaml") == "{model: x}")
    #expect(try await bench.run("own", [bench.root.path("none")]).code == 66)
  }

  @Test func textsThatChangeTooOftenWait() async throws {
    let bench = try await Fixture(["cat": "cat 1"])
    _ = try await bench.watch(["--burst-limit": "0"])
    for number in 1...5 {
      try bench.root.writeByRename("cat.prompt", "cat \(number)")
      try await eventually(within: .seconds(20), "revision \(number)") {
        guard bench.root.exists("cat.status.json") else { return false }
        let sidecar = try bench.sidecar("cat")
        return sidecar.revision == number && sidecar.state == "done"
      }
    }
    try bench.root.writeByRename("cat.prompt", "cat 6")
    let held = try await bench.waitFor("cat", "held")
    #expect(held.reason == "too-many-revisions" && bench.posts.count == 5)
    #expect(try await bench.run("approve", [bench.root.path("cat.prompt")]).code == 0)
    try await bench.waitFor("cat", "done")
    #expect(bench.posts.count == 6)
  }
}
