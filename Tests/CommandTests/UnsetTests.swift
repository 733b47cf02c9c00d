import Foundation
import ProgramKit
import TestKit
import Testing

/// What is empty is not set, `none` lifts a limit, and paths mean what their place says.
@Suite(.serialized) struct UnsetTests {
  private func configure(_ bench: Fixture, _ text: String) throws {
    try bench.home.write("config/promptdrop/promptdrop.yaml", text)
  }

  // A compose file or a unit sets a variable to nothing where it does not know better.
  @Test func anEmptyVariableDoesNotLiftALimit() async throws {
    let bench = try await Fixture(["cat": "a cat"])
    try configure(bench, "daily_submissions: 0\n")
    let run = try await bench.once(environment: ["PROMPTDROP_DAILY_SUBMISSIONS": ""])
    #expect(run.code == 75 && bench.posts.isEmpty, "\(run)")
  }

  @Test func everyEmptyVariableIsUnset() async throws {
    let bench = try await Fixture(["cat": "a cat"])
    let variables = [
      "PROMPTDROP_MODEL", "PROMPTDROP_SETTLE", "PROMPTDROP_MAX_REQUESTS", "PROMPTDROP_CONTROL_MODE",
      "PROMPTDROP_WATCH_MODE", "PROMPTDROP_PRICE", "PROMPTDROP_API_KEY_FILE", "PROMPTDROP_LISTEN", "XDG_CONFIG_HOME",
      "XDG_STATE_HOME", "STATE_DIRECTORY", "CREDENTIALS_DIRECTORY", "RUNTIME_DIRECTORY", "XDG_RUNTIME_DIR",
    ]
    let run = try await bench.once(
      ["--state-dir": nil], environment: Dictionary(uniqueKeysWithValues: variables.map { ($0, "") }))
    #expect(run.code == 0 && bench.posts.map(\.model) == ["google/gempix2"], "\(run)")
    #expect(bench.home.exists(".local/state/promptdrop/journal.sqlite"))
  }

  // Two files: what the system's says holds where the user's has the key without a value.
  @Test(arguments: ["daily_submissions:\n", "daily_submissions: ~\n", "daily_submissions: \"\"\n"])
  func aKeyWithoutAValueLiftsNothing(_ line: String) async throws {
    let bench = try await Fixture(["cat": "a cat"])
    try configure(bench, line + "max_in_flight: 3\n")
    let run = try await bench.once(environment: ["PROMPTDROP_DAILY_SUBMISSIONS": "0"])
    #expect(run.code == 75 && bench.posts.isEmpty, "\(run)")
  }

  @Test func noneLiftsALimitWhereverItStands() async throws {
    let bench = try await Fixture(["a": "picture a"])
    try configure(bench, "daily_submissions: 0\n")
    #expect(try await bench.once().code == 75)
    let flag = try await bench.once(["--daily-submissions": "none"])
    #expect(flag.code == 0 && bench.posts.count == 1, "\(flag)")
    try bench.root.write("b.prompt", "picture b")
    let variable = try await bench.once(environment: ["PROMPTDROP_DAILY_SUBMISSIONS": "none"])
    #expect(variable.code == 0 && bench.posts.count == 2, "\(variable)")
    try bench.root.write("c.prompt", "picture c")
    try configure(
      bench,
      "daily_submissions: none\ndaily_credits: none\nburst_limit: none\nsubmissions_per_minute: none\nprice: none\n"
        + "root_daily_submissions: none\nroot_daily_credits: none\nlisten: none\npublic_url: none\n")
    let file = try await bench.once()
    #expect(file.code == 0 && bench.posts.count == 3, "\(file)")
  }

  @Test func zeroStaysWhatItWas() async throws {
    let bench = try await Fixture(["a": "picture a"])
    let run = try await bench.once(["--daily-submissions": "0", "--burst-limit": "0", "--submissions-per-minute": "0"])
    #expect(run.code == 75 && bench.posts.isEmpty, "\(run)")
  }

  @Test(arguments: ["--daily-submissions", "--model", "--state-dir", "--settle", "--exclude"])
  func anEmptyFlagIsAnError(_ flag: String) async throws {
    let bench = try await Fixture(["cat": "a cat"])
    let run = try await bench.once([flag: ""])
    #expect(run.code == 78 && run.log.contains(flag) && run.log.contains("without a value"), "\(run)")
    #expect(bench.posts.isEmpty)
  }

  @Test func relativeFoldersOfXDGDoNotCount() async throws {
    let bench = try await Fixture(["cat": "a cat"])
    try bench.home.write("relative/promptdrop/promptdrop.yaml", "daily_submissions: 0\n")
    let run = try await bench.once(
      ["--state-dir": nil], environment: ["XDG_CONFIG_HOME": "relative", "XDG_STATE_HOME": "relative"])
    #expect(run.code == 0 && bench.posts.count == 1, "\(run)")
    #expect(run.log.contains("relative/promptdrop/promptdrop.yaml is not read"), "\(run)")
    #expect(bench.home.exists(".local/state/promptdrop/journal.sqlite"))
    #expect(!bench.home.exists("relative/promptdrop/journal.sqlite"))
  }

  @Test func ofSeveralStateDirectoriesTheFirst() async throws {
    let bench = try await Fixture(["cat": "a cat"])
    let run = try await bench.once(
      ["--state-dir": nil],
      environment: ["STATE_DIRECTORY": bench.home.path("one") + ":" + bench.home.path("two")])
    #expect(run.code == 0 && bench.home.exists("one/journal.sqlite"), "\(run)")
  }

  @Test func aTildeIsTheHomeFolder() async throws {
    let bench = try await Fixture(["cat": "a cat"])
    let run = try await bench.once(["--state-dir": "~/kept here"])
    #expect(run.code == 0 && bench.home.exists("kept here/journal.sqlite"), "\(run)")
    #expect(!bench.home.exists("~"))
    let unknown = try await bench.once(["--state-dir": "~nobody-of-that-name/x"])
    #expect(unknown.code == 78 && unknown.log.contains("nobody-of-that-name"), "\(unknown)")
  }

  @Test func relativePathsInAFileAreRelativeToIt() async throws {
    let bench = try await Fixture(["cat": "a cat"])
    try configure(bench, "state_dir: state-here\napi_key_file: key\n")
    try bench.home.write("config/promptdrop/key", Fixture.key)
    chmod(bench.home.path("config/promptdrop/key"), 0o600)
    let run = try await bench.once(["--state-dir": nil], environment: ["PROMPTDROP_API_KEY": nil])
    #expect(run.code == 0 && bench.home.exists("config/promptdrop/state-here/journal.sqlite"), "\(run)")
  }

  // An earlier version took the same words for another folder: a journal there must not be forgotten.
  @Test(arguments: ["~/state", "state"]) func aJournalAtTheFormerPlaceIsNotForgotten(_ path: String) async throws {
    let bench = try await Fixture(["cat": "a cat"])
    let former = bench.home.path(path)
    try FileManager.default.createDirectory(
      atPath: (former as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
    #expect(try await bench.once(["--state-dir": former]).code == 0)
    try configure(bench, "state_dir: \(path)\n")
    try bench.root.write("dog.prompt", "a dog")
    let refused = try await bench.once(["--state-dir": nil])
    #expect(refused.code == 78 && bench.posts.count == 1, "\(refused)")
    let present = path.hasPrefix("~") ? bench.home.path("state") : bench.home.path("config/promptdrop/state")
    #expect(refused.log.contains(former) && refused.log.contains(present), "\(refused)")
    // What the message says helps.
    try FileManager.default.createDirectory(
      atPath: (present as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
    try FileManager.default.moveItem(atPath: former, toPath: present)
    let run = try await bench.once(["--state-dir": nil])
    #expect(run.code == 0 && bench.posts.count == 2, "\(run)")
  }
}
