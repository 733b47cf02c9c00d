import Foundation
import SandboxServer
import Synchronization
import Testing

struct LedgerTests {
  @Test func recordsEverySubmit() async throws {
    try await Fixture.run { bench in
      let id = try await bench.accepted("first", extra: ["images": ["https://a.example/1"]])
      _ = try await bench.submit("", headers: ["Content-Type": "application/json"])
      let entries = bench.sandbox.ledger()
      #expect(entries.map(\.number) == [1, 2])
      #expect(entries.map(\.status) == [200, 401])
      #expect(entries.map(\.taskID) == [id, nil])
      #expect(entries.map(\.hasAuthorization) == [true, false])
      #expect(entries[0].prompt == "first" && entries[0].model == "google/gempix2")
      #expect(entries[0].images == ["https://a.example/1"])
      #expect(entries[0].headerNames.contains("Authorization"))
      let body = try JSONSerialization.jsonObject(with: entries[0].body) as? [String: Any]
      #expect(body?["prompt"] as? String == "first")
    }
  }

  @Test func staysBounded() async throws {
    let change: (inout SandboxOptions) -> Void = {
      $0.keepBodies = false
      $0.ledgerLimit = 2
    }
    try await Fixture.run(options: change) { bench in
      for prompt in ["a", "b", "c"] { _ = try await bench.accepted(prompt) }
      let entries = bench.sandbox.ledger()
      #expect(entries.map(\.prompt) == ["b", "c"])
      #expect(entries.map(\.number) == [2, 3])
      #expect(entries.allSatisfy { $0.body.isEmpty && $0.bodySize > 0 && $0.status == 200 })
    }
  }

  @Test func tasksAreForgotten() async throws {
    try await Fixture.run(options: { $0.retention = .milliseconds(1) }) { bench in
      let id = try await bench.accepted()
      try await eventually {
        _ = try await bench.accepted("another")
        return try await bench.query(id).status == 404
      }
    }
  }

  @Test func adminEndpoints() async throws {
    try await Fixture.run { bench in
      let port = bench.sandbox.port
      let id = try await bench.accepted("quoted \"words\"\nand lines")
      _ = try await bench.fetch(try #require(try await bench.links(id).first), headers: ["Authorization": "Bearer k"])
      let ledger = try await RawHTTP.exchange("GET", "/sandbox/ledger", port: port).json()
      let first = try #require((ledger["submissions"] as? [[String: Any]])?.first)
      #expect(first["number"] as? Int == 1 && first["status"] as? Int == 200)
      #expect(first["task_id"] as? String == id)
      #expect(first["prompt"] as? String == "quoted \"words\"\nand lines")
      #expect(first["authorization"] as? Bool == true)
      #expect((first["body"] as? String)?.contains("google") == true)
      #expect(ledger["queries"] as? Int == 1 && ledger["fetches"] as? Int == 1)
      #expect(ledger["leaked_keys"] as? Int == 1)

      let lines = Data("query-status=503:2\n\n image-html \n".utf8)
      let added = try await RawHTTP.exchange("POST", "/sandbox/faults", port: port, body: lines)
      #expect(try added.json()["faults"] as? [String] == ["query-status=503:2", "image-html"])
      #expect(try await bench.query(id).status == 503)
      let bad = try await RawHTTP.exchange("POST", "/sandbox/faults", port: port, body: Data("image-html\nnope".utf8))
      #expect(bad.status == 400 && bad.text.contains("submit-status=CODE"))
      let left = try await RawHTTP.exchange("GET", "/sandbox/faults", port: port)
      #expect(try left.json()["faults"] as? [String] == ["query-status=503:1", "image-html"])
      let none = try await RawHTTP.exchange("DELETE", "/sandbox/faults", port: port)
      #expect(none.text == #"{"faults":[]}"#)
      #expect(try await bench.query(id).status == 200)
    }
  }

  @Test func logsWithoutTheKey() async throws {
    let lines = Lines()
    try await Fixture.run(["submit-status=429:1"], options: { $0.log = { lines.add($0) } }) { bench in
      _ = try await bench.submit()
      let id = try await bench.accepted()
      _ = try await bench.query(id)
      #expect(
        lines.all == [
          "POST /api/image/gen 429 - fault=submit-status=429", "POST /api/image/gen 200 \(id)",
          "GET /api/task/query 200 \(id)",
        ])
    }
  }
}

/// Lines from another thread.
final class Lines: Sendable {
  private let lines = Mutex<[String]>([])
  var all: [String] { lines.withLock { $0 } }
  func add(_ line: String) { lines.withLock { $0.append(line) } }
}
