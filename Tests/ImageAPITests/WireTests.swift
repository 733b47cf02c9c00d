import Foundation
import ImageAPI
import JobCore
import SandboxServer
import Testing

@Suite struct WireTests {
  private static let yes = "{\"code\":0,\"message\":\"ok\",\"data\":{\"task_id\":\"ta1\"}}"

  private func sent(
    _ request: SubmitRequest, base suffix: String = ""
  ) async throws -> (request: RawServer.Request, fields: [String: Any]) {
    let server = try RawServer { connection in
      while connection.readRequest() != nil { connection.answer("200 OK", Self.yes) }
    }
    defer { server.stop() }
    try await ServiceFixture.run(at: server.baseURL + suffix) { bench in
      #expect(await bench.service.submit(request) == .accepted(taskID: "ta1"))
    }
    let only = try #require(server.requests.first)
    #expect(server.requests.count == 1)
    let fields = try #require(try JSONSerialization.jsonObject(with: Data(only.body)) as? [String: Any])
    return (only, fields)
  }

  @Test(arguments: ["", "/"])
  func `The smallest submission`(suffix: String) async throws {
    let (request, fields) = try await sent(
      SubmitRequest(snapshot: Snapshot(prompt: "a red fox", model: "m", owner: "desk"), images: []), base: suffix)
    #expect(request.line == "POST /api/image/gen HTTP/1.1")
    #expect(request.header("Authorization") == ["Bearer \(ServiceFixture.key)"])
    #expect(request.header("Content-Type") == ["application/json"])
    #expect(request.header("User-Agent") == ["promptdrop/1.2.3"])
    #expect(request.header("Content-Length") == ["\(request.body.count)"])
    #expect(request.header("Expect").isEmpty && request.header("Transfer-Encoding").isEmpty)
    #expect(Set(fields.keys) == ["model", "prompt"])
    #expect(fields["model"] as? String == "m")
    #expect(fields["prompt"] as? String == "a red fox")
  }

  @Test func `A path in the base URL is kept`() async throws {
    let (request, _) = try await sent(
      SubmitRequest(snapshot: Snapshot(prompt: "fox", model: "m"), images: []), base: "/proxy/v1")
    #expect(request.line == "POST /proxy/v1/api/image/gen HTTP/1.1")
  }

  @Test func `Every field, and what is passed on as it is`() async throws {
    let png: [UInt8] = Array(0...255)
    let snapshot = Snapshot(
      prompt: "a \"red\" fox\\\nin\tthe snow \u{1} 🦊 \u{2028} é", model: "google/gempix2",
      images: [ImageInput(path: "not/this.png", sha256: "ab", bytes: 1)], aspectRatio: "16:9", imageSize: "2k",
      extra: [
        "seed": .integer(.max), "strength": .number(0.25), "tags": .array([.string("a"), .null, .bool(true)]),
        "deep": .object(["a": .object([:])]),
      ])
    let (_, fields) = try await sent(
      SubmitRequest(
        snapshot: snapshot,
        images: [
          .url("https://i.example/a.png?x=1&y=\"2\""), .data(png, .png), .data([1], .jpeg), .data([2, 3], .webp),
        ]))
    #expect(
      Set(fields.keys)
        == ["model", "prompt", "images", "aspect_ratio", "image_size", "seed", "strength", "tags", "deep"])
    #expect(fields["prompt"] as? String == snapshot.prompt)
    #expect(fields["aspect_ratio"] as? String == "16:9")
    #expect(fields["image_size"] as? String == "2k")
    let images = try #require(fields["images"] as? [String])
    #expect(
      images == [
        "https://i.example/a.png?x=1&y=\"2\"", "data:image/png;base64,\(Data(png).base64EncodedString())",
        "data:image/jpeg;base64,AQ==", "data:image/webp;base64,AgM=",
      ])
    #expect(fields["seed"] as? Int64 == .max)
    #expect(fields["strength"] as? Double == 0.25)
    #expect((fields["tags"] as? [Any])?.count == 3)
    #expect((fields["deep"] as? [String: Any])?["a"] != nil)
  }

  @Test func `The sandbox takes it, and pays once`() async throws {
    try await ServiceFixture.run(sandbox: []) { bench, sandbox in
      let request = SubmitRequest(
        snapshot: Snapshot(prompt: "a red fox", model: "google/gempix2", aspectRatio: "16:9"),
        images: [.url("https://i.example/a.png"), .data([1, 2, 3], .png)])
      let outcome = await bench.service.submit(request)
      let entry = try #require(sandbox.ledger().first)
      #expect(sandbox.ledger().count == 1)
      #expect(entry.taskID.map { .accepted(taskID: $0) } == outcome)
      #expect(entry.images.count == 2 && entry.hasAuthorization)
      #expect(entry.headerNames.count { $0.lowercased() == "authorization" } == 1)
    }
  }

  @Test(arguments: [
    ("ta12345678-1234-1234-1234-123456789abc", "ta12345678-1234-1234-1234-123456789abc"),
    ("a/../b?c=d&e#f%é x", "a%2F..%2Fb%3Fc%3Dd%26e%23f%25%C3%A9%20x"), ("a\r\nX-Evil: 1", "a%0D%0AX-Evil%3A%201"),
  ])
  func `A query escapes the id`(id: String, escaped: String) async throws {
    let answer = "{\"code\":0,\"data\":{\"status\":\"pending\"}}"
    try await ServiceFixture.run(script: { connection in
      while connection.readRequest() != nil { connection.answer("200 OK", answer) }
    }) { bench, server in
      #expect(try await bench.report(id).phase == .running)
      let request = try #require(server.requests.first)
      #expect(request.line == "GET /api/task/query?task_id=\(escaped) HTTP/1.1")
      #expect(request.header("Authorization") == ["Bearer \(ServiceFixture.key)"])
      #expect(request.header("X-Evil").isEmpty && request.body.isEmpty)
    }
  }

  @Test(arguments: ["dk-sec\nret", "dk-sec\r\nX-Evil: ret", "dk-sec\u{0}ret"])
  func `A key that is no header is never sent, nor reported`(key: String) async throws {
    let server = try RawServer { connection in
      while connection.readRequest() != nil { connection.answer("200 OK", Self.yes) }
    }
    defer { server.stop() }
    try await ServiceFixture.run(at: server.baseURL, key: key) { bench in
      let outcome = await bench.submit()
      #expect(outcome.reached == false, "\(outcome)")
      #expect(!String(reflecting: outcome).contains("dk-sec"))
      #expect(!String(reflecting: await bench.service.query("ta1")).contains("dk-sec"))
    }
    #expect(server.requests.isEmpty)
  }
}

@Suite struct APIKeyTests {
  private struct Holder {
    var key: APIKey
    var name = "holder"
  }

  @Test func `The key is not printed by any way of printing`() {
    let secret = "dk-1234567890abcdef"
    let key = APIKey(secret)
    var texts = [
      "\(key)", String(describing: key), String(reflecting: key), key.description, key.debugDescription, "\([key])",
      "\(Holder(key: key))", String(reflecting: Holder(key: key)), "\(["k": key])", "\(key as Any)",
      "\(Optional(key) as Any)", String(reflecting: Mirror(reflecting: key)),
    ]
    for value in [key as Any, Holder(key: key), [key], (key, 1), Optional(key) as Any] {
      var text = ""
      dump(value, to: &text)
      texts.append(text)
    }
    for child in Mirror(reflecting: Holder(key: key)).children { texts.append("\(child)") }
    for text in texts { #expect(!text.contains("1234567890")) }
    #expect(Mirror(reflecting: key).children.isEmpty)
    #expect(!(key as Any is any Encodable))
  }
}
