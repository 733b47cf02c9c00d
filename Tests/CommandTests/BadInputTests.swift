import Foundation
import ProgramKit
import TestKit
import Testing

/// What strangers write: it gets a sidecar that says what is wrong, and nothing stops for it.
@Suite(.serialized) struct BadInputTests {
  @Test func eachSaysWhatIsWrongAndTheRestIsMade() async throws {
    let bench = try await Fixture(["good": "a good one"])
    let root = bench.root
    var wanted: [String: String] = [:]
    func bad(_ name: String, _ code: String, _ text: String) throws {
      try root.write("\(name).prompt", text)
      wanted[name] = code
    }
    try root.write("latin.prompt", bytes: Array("caf".utf8) + [0xE9, 0x0A])
    wanted["latin"] = "not-utf8"
    try bad("large", "too-large", String(repeating: "a cat ", count: 400))
    try bad("unclosed", "front-matter-unclosed", "---\nmodel: x\na cat")
    try bad("unknown", "front-matter-unknown-key", "---\naspect_ration: '1:1'\n---\na cat")
    try bad("noyaml", "front-matter-", "---\n[: {\n---\na cat")
    try bad("merge", "git-conflict", "<<<<<<< HEAD\na cat\n=======\na dog\n>>>>>>> other\n")
    try bad("text", "image-not-an-image", "---\nimages: [words.txt]\n---\na cat")
    try root.write("words.txt", "no picture")
    try bad("outside", "image-outside-root", "---\nimages: [../secret.png]\n---\na cat")
    try bad("absolute", "image-outside-root", "---\nimages: [/etc/passwd]\n---\na cat")
    try bad("scheme", "image-bad-scheme", "---\nimages: ['file:///etc/passwd']\n---\na cat")
    try bad("five", "too-many-images", "---\nimages: [a.png, b.png, c.png]\n---\na cat")
    try root.write("five.images", "d.png\n# not counted\ne.png\n")
    try bad("folderimage", "image-not-a-file", "---\nimages: [folder.prompt]\n---\na cat")
    try root.makeFolder("folder.prompt")
    wanted["folder"] = "not-a-file"
    #expect(mkfifo(root.path("pipe.prompt"), 0o644) == 0)
    wanted["pipe"] = "not-a-file"
    #expect(symlink("/etc/hostname", root.path("link.prompt")) == 0)
    wanted["link"] = "not-a-file"
    let conflict = "cat.sync-conflict-20260131-101500-ABCDEFG"
    try bad(conflict, "conflict-copy", "a cat")

    let run = try await bench.once(["--max-prompt-bytes": "2000"])
    #expect(run.code == 1, "\(run)")
    for (name, code) in wanted {
      guard root.exists("\(name).status.json") else {
        Issue.record("\(name) has no sidecar")
        continue
      }
      let sidecar = try bench.sidecar(name)
      #expect(sidecar.state == (name == conflict ? "held" : "failed"), "\(name): \(sidecar.text)")
      #expect(
        sidecar.code == code || code.hasSuffix("-") && sidecar.code?.hasPrefix(code) == true, "\(name): \(sidecar.text)"
      )
      #expect(sidecar.explains, "\(name): \(sidecar.text)")
    }
    #expect(try bench.sidecar("unknown").message?.contains("aspect_ratio") == true)
    #expect(try bench.sidecar("good").state == "done")
    #expect(bench.paid == ["a good one"] && bench.posts.count == 1)

    let again = try await bench.once(["--max-prompt-bytes": "2000"])
    #expect(again.code == 1 && bench.posts.count == 1, "\(again)")
  }

  @Test func whatIsNotMeantIsNotTaken() async throws {
    let bench = try await Fixture()
    let names = [
      ".hidden.prompt", "~temp.prompt", "cat.prompt~", "#cat.prompt#", ".#cat.prompt", "cat.prompt.tmp",
      "cat.prompt.part",
      "cat.txt", ".git/cat.prompt", "@eaDir/cat.prompt", ".stversions/cat.prompt", "skipped/cat.prompt", ".prompt",
    ]
    for name in names { try bench.root.write(name, "a cat") }
    let run = try await bench.once(["--exclude": "skipped"])
    #expect(run.code == 0 && bench.posts.isEmpty, "\(run)")
    for name in names { #expect(try bench.root.read(name) == "a cat") }
  }

  @Test func strangeNamesAreMadeLikeOthers() async throws {
    let bench = try await Fixture()
    let stems = ["with space", "ünï", "u\u{0308}ber", "über", "a'b\"c", "-rf", "tab\there", "line\nfeed", "cat.v1"]
    for stem in stems { try bench.root.write("\(stem).prompt", "picture of \(stem.count) \(stem.utf8.count)") }
    let run = try await bench.once()
    #expect(run.code == 0 && bench.posts.count == stems.count, "\(run)")
    for stem in stems {
      #expect(bench.root.exists("\(stem).png") && bench.root.exists("\(stem).status.json"), "\(stem)")
    }
  }

  @Test func anEmptyPromptWaitsForItsText() async throws {
    let bench = try await Fixture(["empty": "\n  \n"])
    let run = try await bench.once()
    #expect(run.code == 75, "\(run)")
    let sidecar = try bench.sidecar("empty")
    #expect(sidecar.state == "queued" && sidecar.reason == "empty" && sidecar.explains)
    let agent = try await bench.watch()
    try bench.root.write("empty.prompt", "words at last")
    try await bench.waitFor("empty", "done")
    #expect(bench.paid == ["words at last"], "\(agent.standardError)")
  }

  @Test func whatIsMendedIsMade() async throws {
    let bench = try await Fixture(["bad": "---\nmodle: x\n---\na cat"])
    let agent = try await bench.watch()
    try await bench.waitFor("bad", "failed")
    #expect(try bench.sidecar("bad").message?.contains("model") == true)
    try bench.root.write("bad.prompt", "a cat")
    let sidecar = try await bench.waitFor("bad", "done")
    #expect(sidecar.code == nil && bench.posts.count == 1, "\(agent.standardError)")
  }

  @Test func brokenFolderDefaultsKeepTheirFolderAndNoOther() async throws {
    let bench = try await Fixture()
    try bench.root.write("a/.promptdrop.yaml", "modle: x\n")
    try bench.root.write("a/cat.prompt", "a cat")
    try bench.root.write("b/cat.prompt", "b cat")
    let run = try await bench.once()
    #expect(run.code == 1 && bench.paid == ["b cat"], "\(run)")
    let sidecar = try bench.sidecar("a/cat")
    #expect(sidecar.state == "failed" && sidecar.explains, "\(sidecar.text)")
    try bench.root.write("a/.promptdrop.yaml", "model: x\n")
    let again = try await bench.once()
    #expect(again.code == 0 && bench.paid == ["b cat", "a cat"], "\(again)")
  }

  @Test func anotherAgentsFolderIsNotTaken() async throws {
    let bench = try await Fixture(["cat": "a cat"])
    try bench.root.write(".promptdrop.yaml", "owner: elsewhere\n")
    let run = try await bench.once()
    #expect(run.code == 0 && bench.posts.isEmpty && !bench.root.exists("cat.status.json"), "\(run)")
    let mine = try await bench.once(["--agent-name": "elsewhere"])
    #expect(mine.code == 0 && bench.posts.count == 1, "\(mine)")
  }

  @Test func aReadOnlyFolderCostsNothing() async throws {
    guard getuid() == 0 else {
      print("skipped: only root can mount a folder read-only, and nobody else is kept from writing by rights alone")
      return
    }
    let bench = try await Fixture(["cat": "a cat"])
    let path = bench.root.path
    try await mount(["--bind", path, path])
    do {
      try await mount(["-o", "remount,ro,bind", path])
      let run = try await bench.once()
      #expect(run.code == 73 && bench.posts.isEmpty, "\(run)")
      #expect(!run.log.isEmpty)
      try await unmount(path)
    } catch {
      try await unmount(path)
      throw error
    }
    let run = try await bench.once()
    #expect(run.code == 0 && bench.posts.count == 1, "\(run)")
  }

  private func mount(_ arguments: [String]) async throws {
    try #require(await ChildProcess("/usr/bin/mount", arguments).wait() == .exited(0))
  }

  private func unmount(_ path: String) async throws {
    try #require(await ChildProcess("/usr/bin/umount", [path]).wait() == .exited(0))
  }
}
