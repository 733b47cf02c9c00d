import ProgramKit
import TestKit
import Testing

/// Whatever writes a prompt: each intended save is one submission of the whole text, and nothing else is.
@Suite(.serialized, .timeLimit(.minutes(5))) struct WriterTests {
  private func play(_ rows: [Row]) async throws { await (try await RowFixture()).play(rows) }

  @Test func shell() async throws { try await play(Row.shell) }
  @Test func languages() async throws { try await play(Row.languages) }
  @Test func editors() async throws { try await play(Row.editors) }
  @Test func syncTools() async throws { try await play(Row.sync) }
  @Test func git() async throws { try await play(Row.git) }

  @Test func syncthing() async throws {
    await (try await RowFixture(["--agent-name": "here"])).play([Row.syncthing])
  }

  // The kernel tells nobody who watches the folder; looking does.
  @Test func aWriteThroughALinkOutside() async throws {
    let bench = try await RowFixture(["--rescan": "1s"])
    await bench.play([
      Row(
        name: "a write through a hard link outside", before: true,
        script: #"ln $P "$W/x"; printf %s "$T2" > "$W/x""#, expected: ["T2"])
    ])
  }

  // A sync tool's rename: the copy waits for its source to go, and is its new name then.
  @Test func renamesByCopying() async throws {
    let bench = try await RowFixture(["--copy-grace": "3s"])
    await bench.play([
      Row(
        name: "cp and rm", before: true, script: "cp $P bar.prompt; sleep 0.7; rm $P", expected: [], file: "bar.prompt"),
      Row(
        name: "cp to another folder and rm", before: true, script: "mkdir d; cp $P d/bar.prompt; sleep 0.7; rm $P",
        expected: [], file: "d/bar.prompt"),
      Row(
        name: "a copy that stays", before: true, script: "cp $P bar.prompt", expected: ["T1"],
        others: ["bar": "done"]),
    ])
  }
}
