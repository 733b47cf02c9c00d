import Foundation
import ProgramKit
import TestKit
import Testing

/// Flags before environment before file before default; and what cannot be used is refused before anything is sent.
@Suite(.serialized) struct ConfigurationTests {
  private func configure(_ bench: Fixture, _ text: String) throws {
    try bench.home.write("config/promptdrop/promptdrop.yaml", text)
  }

  @Test func flagsEnvironmentFileDefaultInThatOrder() async throws {
    let bench = try await Fixture()
    let cases: [(file: String?, variable: String?, flag: String?, model: String)] = [
      (nil, nil, nil, "google/gempix2"), ("from/file", nil, nil, "from/file"),
      ("from/file", "from/env", nil, "from/env"),
      ("from/file", "from/env", "from/flag", "from/flag"), (nil, "from/env", nil, "from/env"),
    ]
    for (number, each) in cases.enumerated() {
      try configure(bench, each.file.map { "model: \($0)\nmax_in_flight: 4\n" } ?? "# nothing\n")
      try bench.root.write("p\(number).prompt", "picture \(number)")
      let run = try await bench.once(["--model": each.flag], environment: ["PROMPTDROP_MODEL": each.variable])
      #expect(run.code == 0, "\(run)")
      #expect(bench.posts.last?.model == each.model)
    }
  }

  @Test func theEnvironmentAloneWillDo() async throws {
    let bench = try await Fixture(["cat": "a cat"])
    let run = try await bench.once(
      ["--api-url": nil, "--state-dir": nil, "--settle": nil],
      environment: [
        "PROMPTDROP_API_URL": bench.sandbox.baseURL, "STATE_DIRECTORY": bench.home.path("other"),
        "PROMPTDROP_SETTLE": "0s",
      ])
    #expect(run.code == 0 && bench.posts.count == 1, "\(run)")
    #expect(bench.home.exists("other/journal.sqlite"))
  }

  @Test func theStateLiesWhereXDGSays() async throws {
    let bench = try await Fixture()
    let run = try await bench.once(["--state-dir": nil], environment: ["XDG_STATE_HOME": bench.home.path("xdg")])
    #expect(run.code == 0 && bench.home.exists("xdg/promptdrop/journal.sqlite"), "\(run)")
    let home = try await bench.once(["--state-dir": nil])
    #expect(home.code == 0 && bench.home.exists(".local/state/promptdrop/journal.sqlite"), "\(home)")
  }

  @Test func anUnknownKeyIsAnErrorWithASuggestion() async throws {
    let bench = try await Fixture(["cat": "a cat"])
    try configure(bench, "max_in_fligth: 4\n")
    let run = try await bench.once()
    #expect(run.code == 78 && run.log.contains("max_in_fligth") && run.log.contains("\"max_in_flight\""), "\(run)")
    #expect(bench.posts.isEmpty && !bench.root.exists("cat.status.json"))
  }

  @Test(
    arguments: [
      ["--settle": "1 second"], ["--max-in-flight": "0"], ["--max-requests": "many"], ["--log-format": "xml"],
      ["--api-url": "ftp://example.org"],
      ["--api-url": "http://api.example.org"], ["--api-url": "https://api.example.org:70000"],
      ["--public-url": "https://me.example:0"], ["--config": "/nowhere/at/all.yaml"],
      ["--ca-file": "/nowhere/at/all.pem"],
    ])
  func aBadValueIsRefused(_ flags: [String: String]) async throws {
    let bench = try await Fixture(["cat": "a cat"])
    let run = try await bench.once(flags.mapValues { $0 })
    #expect(run.code == 78 && bench.posts.isEmpty, "\(run)")
    let name = try #require(flags.keys.first).dropFirst(2)
    #expect(run.log.contains(name == "config" ? "all.yaml" : name == "ca-file" ? "all.pem" : name), "\(run)")
  }

  @Test func anUnknownFlagIsWrongUsage() async throws {
    let bench = try await Fixture(["cat": "a cat"])
    let run = try await bench.once(["--max-in-fligth": "4"])
    #expect(run.code == 64 && bench.posts.isEmpty, "\(run)")
  }

  @Test func anUnknownVariableIsWarnedOf() async throws {
    let bench = try await Fixture()
    let run = try await bench.once(environment: ["PROMPTDROP_MODLE": "x"])
    #expect(run.code == 0 && run.log.contains("PROMPTDROP_MODLE") && run.log.contains("PROMPTDROP_MODEL"), "\(run)")
  }

  @Test func noConfigurationBelowARoot() async throws {
    let bench = try await Fixture(["cat": "a cat"])
    try bench.root.write("promptdrop.yaml", "model: evil/model\n")
    // It may be meant as the folder's defaults, so it is asked about; it never configures the agent.
    let run = try await bench.once()
    #expect(run.code == 1 && bench.posts.isEmpty, "\(run)")
    #expect(try bench.sidecar("cat").reason == "control-file-unclear")
    #expect(try await bench.run("approve", [bench.root.path("cat.prompt")]).code == 0)
    let approved = try await bench.once()
    #expect(approved.code == 0 && bench.posts.map(\.model) == ["google/gempix2"], "\(approved)")
    let reported = try await bench.once(["--config": bench.root.path("promptdrop.yaml")])
    #expect(reported.code == 78, "\(reported)")
  }

  @Test func folderDefaultsCannotNameAService() async throws {
    let bench = try await Fixture(["cat": "a cat"])
    try bench.root.write(".promptdrop.yaml", "api_url: http://127.0.0.1:1\n")
    let run = try await bench.once()
    #expect(run.code == 1 && bench.posts.isEmpty, "\(run)")
    #expect(try bench.sidecar("cat").state == "failed")
  }

  @Test(
    arguments: [
      [], ["--help"], ["once", "--help"], ["watch", "--help"], ["sandbox", "--help"], ["demo", "--help"], ["--version"],
    ])
  func helpIsThere(_ arguments: [String]) async throws {
    let child = try ChildProcess("promptdrop", arguments)
    #expect(try await child.wait(within: .seconds(20)) == .exited(0))
    #expect(!child.standardOutput.isEmpty)
  }
}
