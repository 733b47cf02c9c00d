import Foundation
import ProgramKit
import TestKit
import Testing

/// Limits of a day hold over restarts; who raises them lets go what waited.
@Suite(.serialized) struct SpendTests {
  private func prompts(_ count: Int) -> [String: String] {
    Dictionary(uniqueKeysWithValues: (0..<count).map { ("p\($0)", "picture \($0)") })
  }

  @Test func submissionsOfADayAreCountedOverRestarts() async throws {
    let bench = try await Fixture(prompts(5))
    for _ in 0..<2 {
      let run = try await bench.once(["--daily-submissions": "2"])
      #expect(run.code == 75 && bench.posts.count == 2 && run.log.contains("the limit is 2"), "\(run)")
    }
    let queued = try (0..<5).map { try bench.sidecar("p\($0)") }.filter { $0.state == "queued" }
    #expect(queued.count == 3)
    #expect(
      queued.allSatisfy { $0.code == "daily-limit" && $0.explains && $0.nextAttemptAt?.contains("T00:00:00") == true })
    let more = try await bench.once(["--daily-submissions": "4"])
    #expect(more.code == 75 && bench.posts.count == 4, "\(more)")
    let all = try await bench.once()
    #expect(all.code == 0 && bench.posts.count == 5, "\(all)")
  }

  @Test func creditsWithAPriceAreSetAsideBeforehand() async throws {
    let bench = try await Fixture(prompts(5))
    for _ in 0..<2 {
      let run = try await bench.once(["--daily-credits": "1.2", "--price": "0.5"])
      #expect(run.code == 75 && bench.posts.count == 2 && run.log.contains("1.2"), "\(run)")
    }
    let none = try await bench.once(["--daily-credits": "0.3", "--price": "0.5"])
    #expect(none.code == 75 && bench.posts.count == 2, "\(none)")
    let more = try await bench.once(["--daily-credits": "2.5", "--price": "0.5"])
    #expect(more.code == 0 && bench.posts.count == 5, "\(more)")
  }

  /// A tenth is what each costs: what was set aside beyond that is used in the same run.
  @Test func creditsThatAreGivenBackAreUsedInTheSameRun() async throws {
    let bench = try await Fixture(prompts(8)) { $0.consumed = "0.1" }
    let run = try await bench.once(["--daily-credits": "1", "--price": "0.5"])
    #expect(run.code == 75 && bench.posts.count == 6 && run.log.contains("limit is 1."), "\(run)")
    let few = try await Fixture(prompts(5)) { $0.consumed = "0.1" }
    let all = try await few.once(["--daily-credits": "1", "--price": "0.5"])
    #expect(all.code == 0 && few.posts.count == 5, "\(all)")
  }

  @Test func creditsWithoutAPriceAreLearned() async throws {
    let bench = try await Fixture(prompts(5), delay: .milliseconds(200))
    let run = try await bench.once(["--daily-credits": "1.2"])
    #expect(run.code == 75 && bench.posts.count == 2, "\(run)")
    // What it cost is known once the first picture is finished, and not before.
    let times = bench.posts.map(\.receivedAt)
    #expect(times.count == 2 && times[1] - times[0] >= .milliseconds(200))
    let again = try await bench.once(["--daily-credits": "1.2"])
    #expect(again.code == 75 && bench.posts.count == 2, "\(again)")
  }

  @Test(arguments: [["--root-daily-submissions": "2"], ["--root-daily-credits": "1", "--price": "0.5"]])
  func eachFolderHasItsOwn(_ limit: [String: String]) async throws {
    let bench = try await Fixture(prompts(3))
    let second = try TemporaryFolder()
    for number in 0..<3 { try second.write("q\(number).prompt", "other \(number)") }
    for _ in 0..<2 {
      let run = try await bench.once(limit.mapValues { $0 }, roots: [bench.root.path, second.path])
      #expect(run.code == 75 && run.log.contains("of this folder"), "\(run)")
      #expect(bench.paid.count { $0.hasPrefix("picture") } == 2 && bench.paid.count { $0.hasPrefix("other") } == 2)
    }
  }

  @Test func whatIsRefusedIsFree() async throws {
    var texts = prompts(2)
    for number in 0..<2 { texts["bad\(number)"] = "bad \(number) [sandbox: submit-code=bad \(number)]" }
    texts["slow"] = "slow [sandbox: submit-retry-after=1:1]"
    let bench = try await Fixture(texts)
    let run = try await bench.once(["--daily-submissions": "3", "--max-in-flight": "1"])
    #expect(run.code == 1 && bench.paid.count == 3, "\(run)")
    #expect(try await bench.status().today.submissions == 3)
  }

  @Test(arguments: [["--daily-submissions": "1"], ["--daily-credits": "0.5", "--price": "0.5"]])
  func whatIsInDoubtIsOnTheBill(_ limit: [String: String]) async throws {
    let bench = try await Fixture(["doubt": "doubt [sandbox: submit-no-answer]"])
    let flags = limit.mapValues { Optional($0) }
    _ = try await bench.once(flags)
    try bench.root.write("next.prompt", "next")
    _ = try await bench.once(flags)
    #expect(try bench.isIn("next", "queued") && bench.posts.count == 1)
    // Given up is not given back: it may have been paid for.
    #expect(try await bench.run("resolve", [bench.root.path("doubt.prompt"), "--abandon"]).code == 0)
    let run = try await bench.once(flags)
    #expect(run.code == 75 && bench.posts.count == 1, "\(run)")
    #expect(try await bench.status().today.submissions == 1)
  }

  @Test(arguments: [["--daily-submissions": "many"], ["--daily-credits": "1,5"], ["--price": "0.1.2"]])
  func nonsenseIsRefused(_ limit: [String: String]) async throws {
    let bench = try await Fixture(prompts(1))
    let run = try await bench.once(limit.mapValues { $0 })
    #expect(run.code == 78 && bench.posts.isEmpty, "\(run)")
  }
}
