import Foundation
import JobCore
import TestKit
import Testing

@testable import Agent

extension Pipelines {
  /// Under a limit it matters who goes first: who came first, and of those who came together, by name.
  @Suite struct OrderTests {
    private static func posted(_ bench: AgentFixture) -> [String] { bench.service.posts.map(\.prompt) }

    @Test func whoCameFirstGoesFirst() async throws {
      try await AgentFixture.with(settings: { $0.spending.submissions = 0 }) { bench in
        let order = ["m", "c", "z", "a", "q", "b"]
        for name in order {
          try await bench.drop(name)
          try await bench.pass(.seconds(2))
        }
        #expect(Self.posted(bench).isEmpty)
        try await bench.stop()
        try await bench.start { ($0.spending.submissions, $0.maxInFlight) = (4, 1) }
        try await bench.until("four are made", within: .seconds(600)) { $0.service.posts.count == 4 }
        #expect(Self.posted(bench) == Array(order.prefix(4)))
        // All of the rest wait for the same midnight.
        try await bench.until("the rest is made", within: .seconds(90_000)) { $0.service.posts.count == 6 }
        #expect(Self.posted(bench) == order)
      }
    }

    // At a first look nobody knows when they came: their own time tells.
    @Test func whatWasThereBeforeGoesByItsTime() async throws {
      let old = ["s6": 600.0, "s1": 500, "s3": 400, "s2": 300, "same-b": 200, "same-a": 200]
      try await AgentFixture.with(
        settings: { ($0.spending.submissions, $0.maxInFlight) = (5, 1) },
        prepare: { place, _ in
          for (name, age) in old {
            try place.write("root/\(name).prompt", name)
            try FileManager.default.setAttributes(
              [.modificationDate: Date(timeIntervalSince1970: 1_700_000_000 - age)],
              ofItemAtPath: place.path("root/\(name).prompt"))
          }
        }
      ) { bench in
        try await bench.until("five are made", within: .seconds(600)) { $0.service.posts.count == 5 }
        #expect(Self.posted(bench) == ["s6", "s1", "s3", "s2", "same-a"])
      }
    }

    // Whether one is a copy or another's new name is asked for all that come together, not behind one another.
    @Test func whatComesTogetherIsLookedUpTogether() async throws {
      try await AgentFixture.with(prepare: { place, _ in
        for name in names(60) { try place.write("root/\(name).prompt", name) }
      }) { bench in
        try await bench.until("all are made") { $0.service.posts.count == 60 }
        #expect(bench.process.journal.sourceQuestions <= 6)
      }
    }
  }
}
