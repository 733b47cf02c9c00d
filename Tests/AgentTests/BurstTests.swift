import JobCore
import TestKit
import Testing

@testable import Agent

extension Pipelines {
  /// More new prompts than anybody meant to make.
  @Suite struct BurstTests {
    // 250 in the root, 250 below it, all there at the start.
    static func with(_ body: (AgentFixture) async throws -> Void) async throws {
      try await AgentFixture.with(
        settings: { $0.burstLimit = 200 },
        prepare: { place, _ in
          for name in names(250) {
            try place.write("root/\(name).prompt", name)
            try place.write("root/sub/\(name).prompt", "s" + name)
          }
        }, body)
    }

    @Test func theFirstTwoHundredGoTheRestIsHeld() async throws {
      try await Self.with { bench in
        try await bench.until("200 are done", within: .seconds(600)) { try await $0.census()[.done] == 200 }
        #expect(try await bench.census()[.held] == 300)
        let all = names(250) + names(250).map { "sub/" + $0 }
        let held = try #require(try await bench.all(all, .held).last)
        #expect(try await bench.reason(held) == .burst)
        try await bench.pass(.seconds(300))
        #expect(try bench.sidecar(held)?.reason == "burst")
        #expect(bench.service.posts.count == 200, "held is held, however long it takes")

        // A minute later a new one goes; those that are held stay so, over a restart too.
        try await bench.drop("new")
        try await bench.until("the new one is done") { try await $0.state("new") == .done }
        try await bench.stop()
        try await bench.start()
        try await bench.pass(.seconds(120))
        #expect(try await bench.census()[.held] == 300)

        // A file, a folder, everything.
        var reply = await bench.ask(.approve, [held + ".prompt"])
        #expect(reply.oks == [true])
        try await bench.until("it is done") { try await $0.state(held) == .done }
        #expect(bench.service.posts.count == 202)
        let inSub = try await bench.all(names(250).map { "sub/" + $0 }, .held).count
        reply = await bench.ask(.approve, ["sub"])
        #expect(reply.files.count == inSub)
        try await bench.until("that folder is done", within: .seconds(600)) {
          try await $0.census()[.done] == 202 + inSub
        }
        #expect(bench.service.posts.count == 202 + inSub)
        reply = await bench.ask(.approve)
        #expect(reply.files.allSatisfy { $0.ok })
        try await bench.until("all are done", within: .seconds(600)) { try await $0.census()[.done] == 501 }
        #expect(bench.service.posts.count == 501)
        #expect(bench.service.paidTwice == [])
      }
    }

    @Test func switchedOffItHoldsNothing() async throws {
      try await Self.with { bench in
        try await bench.until("300 are held") { try await $0.census()[.held] == 300 }
        try await bench.stop()
        try await bench.start { $0.burstLimit = 0 }
        try await bench.until("all are done", within: .seconds(600)) { try await $0.census()[.done] == 500 }
        #expect(bench.service.posts.count == 500)
      }
    }

    @Test func retriesDoNotCount() async throws {
      try await AgentFixture.with(settings: { $0.burstLimit = 3 }) { bench in
        bench.service.onSubmit { _, n in n < 3 ? .unreachable : .accept() }
        try await bench.drop(names(3))
        try await bench.until("all are done") { try await $0.census()[.done] == 3 }
        #expect(try await bench.census()[.held] ?? 0 == 0)
      }
    }
  }
}

extension AgentFixture {
  /// Those of these prompts that are in a state.
  func all(_ names: [String], _ state: StateName) async throws -> [String] {
    var found: [String] = []
    for name in names where try await self.state(name) == state { found.append(name) }
    return found
  }
}
