import JobCore
import TestKit
import Testing

/// Commands that people copy from hints.
@Suite struct CommandHintsTests {
  private static let paths: [[UInt8]] =
    [
      "/drop/cat.prompt", "/drop/a cat.prompt", "/it's/'q'.prompt", "/back\\slash'.prompt", "/`tick`.prompt",
      "/$HOME;ls.prompt",
      "/caf\u{E9} e\u{301}.prompt", "/line\nfeed.prompt", "/\u{200B}unseen\u{202E}7.prompt", "/猫.prompt",
    ].map { Array($0.utf8) } + [[0x2F, 0x66, 0xFF, 0x37, 0x27, 0x5C, 0x20, 0x78], [0x2F, 0x01, 0x31]]

  @Test(arguments: paths) func aShellReadsAPathAsItIs(_ path: [UInt8]) async throws {
    let word = ShellText.path(path)
    let shell = try ChildProcess("/bin/bash", ["-c", "printf %s \(word) | od -An -v -tx1 -w4096"])
    #expect(try await shell.wait(within: .seconds(20)) == .exited(0), "\(shell.standardError)")
    let bytes = shell.standardOutput.split(whereSeparator: \.isWhitespace).compactMap { UInt8($0, radix: 16) }
    #expect(bytes == path, "\(word)")
  }

  @Test(arguments: paths, ["", " --state-dir /state", " --state-dir '/my state'"])
  func aPathTakesThePlaceOfFileAndGivesItBack(_ path: [UInt8], _ flags: String) {
    for hint in [Slot.decideHint, "Run `promptdrop retry FILE`.", "`promptdrop approve FILE`, or do nothing."] {
      let error = JobError(code: .refused, message: "No.", hint: hint)
      let named = error.naming(ShellText.path(path) + flags)
      #expect(error.hasCommand && named.hint?.contains("FILE") == false)
      #expect(named.hint?.contains(ShellText.path(path) + flags) == true)
      #expect(named.withoutPath == error)
    }
  }

  @Test func otherHintsStayAsTheyAre() {
    for hint in [nil, "", "Free some space.", "`promptdrop status` lists them.", "promptdrop retry"] {
      let error = JobError(code: .diskFull, message: "No.", hint: hint)
      #expect(!error.hasCommand && error.naming("/x") == error && error.withoutPath == error)
    }
  }

  @Test(arguments: ["'/never closed", "$'/x\\", "'", "", "`", "/a b c"]) func whateverASidecarSaysIsReadToItsEnd(
    _ word: String
  ) {
    let error = JobError(code: .refused, message: "No.", hint: "`promptdrop retry \(word)")
    #expect(error.withoutPath.hint?.hasPrefix("`promptdrop retry FILE") == true)
  }

  @Test func whatIsReadBackNamesNoPlace() throws {
    let identity = Identity(prompt: "p", source: "s", list: nil, request: "r")
    let revision = Revision(
      number: 1, identity: identity, snapshot: Snapshot(prompt: "p", model: "m"), count: 1, takenAt: start)
    let error = JobError(code: .held(.taskOfAnother), message: "Another's.", hint: Slot.decideHint)
    let job = makeJob([slot(.held(Held(reason: .taskOfAnother, error: error)))], revisions: [revision])
    var sidecar = StatusSidecar(of: job, now: start, agentVersion: "1", agentHost: "h")
    sidecar.error = sidecar.error?.naming("'/old place/cat.prompt' --state-dir /old")
    let adopted = try #require(Adoption(sidecar, identity, count: 1, now: start)?.slots(job: job.id, revision: 1).first)
    #expect(adopted.state.error == error)
  }
}
