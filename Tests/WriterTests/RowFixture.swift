import Foundation
import ProgramKit
import TestKit
import Testing

/// A running agent, and a folder below its root for each row.
final class RowFixture: Sendable {
  let bench: Fixture
  private let agent: ChildProcess
  private let elsewhere: TemporaryFolder?

  init(_ flags: [String: String?] = [:]) async throws {
    bench = try await Fixture()
    var all: [String: String?] = ["--settle": "300ms", "--burst-limit": "0", "--copy-grace": "0s", "--rescan": "0s"]
    all.merge(flags) { $1 }
    agent = try await bench.watch(all)
    elsewhere = FileManager.default.fileExists(atPath: "/dev/shm") ? try TemporaryFolder(in: "/dev/shm") : nil
  }

  /// Plays rows, a few at a time: most of a row is waiting.
  func play(_ rows: [Row]) async {
    await withTaskGroup(of: Void.self) { group in
      var waiting = rows.enumerated().makeIterator()
      func next() {
        guard let (index, row) = waiting.next() else { return }
        group.addTask { await self.play(row, "row-\(index)") }
      }
      for _ in 0..<4 { next() }
      while await group.next() != nil { next() }
    }
  }

  private func play(_ row: Row, _ folder: String) async {
    let missing = row.programs.filter { Self.path(of: $0) == nil }
    // A row that is not played must not look like one that passed.
    guard missing.isEmpty else {
      Issue.record("skipped: \(row.name) needs \(missing.joined(separator: ", ")), which Tests/run installs")
      return
    }
    do {
      try await check(row, folder)
    } catch {
      Issue.record(
        "\(row.name): \(error)\n\(agent.standardError.split(separator: "\n").filter { $0.contains(folder) })")
    }
  }

  private func check(_ row: Row, _ folder: String) async throws {
    let texts = ["\(folder): the first words.", "\(folder): other words."]
    try bench.root.makeFolder(folder)
    if row.before {
      try bench.root.write("\(folder)/foo.prompt", texts[0])
      try await bench.waitFor("\(folder)/foo", "done")
    }
    let environment = try environment(folder, texts)
    try await run(row.script, folder, environment)
    let wanted = (row.before ? [texts[0]] : []) + row.expected.map { expand($0, texts) }
    try await eventually(within: .seconds(30), "\(row.name): \(wanted) is submitted, not \(submitted(folder))") {
      submitted(folder).count >= wanted.count
    }
    try await rest(folder, "1")
    #expect(submitted(folder) == wanted, "\(row.name)")
    try await checkSidecars(row, folder)
    guard row.state == "done" || row.reason == "git-conflict" else { return }
    // What nobody meant: a touch, and the same bytes written once more.
    let again =
      "touch \(row.file); chmod 640 \(row.file); cat \(row.file) > \"$W/again\"; cat \"$W/again\" > \(row.file)"
    try await run(again, folder, environment)
    try await rest(folder, "2")
    #expect(submitted(folder) == wanted, "\(row.name): a touch and the same content are nothing new")
  }

  private func checkSidecars(_ row: Row, _ folder: String) async throws {
    let stem = "\(folder)/\(row.file.replacing(".prompt", with: ""))"
    if let state = row.state {
      // What was renamed follows a little later.
      try await bench.waitFor(stem, state)
      let reported = try bench.sidecar(stem)
      if let reason = row.reason { #expect(reported.reason == reason, "\(row.name): \(reported.text)") }
    } else {
      #expect(!bench.root.exists("\(stem).status.json"), "\(row.name)")
    }
    let named = Set(row.others.keys).union([row.file.replacing(".prompt", with: "")])
    for (name, state) in row.others {
      #expect(try bench.sidecar("\(folder)/\(name)").state == state, "\(row.name): \(name)")
    }
    for sidecar in try bench.root.list(folder) where sidecar.hasSuffix(".status.json") {
      let name = sidecar.replacing(".status.json", with: "")
      #expect(named.contains(name) || name.hasPrefix("marker"), "\(row.name): \(sidecar)")
    }
  }

  // Everything that was written before has been still for as long as a prompt that is dropped now, once that is done.
  private func rest(_ folder: String, _ number: String) async throws {
    try bench.root.write("\(folder)/marker\(number).prompt", "marker \(number) of \(folder)")
    try await bench.waitFor("\(folder)/marker\(number)", "done")
  }

  private func submitted(_ folder: String) -> [String] {
    bench.paid.filter { $0.hasPrefix("\(folder):") || $0.contains(" \(folder):") }
  }

  private func expand(_ text: String, _ texts: [String]) -> String {
    text.replacing("E1", with: texts[0].dropLast() + "!").replacing("T1", with: texts[0]).replacing(
      "T2", with: texts[1])
  }

  private func environment(_ folder: String, _ texts: [String]) throws -> [String: String?] {
    try bench.home.makeFolder("work/\(folder)")
    try elsewhere?.makeFolder(folder)
    return [
      "P": "foo.prompt", "T1": texts[0], "T2": texts[1], "W": bench.home.path("work/\(folder)"),
      "X": elsewhere?.path(folder) ?? bench.home.path("work/\(folder)"), "HOME": bench.home.path("work/\(folder)"),
      "GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@example.org", "GIT_COMMITTER_NAME": "a",
      "GIT_COMMITTER_EMAIL": "a@example.org", "GIT_CONFIG_NOSYSTEM": "1", "TERM": "xterm",
    ]
  }

  private func run(_ script: String, _ folder: String, _ environment: [String: String?]) async throws {
    let shell = try ChildProcess(
      "/bin/sh", ["-eu", "-c", script], environment: environment, folder: bench.root.path(folder))
    guard try await shell.wait(within: .seconds(60)) == .exited(0) else {
      throw DidNotHappen(description: "the script failed: \(shell.standardOutput)\(shell.standardError)")
    }
  }

  private static func path(of program: String) -> String? {
    ["/usr/local/bin", "/usr/bin", "/bin", "/usr/lib/openssh"].map { "\($0)/\(program)" }
      .first { access($0, X_OK) == 0 }
  }
}
