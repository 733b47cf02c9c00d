import Foundation
import JobCore
import TestKit
import Testing

/// The tools of the other tests, tested.
@Suite struct TestKitTests {
  @Test func aClockStandsUntilItIsMoved() {
    let clock = ManualClock(wallClock: start, monotonic: .seconds(5))
    clock.advance(by: .milliseconds(1500))
    #expect(clock.wallClock == start + .milliseconds(1500) && clock.monotonic == .milliseconds(6500))
    clock.jumpWallClock(by: .seconds(-86_400))
    #expect(clock.wallClock == start + .milliseconds(1500) + .seconds(-86_400))
    #expect(clock.monotonic == .milliseconds(6500))
  }

  @Test func sleepersWakeWhenTheirMomentHasCome() async throws {
    let clock = ManualClock(monotonic: .zero)
    let surroundings = clock.surroundings()
    try await withThrowingTaskGroup(of: Int.self) { group in
      for second in [3, 1, 2] {
        group.addTask {
          try await surroundings.sleep(.seconds(second))
          return second
        }
      }
      await clock.untilSleeping(3)
      #expect(clock.nextDue == .seconds(1))
      clock.advance(by: .milliseconds(999))
      #expect(clock.sleepers == 3)
      clock.advance(by: .milliseconds(1))
      let awake1 = try await group.next()
      #expect(awake1 == 1)
      #expect(clock.sleepers == 2)
      #expect(clock.advanceToNextSleeper() && clock.monotonic == .seconds(2))
      let awake2 = try await group.next()
      #expect(awake2 == 2)
      clock.jumpWallClock(by: .seconds(86_400))
      #expect(clock.sleepers == 1, "sleeping goes by the monotonic clock")
      clock.advance(by: .seconds(1))
      let awake3 = try await group.next()
      #expect(awake3 == 3)
    }
    #expect(!clock.advanceToNextSleeper())
    try await clock.sleep(until: .seconds(3))
  }

  @Test func aSleepEndsWithItsTask() async {
    let clock = ManualClock()
    let sleeper = Task { try await clock.sleep(until: clock.monotonic + .seconds(1)) }
    await clock.untilSleeping()
    sleeper.cancel()
    await #expect(throws: CancellationError.self) { try await sleeper.value }
    #expect(clock.sleepers == 0)
    let late = Task {
      withUnsafeCurrentTask { $0?.cancel() }
      try await clock.sleep(until: clock.monotonic + .seconds(1))
    }
    await #expect(throws: CancellationError.self) { try await late.value }
  }

  @Test func surroundingsFollowFromTheSeed() {
    let one = ManualClock().surroundings(seed: 7)
    let same = ManualClock().surroundings(seed: 7)
    let other = ManualClock().surroundings(seed: 8)
    let ids = (0..<50).map { _ in one.newID() }
    #expect(ids == (0..<50).map { _ in same.newID() } && ids != (0..<50).map { _ in other.newID() })
    #expect(Set(ids).count == 50)
    #expect(ids.allSatisfy { UUID(uuidString: $0)?.uuidString.lowercased() == $0 })
    let chances = (0..<50).map { _ in one.jitter() }
    #expect(chances == (0..<50).map { _ in same.jitter() } && chances.allSatisfy { (0..<1).contains($0) })
  }

  @Test func aFolderIsFreshAndVanishes() throws {
    var folder: TemporaryFolder? = try TemporaryFolder()
    let path = try #require(folder).path
    #expect(path.hasPrefix("/") && !path.hasPrefix("/tmp/") && FileManager.default.fileExists(atPath: path))
    try folder?.write("a/cat.prompt", "A cat.")
    try folder?.writeByRename("a/cat.prompt", "Ein Käter.")
    try folder?.write(".hidden", bytes: [0, 255])
    #expect(try folder?.read("a/cat.prompt") == "Ein Käter.")
    #expect(try folder?.bytes(".hidden") == [0, 255])
    #expect(try folder?.list() == [".hidden", "a"])
    #expect(try folder?.list("a") == ["cat.prompt"])
    try folder?.rename("a/cat.prompt", to: "dog.prompt")
    #expect(folder?.exists("dog.prompt") == true && folder?.exists("a/cat.prompt") == false)
    try folder?.remove("dog.prompt")
    #expect(folder?.exists("dog.prompt") == false)
    chmod(path + "/a", 0)
    folder = nil
    #expect(!FileManager.default.fileExists(atPath: path))
  }

  @Test func eventuallyReturnsOrTellsWhat() async throws {
    var looks = 0
    // The property tests beside this one can keep both threads for some time.
    try await eventually(within: .seconds(60), "the third look") {
      looks += 1
      return looks == 3
    }
    #expect(looks == 3)
    try await withKnownIssue {
      try await eventually(within: .milliseconds(5), "a miracle") { throw trouble("no-miracle") }
    } matching: { issue in
      "\(issue)".contains("a miracle") && "\(issue)".contains("no-miracle")
    }
  }

  @Test func aChildsOutputAndEndAreHeard() async throws {
    let folder = try TemporaryFolder()
    let child = try ChildProcess(
      "/bin/sh", ["-c", "pwd; echo \"$GREETING\" >&2; echo \"${HOME-none}\"; exit 7"],
      environment: ["GREETING": "Hallo Käter", "HOME": nil], folder: folder.path)
    #expect(try await child.wait() == .exited(7))
    #expect(child.ending == .exited(7))
    #expect(child.standardOutput == "\(folder.path)\nnone\n" && child.standardError == "Hallo Käter\n")
    child.terminate()
    #expect(throws: FileTrouble.self) { try ChildProcess("/nowhere/at-all") }
  }

  @Test func aChildIsStoppedBySignalOrWithItsValue() async throws {
    let child = try ChildProcess(
      "/bin/sh", ["-c", "trap 'echo bye; exit 3' TERM; echo ready; while :; do sleep 0.02; done"])
    try await eventually("the child is ready") { child.standardOutput == "ready\n" }
    await #expect(throws: DidNotHappen.self) { try await child.wait(within: .milliseconds(5)) }
    child.terminate()
    #expect(try await child.wait() == .exited(3))
    #expect(child.standardOutput == "ready\nbye\n")

    var forgotten: ChildProcess? = try ChildProcess("/bin/sleep", ["1000"])
    let processID = try #require(forgotten).processID
    #expect(kill(processID, 0) == 0)
    forgotten = nil
    try await eventually("the forgotten child is gone") { kill(processID, 0) != 0 }
  }

  @Test func aChildDiesOfASignal() async throws {
    let child = try ChildProcess("/bin/sleep", ["1000"])
    child.terminate(SIGKILL)
    #expect(try await child.wait() == .signalled(SIGKILL))
  }

  /// A test runner that crashes takes its children along.
  @Test(.enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/setpriv")))
  func aChildDoesNotOutliveItsParent() async throws {
    let folder = try TemporaryFolder()
    await #expect(processExitsWith: .signal(SIGKILL)) { [path = folder.path as String] in
      // What the killed process leaves behind goes with the folder.
      setenv("PROMPTDROP_TEST_DIR", path, 1)
      let child = try ChildProcess("/bin/sh", ["-c", "echo $$ > child; exec sleep 1000"], folder: path)
      try await eventually("the child runs") {
        (try? String(contentsOfFile: path + "/child", encoding: .utf8))?.last == "\n"
      }
      kill(getpid(), SIGKILL)
      withExtendedLifetime(child) {}
    }
    let processID = try #require(Int32(try folder.read("child").dropLast()))
    try await eventually("the child is gone") { kill(processID, 0) != 0 }
  }

  @Test func theBuiltProductsAreBesideTheTests() throws {
    let names = try FileManager.default.contentsOfDirectory(atPath: ChildProcess.builtProducts)
    #expect(names.contains { $0.hasSuffix(".xctest") })
  }

  @Test func theGeneratorIsTheKnownOne() {
    var random = SplitMix64(seed: 1_234_567)
    #expect(random.next() == 6_457_827_717_110_365_317 && random.next() == 3_203_168_211_198_807_973)
    #expect(random.seed == 1_234_567)
  }
}
