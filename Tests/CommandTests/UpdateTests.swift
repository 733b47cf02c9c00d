import Foundation
import ProgramKit
import TestKit
import Testing

/// An update pays for nothing: a folder with its state as version 0.1.0 left them, taken up by this program.
///
/// The fixture was made by version 0.1.0 with its own sandbox, as the user "studio": prompts in every state, and everything
/// that has another meaning now (lists in capitals, names in NFD, odd fences, exclude patterns, copies, bins, values).
@Suite(.serialized) struct UpdateTests {
  private static let fixture = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .appendingPathComponent("Fixtures/version-0.1.0.tar.gz").path

  private static func run(_ program: String, _ arguments: [String]) throws {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = arguments
    try process.run()
    process.waitUntilExit()
    #expect(process.terminationStatus == 0, "\(program) \(arguments)")
  }

  /// The folder and the state are put in place; the journal learns where the folder is now.
  private func unpack(_ bench: Fixture) throws {
    try Self.run("/bin/tar", ["-xzf", Self.fixture, "-C", bench.home.path])
    try Self.run("/bin/sh", ["-c", "cp -a \"$1\"/. \"$2\"", "sh", bench.home.path("root"), bench.root.path])
    try bench.home.remove("root")
    let script = """
      import sqlite3, sys
      journal = sqlite3.connect(sys.argv[1])
      journal.execute("UPDATE root SET path = ?", (sys.argv[2].encode(),))
      journal.commit()
      """
    try Self.run("/usr/bin/env", ["python3", "-c", script, bench.home.path("state/journal.sqlite"), bench.root.path])
  }

  private static let flags: [String: String?] = ["--reference-wait": "1s", "--timeout": "20s"]
  private static let queued: Set = ["the first that waits", "the second that waits"]

  private func states(_ bench: Fixture) throws -> [String: String] {
    var found: [String: String] = [:]
    for name in FileManager.default.enumerator(atPath: bench.root.path)?.allObjects as? [String] ?? []
    where name.hasSuffix(".status.json") {
      found[String(name.dropLast(".status.json".count))] = try Sidecar(try bench.root.bytes(name)).state
    }
    return found
  }

  @Test(arguments: ["once", "watch"]) func onlyWhatWasQueuedIsSubmitted(_ command: String) async throws {
    let bench = try await Fixture()
    try unpack(bench)
    let before = try states(bench)
    #expect(before.count == 33)
    if command == "watch" {
      _ = try await bench.watch(Self.flags)
      for name in ["queued-a", "queued-b"] { try await bench.waitFor(name, "done") }
      // What is decided about the others is decided while these are made; a look anew changes nothing.
      _ = try await bench.run("status")
    } else {
      let run = try await bench.once(Self.flags)
      #expect(run.code == 1, "what failed and is held still is: \(run)")
      _ = try await bench.once(Self.flags)
    }
    #expect(Set(bench.posts.map { $0.prompt ?? "" }) == Self.queued && bench.posts.count == 2, "\(bench.posts)")
    let after = try states(bench)
    for (name, state) in before {
      switch name {
      case "queued-a", "queued-b": #expect(after[name] == "done", "\(name)")
      case "bin/#recycle/waits": #expect(after[name] != "done" && after[name] != "submitted", "\(name)")
      default: #expect(after[name] == state, "\(name) was \(state) and is \(after[name] ?? "gone")")
      }
    }
  }

  @Test func whatIsUnderstoodDifferentlyIsShown() async throws {
    let bench = try await Fixture()
    try unpack(bench)
    _ = try await bench.once(Self.flags)
    for name in ["CAPITALS", "same"] {
      #expect(try bench.sidecar(name).text.contains("\"inputs_changed\": true"), "\(name)")
    }
    #expect(try bench.sidecar("cat").text.contains("\"inputs_changed\": false"))
    // An earlier pattern covered this one; the rules of today do not: nobody pays for it before a person says so.
    #expect(try bench.sidecar("old/deep/z").reason == "exclude-changed")
    let approved = try await bench.run("approve", [bench.root.path("old/deep/z.prompt")])
    #expect(approved.code == 0, "\(approved)")
    _ = try await bench.once(Self.flags)
    #expect(try bench.sidecar("old/deep/z").state == "done")
    #expect(bench.posts.count == 3)
  }

  // The texts' hashes are what keeps them from being paid for again: from the sidecars alone, too.
  @Test func withoutTheJournalNothingIsPaidEither() async throws {
    let bench = try await Fixture()
    try unpack(bench)
    try bench.home.remove("state")
    let run = try await bench.once(Self.flags)
    #expect(bench.posts.isEmpty || Set(bench.posts.map { $0.prompt ?? "" }).isSubset(of: Self.queued), "\(run)")
  }
}
