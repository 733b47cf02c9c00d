import JobCore
import TestKit
import Testing

@testable import Agent

extension Pipelines {
  /// That the bench itself works.
  @Suite struct BenchTests {
    @Test func aPromptBecomesAPicture() async throws {
      try await AgentFixture.with { bench in
        try await bench.drop("cat")
        try await bench.until("done") { try await $0.state("cat") == .done }
        #expect(try bench.hasPicture("cat"))
        #expect(bench.service.posts.count == 1)
        #expect(try bench.sidecar("cat")?.state == .done)
        try await bench.stop()
        try await bench.start()
        try await bench.pass(.seconds(100))
        #expect(bench.service.posts.count == 1)
      }
    }
  }
}
