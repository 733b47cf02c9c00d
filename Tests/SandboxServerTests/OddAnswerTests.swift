import Foundation
import SandboxServer
import Testing

/// Shapes, encodings and ids that nothing documents.
struct OddAnswerTests {
  private func result(_ spec: String, _ bench: Fixture) async throws -> Any? {
    try await bench.query(try await bench.accepted("[sandbox: \(spec)]")).data()["result"]
  }

  @Test func shapes() async throws {
    try await Fixture.run { bench in
      let key = try #require(try await result("result-key=image_url", bench) as? [[String: String]])
      #expect(key.first?.keys.sorted() == ["image_url"])
      #expect(try await isWholePNG(bench.fetch(try #require(key.first?["image_url"])).body))
      let text = try #require(try await result("result-json-string", bench) as? String)
      let inner = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [[String: String]]
      #expect(inner?.first?["image"]?.hasPrefix("http://") == true)
      let element = try #require(try await result("result-null-element", bench) as? [Any])
      #expect(element.count == 2 && element[0] is NSNull && (element[1] as? [String: String])?["image"] != nil)
      let blanks = try #require(try await result("result-blanks", bench) as? [[String: String]]).first?["image"]
      #expect(blanks?.hasPrefix("  http://") == true && blanks?.hasSuffix("\n") == true)
      let relative = try #require(try await result("result-relative", bench) as? [[String: String]]).first?["image"]
      #expect(relative?.hasPrefix("/images/") == true)
      let base64 = try #require(try await result("result-base64", bench) as? [[String: String]]).first?["image"]
      #expect(isWholePNG(try #require(base64.flatMap { Data(base64Encoded: $0) })))
      let preview = try #require(try await result("result-preview", bench) as? [String: String])
      #expect(preview.keys.sorted() == ["image_url", "thumbnail_url"])
      #expect(try await Set((result("result-two", bench) as? [String: String] ?? [:]).values).count == 2)
      #expect(try await (result("result-odd", bench) as? [[String: Any]])?.first?["ready"] as? Bool == true)
      let missing = try await bench.query(try await bench.accepted("[sandbox: result-missing]")).data()
      #expect(missing["status"] as? String == "success" && missing.keys.contains("consumed"))
      #expect(!missing.keys.contains("result"))
    }
  }

  @Test func anotherTask() async throws {
    try await Fixture.run { bench in
      let id = try await bench.accepted("[sandbox: query-other-task:1]")
      let other = try #require(try await bench.query(id).data()["task_id"] as? String)
      #expect(other != id && !other.isEmpty)
      #expect(try await bench.query(id).data()["task_id"] as? String == id)
    }
  }

  @Test func theSameTaskTwice() async throws {
    try await Fixture.run { bench in
      let first = try await bench.accepted()
      let answer = try await bench.submit("[sandbox: submit-same-task] dog").data()
      #expect(answer["task_id"] as? String == first)
      let ids = bench.sandbox.ledger().map(\.taskID)
      #expect(ids.count == 2 && ids[0] == first && ids[1] != first, "the ledger has what was made")
    }
  }

  @Test(arguments: [("gzip", "gzip"), ("deflate", "deflate"), ("deflate-raw", "deflate"), ("damaged", "gzip")])
  func encodings(coding: String, name: String) async throws {
    try await Fixture.run(["submit-encoding=\(coding)", "query-encoding=\(coding)", "image-encoding=\(coding):1"]) {
      bench in
      let submitted = try await bench.submit("a red fox")
      #expect(submitted.headers["content-encoding"] == name)
      #expect(submitted.headers["content-length"] == "\(submitted.body.count)")
      #expect((try? submitted.json()) == nil, "it is compressed")
      let id = try #require(bench.sandbox.ledger().first?.taskID)
      let queried = try await bench.query(id)
      #expect(queried.headers["content-encoding"] == name && (try? queried.json()) == nil)
      let link = "\(bench.sandbox.baseURL)/images/\(id)-1.png"
      #expect(try await bench.fetch(link).headers["content-encoding"] == name)
      let plain = try await bench.fetch(link)
      #expect(plain.headers["content-encoding"] == nil && isWholePNG(plain.body))
    }
  }

  @Test(arguments: ["submit-encoding=br", "query-encoding", "image-encoding=", "result-key", "submit-same-task=1"])
  func refuses(spec: String) { #expect(throws: FaultSpecError.self) { try Fault(parsing: spec) } }
}
