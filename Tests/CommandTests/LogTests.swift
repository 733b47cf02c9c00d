import Foundation
import ProgramKit
import TestKit
import Testing

/// Log lines: for people, for journald, for programs.
@Suite(.serialized) struct LogTests {
  private func lines(_ text: String) -> [Substring] { text.split(separator: "\n") }

  @Test func jsonLinesParse() async throws {
    let bench = try await Fixture([
      "cat": "a \"cat\"", "line\nfeed": "x", "bad": "[sandbox: task-failed=no \"good\"] y",
    ])
    let run = try await bench.once(["--log-format": "json", "--log-level": "debug"])
    #expect(lines(run.log).count >= 4, "\(run)")
    for line in lines(run.log) {
      let fields = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any], "\(line)")
      #expect(fields["time"] is String && fields["level"] is String && fields["message"] is String, "\(line)")
    }
    #expect(run.log.contains("cat.prompt") && run.out.isEmpty)
  }

  @Test func textLinesHaveATimeAndALevel() async throws {
    let bench = try await Fixture(["cat": "a cat", "line\nfeed": "x"])
    let run = try await bench.once()
    for line in lines(run.log) {
      let form = #/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (info|notice|warning|error) .+/#
      #expect(line.wholeMatch(of: form) != nil, "\(line)")
    }
    #expect(run.log.contains("cat.png") && run.out.isEmpty && !run.log.contains("\u{1B}"))
  }

  // Whoever writes in the folder, or the service, must not control the terminal of whoever looks.
  @Test func whatOthersSayMovesNoCursor() async throws {
    let bench = try await Fixture(["bad": "[sandbox: task-failed=\u{9B}31m\u{202E}no] x"])
    try bench.root.write("theirs/.promptdrop.yaml", "owner: \"\\e]0;x\\a\\u009b31m\"\n")
    try bench.root.write("theirs/cat.prompt", "a cat")
    let run = try await bench.once()
    let status = try await bench.run("status")
    #expect(run.log.contains("belongs to the agent") && run.log.contains("failed"), "\(run)")
    #expect(status.out.contains("bad.prompt"), "\(status)")
    for text in [run.log, status.out] {
      #expect(!text.unicodeScalars.contains { ["\u{1B}", "\u{7}", "\u{9B}", "\u{202E}"].contains($0) }, "\(text)")
    }
  }

  @Test func underJournaldThereIsAPriorityAndNoTime() async throws {
    let bench = try await Fixture(["cat": "a cat"])
    try bench.home.write("run.sh", "exec 2>\"$LOG\"\nexport JOURNAL_STREAM=$(stat -Lc %d:%i /dev/fd/2)\nexec \"$@\"\n")
    let log = bench.home.path("log")
    let child = try ChildProcess(
      "/bin/sh",
      [
        bench.home.path("run.sh"), ChildProcess.builtProducts + "/promptdrop", "once", bench.root.path, "--api-url",
        bench.sandbox.baseURL, "--state-dir", bench.stateDir, "--settle", "0s", "--poll-first", "20ms",
      ],
      environment: ["LOG": log, "PROMPTDROP_API_KEY": Fixture.key, "HOME": bench.home.path, "XDG_CONFIG_HOME": nil])
    #expect(try await child.wait(within: .seconds(30)) == .exited(0))
    let text = try bench.home.read("log")
    #expect(lines(text).count >= 2, "\(text)")
    for line in lines(text) { #expect(line.prefixMatch(of: #/<[2-7]>[^0-9]/#) != nil, "\(line)") }
    // A stream that is not the journal's: ordinary lines.
    try bench.root.write("dog.prompt", "a dog")
    let run = try await bench.once(environment: ["JOURNAL_STREAM": "1:1"])
    #expect(!run.log.hasPrefix("<"), "\(run)")
  }

  @Test func theLevelIsKept() async throws {
    let bench = try await Fixture(["cat": "a cat", "bad": "[sandbox: task-failed=no] y"])
    let run = try await bench.once(["--log-level": "error"])
    #expect(!run.log.contains(" info ") && !run.log.contains(" warning "), "\(run)")
  }

  @Test func aTraceHasEachStepOfAJob() async throws {
    let bench = try await Fixture(["cat": "a cat"])
    let run = try await bench.once(["--log-level": "trace"])
    let steps = lines(run.log).compactMap { $0.firstMatch(of: #/ trace cat\.prompt 1/1: .*: (\w+) -> (\w+)/#) }
    let states = steps.map { "\($0.output.1) \($0.output.2)" }.filter { $0 != "submitted submitted" }
    #expect(
      states == ["queued submitting", "submitting submitted", "submitted fetching", "fetching done"], "\(run)")
    let quiet = try await bench.once(["--log-level": "debug"])
    #expect(!quiet.log.contains(" trace "), "\(quiet)")
  }

  @Test func whatIsDoneIsReportedByTheNamesOnTheDisk() async throws {
    let bench = try await Fixture()
    let agent = try await bench.watch()
    for (number, text) in ["one moon", "two moons", "one moon"].enumerated() {
      try bench.root.write("moon.prompt", text)
      try await eventually(within: .seconds(20), "\(text) is made") {
        agent.standardError.components(separatedBy: "moon.prompt: done: ").count > number + 1
      }
    }
    let reported = agent.standardError.components(separatedBy: "moon.prompt: done: ").dropFirst().map { $0.prefix(8) }
    #expect(reported == ["moon.png", "moon.png", "moon.png"], "\(agent.standardError)")
    #expect(bench.posts.count == 2 && bench.root.exists("moon.png") && bench.root.exists("moon.v2.png"))
  }
}
