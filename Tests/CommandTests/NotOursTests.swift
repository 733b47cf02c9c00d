import Foundation
import ProgramKit
import TestKit
import Testing

/// Folders that are another agent's, or nobody's: nothing is taken there, nothing is written there, and that is said.
@Suite(.serialized, .timeLimit(.minutes(3))) struct NotOursTests {
  /// Why a folder is not this agent's.
  enum Whose: CaseIterable {
    case another, nobodys

    func make(_ bench: Fixture, _ folder: String = "") throws {
      let place = folder.isEmpty ? "" : folder + "/"
      switch self {
      case .another: try bench.root.write("\(place).promptdrop.yaml", "owner: \"studio\"\n")
      case .nobodys: try bench.root.makeFolder("\(place).stfolder")
      }
    }
    var code: Int32 { self == .another ? 0 : 75 }
  }

  /// Everything in the root, with its bytes.
  private func contents(_ bench: Fixture) throws -> [String: [UInt8]] {
    var found: [String: [UInt8]] = [:]
    for name in FileManager.default.enumerator(atPath: bench.root.path)?.compactMap({ $0 as? String }) ?? [] {
      var isFolder: ObjCBool = false
      let isThere = FileManager.default.fileExists(atPath: bench.root.path(name), isDirectory: &isFolder)
      found[name] = isThere && !isFolder.boolValue ? try bench.root.bytes(name) : []
    }
    return found
  }

  @Test(arguments: Whose.allCases) func nothingIsWritten(_ whose: Whose) async throws {
    let bench = try await Fixture([
      "cat": "a cat", "empty": "", "bad": "---\ncolour: red\n---\nbad", "list": "---\nrequire_images: true\n---\nlist",
      "ask": "---\nhold: true\n---\nask", "ref": "---\nimages: [no.png]\n---\nref", "merge": "<<<<<<< HEAD\na\n",
    ])
    try bench.root.write("cat.sync-conflict-20260101-120000-ABCDEFG.prompt", "conflict")
    try bench.root.write("long.prompt", String(repeating: "a", count: 70_000))
    try bench.root.makeFolder("folder.prompt")
    try FileManager.default.createSymbolicLink(
      atPath: bench.root.path("link.prompt"), withDestinationPath: "bad.prompt")
    // What another agent is just writing.
    try bench.root.write(".promptdrop-0badcafe-1.tmp", "half a picture")
    try whose.make(bench)
    let before = try contents(bench)
    let run = try await bench.once()
    #expect(run.code == whose.code && bench.posts.isEmpty, "\(run)")
    #expect(run.log.contains("promptdrop own \(bench.root.path)") && run.log.contains("Nothing is taken in"), "\(run)")
    let status = try await bench.run("status")
    #expect(status.out.contains("takes nothing in \(bench.root.path)") && status.out.contains("promptdrop own"))
    let plan = try await bench.run("plan", [bench.root.path])
    #expect(plan.code == 0 && plan.out.contains("promptdrop own \(bench.root.path)"), "\(plan)")
    try bench.home.makeFolder("own")
    let agent = try bench.start("watch", roots: [bench.root.path, bench.home.path("own")])
    try await eventually(within: .seconds(10), "it says so: \(agent.standardError)") {
      agent.standardError.contains("promptdrop own \(bench.root.path)")
    }
    try bench.root.remove("cat.prompt")
    try bench.root.write("late.prompt", "")
    // Once one that came later is done, it has looked at the others.
    try bench.home.write("own/fox.prompt", "a fox")
    try await eventually(within: .seconds(20), "the fox is done: \(agent.standardError)") {
      bench.home.exists("own/fox.png")
    }
    agent.terminate(SIGTERM)
    _ = try await agent.wait()
    var after = try contents(bench)
    after["late.prompt"] = nil
    let left = before.filter { $0.key != "cat.prompt" }
    let changed = Set(after.keys).union(left.keys).filter { after[$0] != left[$0] }
    #expect(changed.isEmpty, "\(changed): \(agent.standardError)")
  }

  // The folder goes to another agent while a picture is being made: what is paid for is not lost.
  @Test(arguments: Whose.allCases) func aPictureOnItsWay(_ whose: Whose) async throws {
    let bench = try await Fixture([:], delay: .seconds(3))
    try bench.root.write("a/cat.prompt", "a cat")
    let agent = try await bench.watch()
    try await bench.waitFor("a/cat", "submitted")
    try whose.make(bench, "a")
    let sidecar = try bench.root.read("a/cat.status.json")
    try await eventually(within: .seconds(20), "it is kept: \(agent.standardError)") {
      try bench.home.exists("state/kept") && bench.home.list("state/kept").count == 1
    }
    try await eventually(within: .seconds(10), "status says so") {
      let status = try await bench.run("status")
      return status.out.contains("kept  \(bench.stateDir)/kept/cat.") && status.out.contains("promptdrop own")
    }
    #expect(agent.standardError.contains("is kept as \(bench.stateDir)/kept/cat."))
    #expect(try bench.root.list("a").filter { !$0.hasPrefix(".") } == ["cat.prompt", "cat.status.json"])
    #expect(try bench.root.read("a/cat.status.json").contains("\"state\": \"done\"") == false, "\(sidecar)")
    #expect(try await bench.run("own", [bench.root.path("a")]).code == 0)
    let reported = try await bench.waitFor("a/cat", "done")
    #expect(reported.files == ["cat.png"] && bench.root.exists("a/cat.png") && bench.posts.count == 1)
    try await eventually("nothing is kept any more") { try bench.home.list("state/kept").isEmpty }
  }

  @Test func aChangeThatIsNotTakenInTimeIsLeft() async throws {
    let bench = try await Fixture(["cat": "a cat"])
    #expect(try await bench.once().code == 0)
    try bench.root.write("cat.prompt", "another cat")
    let run = try await bench.once(["--settle": nil, "--timeout": "1s"])
    #expect(run.code == 75 && run.log.contains("1 files are left") && bench.posts.count == 1, "\(run)")
    let next = try await bench.once()
    #expect(next.code == 0 && bench.posts.count == 2, "\(next)")
  }

  @Test func whatNeedsTheUserIsNamed() async throws {
    let bench = try await Fixture([
      "cat": "a cat", "bad": "bad [sandbox: submit-status=400]", "ask": "---\nhold: true\n---\nask",
      "doubt": "doubt [sandbox: submit-no-answer]",
    ])
    #expect(try await bench.once().code == 1)
    let again = try await bench.once()
    #expect(again.code == 1, "\(again)")
    for (name, state) in ["bad": "failed", "ask": "held", "doubt": "held"] {
      let sidecar = try bench.sidecar(name)
      let line = "\(state)  \(bench.root.path("\(name).prompt")): \(sidecar.message ?? "?") \(sidecar.hint ?? "?")"
      #expect(again.log.contains(line), "\(line): \(again)")
    }
    #expect(!again.log.contains("cat.prompt"))
  }

  // A folder that is another agent's holds nothing that this one could do.
  @Test func whatIsQueuedThereIsNotWaitedFor() async throws {
    let bench = try await Fixture(["cat": "a cat", "dog": "a dog"])
    #expect(try await bench.once(["--daily-submissions": "1"]).code == 75)
    try Whose.another.make(bench)
    let run = try await bench.once()
    #expect(run.code == 0 && bench.posts.count == 1, "\(run)")
    try bench.root.remove(".promptdrop.yaml")
    let next = try await bench.once()
    #expect(next.code == 0 && bench.posts.count == 2, "\(next)")
  }
}
