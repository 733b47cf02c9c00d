import Foundation
import ProgramKit
import TestKit
import Testing

/// The key: where it may come from, and where it must never be seen.
@Suite(.serialized) struct KeyTests {
  private func keyFile(_ bench: Fixture, _ rights: Int) throws -> String {
    try bench.home.write("secrets/api-key", Fixture.key + "\n")
    try FileManager.default.setAttributes(
      [.posixPermissions: rights], ofItemAtPath: bench.home.path("secrets/api-key"))
    return bench.home.path("secrets/api-key")
  }

  @Test func comesFromAFileOrFromCredentials() async throws {
    let bench = try await Fixture(["one": "1"]) { $0.apiKey = Fixture.key }
    let file = try keyFile(bench, 0o600)
    let first = try await bench.once(["--api-key-file": file], environment: ["PROMPTDROP_API_KEY": nil])
    #expect(first.code == 0 && bench.paid.count == 1, "\(first)")
    try bench.root.write("two.prompt", "2")
    // The file goes before the environment.
    let second = try await bench.once(["--api-key-file": file], environment: ["PROMPTDROP_API_KEY": "dk-wrong"])
    #expect(second.code == 0 && bench.paid.count == 2, "\(second)")
    try bench.root.write("three.prompt", "3")
    let third = try await bench.once(
      environment: ["PROMPTDROP_API_KEY": "dk-wrong", "CREDENTIALS_DIRECTORY": bench.home.path("secrets")])
    #expect(third.code == 0 && bench.paid.count == 3, "\(third)")
  }

  @Test func aFileThatOthersCanReadIsRefused() async throws {
    let bench = try await Fixture(["cat": "a cat"])
    for rights in [0o644, 0o640, 0o604] {
      let run = try await bench.once(["--api-key-file": try keyFile(bench, rights)])
      #expect(run.code == 78 && run.log.contains("chmod") && !run.log.contains(Fixture.key), "\(run)")
    }
    #expect(bench.posts.isEmpty)
  }

  @Test func aFileThatOthersCouldPutThereIsRefused() async throws {
    let bench = try await Fixture(["cat": "a cat"])
    let file = try keyFile(bench, 0o600)
    if getuid() == 0 {
      chown(file, 1, 1)
      let run = try await bench.once(["--api-key-file": file])
      #expect(run.code == 78 && run.log.contains("another user"), "\(run)")
      chown(file, 0, 0)
    }
    let below = bench.root.path("api-key")
    try FileManager.default.copyItem(atPath: file, toPath: below)
    for flag in ["--api-key-file", "--ca-file"] {
      let run = try await bench.once([flag: below])
      #expect(run.code == 78 && run.log.contains("below the watched folder"), "\(run)")
    }
    #expect(bench.posts.isEmpty)
  }

  @Test func noKeyIsSaidAtOnce() async throws {
    let bench = try await Fixture(["cat": "a cat"])
    for key in [nil, "", "two words"] {
      let run = try await bench.once(environment: ["PROMPTDROP_API_KEY": key])
      #expect(run.code == 78 && run.log.contains("PROMPTDROP_API_KEY"), "\(run)")
      #expect(!run.log.contains("two words"))
    }
    #expect(bench.posts.isEmpty)
  }

  @Test func isSeenNowhere() async throws {
    // A service that repeats what it is sent, and everything that goes wrong.
    let bench = try await Fixture([
      "ok": "fine", "bad": "[sandbox: submit-code=your key \(Fixture.key) is odd] x",
      "task": "[sandbox: task-failed=no good, \(Fixture.key)] x", "words": "[sandbox: result-text=\(Fixture.key)] x",
      "lost": "[sandbox: submit-no-answer] x", "page": "[sandbox: image-html] x",
    ])
    for format in ["text", "json"] {
      let run = try await bench.once(["--log-level": "debug", "--log-format": format])
      #expect(!run.log.contains(Fixture.key) && !run.out.contains(Fixture.key), "\(run)")
    }
    bench.sandbox.addFault(try .init(parsing: "submit-status=401"))
    try bench.root.write("late.prompt", "late")
    let refused = try await bench.once(["--log-level": "debug"])
    #expect(refused.code == 77 && !refused.log.contains(Fixture.key), "\(refused)")
    // The prompts hold the key themselves, as does nothing else.
    var looked = 0
    for folder in [bench.root.path, bench.home.path] {
      let files = FileManager.default.enumerator(atPath: folder)
      while let name = files?.nextObject() as? String {
        if name.hasSuffix(".prompt") { continue }
        guard let content = FileManager.default.contents(atPath: folder + "/" + name) else { continue }
        looked += 1
        // The journal keeps the prompts' text; there the key is the user's own word.
        if name.hasSuffix(".sqlite") || name.hasSuffix("-wal") { continue }
        #expect(content.range(of: Data(Fixture.key.utf8)) == nil, "\(folder)/\(name)")
      }
    }
    #expect(looked > 6)
    #expect(bench.sandbox.counters().leakedKeys == 0)
  }

  @Test func isNotInTheJournal() async throws {
    let bench = try await Fixture([
      "ok": "fine", "lost": "[sandbox: submit-no-answer] x", "bad": "[sandbox: submit-status=400] x",
    ])
    _ = try await bench.once()
    let files = try FileManager.default.contentsOfDirectory(atPath: bench.stateDir)
    #expect(files.contains("journal.sqlite"))
    for name in files {
      let content = FileManager.default.contents(atPath: bench.stateDir + "/" + name) ?? Data()
      #expect(content.range(of: Data(Fixture.key.utf8)) == nil, "\(name)")
    }
  }
}
