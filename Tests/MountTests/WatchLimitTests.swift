import Foundation
import ProgramKit
import TestKit
import Testing

extension Mounts {
  /// The kernel has no more watches, instances or descriptors to give: all prompts are found all the same.
  @Suite struct WatchLimits {
    private static let flags: [String: String?] = ["--rescan": "3s"]

    private func limited(_ test: String, watches: Int? = nil, instances: Int? = nil) throws -> [String]? {
      try Machine.allowed(test) { try Limits.namespace(watches: watches, instances: instances) }
    }

    /// Whether it names the command that raises a limit of inotify's, whole.
    private func isCommand(_ hint: String?, _ limit: String) -> Bool {
      let command = hint?.firstMatch(of: /sysctl .*(?:fs\.inotify\.max_user|user\.max_inotify)_(\w+)=\d+/)
      return command.map { $0.1 == limit } ?? false
    }

    @Test func whatCannotBeWatchedIsPolled() async throws {
      guard let wrapper = try limited("out of watches", watches: 12) else { return }
      let bench = try await Fixture()
      let names = (0..<30).map { "drop/f\($0)/x" }
      for name in names { try bench.root.write("\(name).prompt", name) }
      let agent = try await bench.agent(Self.flags, folders: ["drop"], through: wrapper)
      defer { agent.terminate(SIGKILL) }
      try await bench.waitForAll(names, agent)
      #expect(try Watches.of(agent) <= 12)
      let reported = try await bench.reported().folders
      let polled = reported.filter { $0.mode == "polling" }
      let drop = bench.root.path("drop")
      #expect(!polled.isEmpty && polled.allSatisfy { $0.path == drop || $0.path.hasPrefix(drop + "/") }, "\(reported)")
      #expect(polled.allSatisfy { $0.interval == 0.5 && $0.explains && isCommand($0.hint, "watches") }, "\(reported)")
      let said = agent.logged("out-of-watches")
      #expect(said.contains { isCommand($0, "watches") }, "\(agent.standardError)")
      #expect(said.count < 10, "once, not for each folder: \(said)")

      // What comes later: in each folder, in new ones, in ones that are moved.
      let later = (0..<30).map { "drop/f\($0)/y" } + (0..<5).map { "drop/new\($0)/a/b/z" }
      for name in later { try bench.root.write("\(name).prompt", name) }
      try await bench.waitForAll(later, agent)
      for number in 0..<5 { try bench.root.rename("drop/f\(number)", to: "drop/g\(number)") }
      let last = (0..<5).map { "drop/g\($0)/w" }
      for name in last { try bench.root.write("\(name).prompt", name) }
      try await bench.waitForAll(last, agent)
      #expect(bench.posts.count == 70 && Set(bench.paid).count == 70, "\(agent.standardError.suffix(3000))")
      #expect(Set(try bench.root.list("drop")).isDisjoint(with: (0..<5).map { "f\($0)" }))
    }

    @Test func whenThereAreWatchesAgainTheyAreUsed() async throws {
      guard let wrapper = try limited("more watches", watches: 5) else { return }
      let bench = try await Fixture()
      for number in 0..<20 { try bench.root.makeFolder("drop/f\(number)/sub") }
      let agent = try await bench.agent(Self.flags, folders: ["drop"], through: wrapper)
      defer { agent.terminate(SIGKILL) }
      try await eventually(within: .seconds(15), "a part is polled: \(agent.standardError)") {
        try await bench.reported().folders.contains { $0.mode == "polling" }
      }
      let before = agent.standardError.utf8.count
      try Limits.set(agent, watches: 1000)
      try await eventually(within: .seconds(30), "all is watched: \(agent.standardError)") {
        let reported = try await bench.reported().folders
        return !reported.isEmpty && reported.allSatisfy { $0.mode == "inotify" }
      }
      #expect(try Watches.of(agent) >= 41)
      let news = String(decoding: agent.standardError.utf8.dropFirst(before), as: UTF8.self)
      #expect(news.contains("inotify") || news.contains("watch"), "it is said: \(news)")
      try bench.root.write("drop/f19/sub/cat.prompt", "a cat")
      try await bench.waitFor("drop/f19/sub/cat", "done")
      #expect(bench.posts.count == 1)
    }

    // The limit is the user's, not the program's: somebody else takes the watches while it runs.
    @Test func whenTheyRunOutLaterNothingIsLost() async throws {
      guard let wrapper = try limited("watches that run out", watches: 1000) else { return }
      let bench = try await Fixture()
      let agent = try await bench.agent(folders: ["drop"], through: wrapper)
      defer { agent.terminate(SIGKILL) }
      try Limits.set(agent, watches: 1)
      let names = (0..<20).map { "drop/f\($0)/a/x" }
      for name in names { try bench.root.write("\(name).prompt", name) }
      try await bench.waitForAll(names, agent)
      #expect(bench.posts.count == 20 && !agent.logged("out-of-watches").isEmpty, "\(agent.standardError)")
    }

    @Test func withoutAnInstanceEverythingIsPolled() async throws {
      guard let wrapper = try limited("out of instances", instances: 0) else { return }
      let bench = try await Fixture()
      try bench.root.write("drop/a/cat.prompt", "a cat")
      let agent = try await bench.agent(Self.flags, folders: ["drop"], through: wrapper)
      defer { agent.terminate(SIGKILL) }
      try await bench.waitFor("drop/a/cat", "done")
      let folder = try await bench.waitForFolder("drop", "polling")
      #expect(folder.interval == 0.5 && folder.explains && isCommand(folder.hint, "instances"), "\(folder)")
      #expect(agent.logged("inotify-unavailable").contains { isCommand($0, "instances") }, "\(agent.standardError)")
      try bench.root.write("drop/b/c/dog.prompt", "a dog")
      try await bench.waitFor("drop/b/c/dog", "done")
      try Limits.set(agent, instances: 10)
      try await bench.waitForFolder("drop", "inotify", within: .seconds(30))
      #expect(try Watches.of(agent) >= 4)
      try bench.root.write("drop/b/c/owl.prompt", "an owl")
      try await bench.waitFor("drop/b/c/owl", "done")
      #expect(bench.paid == ["a cat", "a dog", "an owl"], "\(agent.standardError)")
    }

    @Test(arguments: [0, 5]) func oneRunNeedsNoWatches(instances: Int) async throws {
      guard let wrapper = try limited("one run without watches", watches: 1, instances: instances) else { return }
      let bench = try await Fixture()
      for number in 0..<10 { try bench.root.write("f\(number)/x.prompt", "x \(number)") }
      let run = try await bench.once(through: wrapper)
      #expect(run.code == 0 && bench.posts.count == 10, "\(run)")
    }
  }
}
