import Foundation
import JobCore
import NIOCore
import SandboxServer
import Testing

@testable import ImageAPI

/// What is plainly a picture is taken, wherever it stands; what is not plain is kept for a person.
@Suite struct ResultShapeTests {
  private static let url = "https://i.example/a.png"
  private static let png =
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
  private static let avif = Data([0, 0, 0, 0x1C] + Array("ftypavif".utf8) + [UInt8](repeating: 7, count: 52))
    .base64EncodedString()

  private func phase(_ result: String, sent: [ImageInput] = []) throws -> TaskReport.Phase {
    let body = "{\"code\":0,\"data\":{\"task_id\":\"ta1\",\"status\":\"success\",\"result\":\(result)}}"
    let answer = Exchange.Answer(status: 200, headers: [:], body: ByteBuffer(string: body))
    let asked = ResultReading.Asked(
      taskID: "ta1", sent: sent, url: "https://api.example/v1/api/task/query?task_id=ta1")
    let outcome = ResponseClassifier(now: ServiceFixture.now).queried(answer, of: asked)
    guard case .report(let report) = outcome else {
      Issue.record("\(result): \(outcome)")
      throw Unexpected()
    }
    return report.phase
  }

  private func text(_ json: String) throws -> String {
    String(decoding: try JSONEncoder().encode(json), as: UTF8.self)
  }

  private func why(_ result: String, sent: [ImageInput] = []) throws -> String? {
    if case .notUnderstood(let odd) = try phase(result, sent: sent) { odd.why } else { nil }
  }

  @Test(arguments: [
    "[{\"image_url\":\"URL\"}]", "{\"b\":{\"c\":[[\"URL\"]]}}", "{\"images\":[\"URL\"]}", "[null,{\"image\":\"URL\"}]",
    "[null,null,\"URL\",null]", "[{\"image\":\"  URL\\n\"}]", "\"\\tURL \"", "[{\"image\":{\"url\":\"URL\"}}]",
    "{\"image\":null,\"output\":\"URL\"}", "[{\"text\":\"URL\"}]", "[{\"text\":\"Here it is\"},{\"file\":\"URL\"}]",
    "{\"a\":\"URL\",\"b\":\"URL\"}", "{\"link\":\"URL\",\"callback_url\":\"https://us.example/callback/x\"}",
    "{\"link\":\"URL\",\"name\":\"a.png\",\"type\":\"image/png\",\"ok\":true,\"n\":[1,2.5]}",
    "{\"link\":\"URL\",\"path\":\"/tmp/a.png\"}", "{\"full\":\"URL\",\"thumbnail\":\"https://i.example/b.png\"}",
    "{\"thumbs\":[\"https://i.example/1.png\",\"https://i.example/2.png\"],\"picture\":\"URL\"}",
    "{\"all\":[\"URL\",\"https://i.example/thumbs/a.png\"]}",
    "{\"image\":\"a fox\",\"picture\":\"URL\"}",
  ])
  func `One picture in a place that nobody documents`(result: String) throws {
    let json = result.replacingOccurrences(of: "URL", with: Self.url)
    let items = try phase(json)
    guard case .succeeded(let found) = items else {
      Issue.record("\(json): \(items)")
      return
    }
    #expect(found.filter(\.isPicture) == [.url(Self.url)], "\(json)")
  }

  @Test(arguments: [
    "[{\"image\":\"URL\"}]", "{\"image\":\"URL\"}", "\"URL\"", "[{\"output\":{\"picture\":\"URL\"}}]",
  ])
  func `JSON inside a string`(result: String) throws {
    let once = try text(result.replacingOccurrences(of: "URL", with: Self.url))
    #expect(try phase(once) == .succeeded([.url(Self.url)]))
    #expect(try phase(try text(once)) == .succeeded([.url(Self.url)]))
    #expect(try phase("{\"data\":\(once)}") == .succeeded([.url(Self.url)]))
  }

  @Test(arguments: ["HTTPS://i.example/a.png", "Https://i.example/a.png"])
  func `Schemes in any case`(url: String) throws {
    #expect(try phase("[{\"image\":\"\(url)\"}]") == .succeeded([.url(Self.url)]))
    #expect(try phase("[{\"other\":\"\(url)\"}]") == .succeeded([.url(Self.url)]))
  }

  @Test(arguments: [
    ("/files/a.png", "https://api.example/files/a.png"), ("a.png?x=1", "https://api.example/v1/api/task/a.png?x=1"),
    ("../a.webp", "https://api.example/v1/api/a.webp"), ("//cdn.example/a", "https://cdn.example/a"),
    ("/files/17", "https://api.example/files/17"),
  ])
  func `A relative URL starts from the query's`(path: String, url: String) throws {
    #expect(try phase("[{\"image\":\"\(path)\"}]") == .succeeded([.url(url)]))
    if path.contains("/") { #expect(try phase("{\"output\":\"\(path)\"}") == .succeeded([.url(url)])) }
  }

  @Test func `What stands before the host of the service is not given on`() {
    let reading = ResultReading(asked: .init(url: "https://me:secret@api.example/api/task/query?task_id=a@b"))
    #expect(reading.read(.text("/a.png")) == .items([.url("https://api.example/a.png")]))
  }

  @Test(arguments: [png, avif, png.replacingOccurrences(of: "/", with: "_").replacingOccurrences(of: "+", with: "-")])
  func `Base64 without a word about it`(base64: String) throws {
    for key in ["image", "b64_json"] {
      let picture = ResultItem.inline(dataURI: "data:;base64,\(base64)")
      #expect(try phase("[{\"\(key)\":\"\(base64)\"}]") == .succeeded([picture]))
    }
  }

  @Test func `Base64 that nobody says is base64 is decoded`() async throws {
    let bytes = Array(Data(base64Encoded: Self.png) ?? Data())
    let fetched = try await ServiceFixture.run(at: "http://127.0.0.1:9") {
      await $0.fetch(.inline(dataURI: "data:;base64,\(Self.png)"))
    }
    #expect(fetched.bytes == bytes)
  }

  @Test func `Large base64 in any place and in a string within is cut out before the rest is read`() async throws {
    // More than is read of an answer without its pictures.
    let large = Self.png + String(repeating: "QUJD", count: 400_000)
    let plain = ResultItem.inline(dataURI: "data:;base64,\(large)")
    #expect(try phase("{\"b64_json\":\"\(large)\"}") == .succeeded([plain]))
    #expect(try phase("{\"b64_json\":\"\(large.replacingOccurrences(of: "/", with: "\\/"))\"}") == .succeeded([plain]))
    #expect(try phase(try text("[{\"b64_json\":\"\(large)\"}]")) == .succeeded([plain]))
    let named = ResultItem.inline(dataURI: "data:image/png;base64,\(large)")
    #expect(try phase(try text("[{\"image\":\"data:image/png;base64,\(large)\"}]")) == .succeeded([named]))
    #expect(try phase("[{\"image\":\" \\ndata:image/png;base64,\(large)\"}]") == .succeeded([named]))
  }

  @Test func `Documented keys win`() throws {
    let other = "https://i.example/other.png"
    #expect(try phase("[{\"image\":\"\(Self.url)\",\"image_url\":\"\(other)\"}]") == .succeeded([.url(Self.url)]))
    #expect(
      try phase("[{\"image\":\"\(Self.url)\"},{\"image_url\":\"\(other)\"}]") == .succeeded([.url(Self.url)]))
    #expect(
      try phase("[{\"image\":\"\(Self.url)\"},{\"image\":\"\(other)\"}]")
        == .succeeded([.url(Self.url), .url(other)]))
  }

  @Test(arguments: [
    "{\"a\":\"https://i.example/1.png\",\"b\":\"https://i.example/2.png\"}",
    "[{\"image_url\":\"https://i.example/1.png\"},{\"image_url\":\"https://i.example/2.png\"}]",
    "{\"a\":\"https://i.example/1.png\",\"b\":\"PNG\"}", "{\"thumbnail\":\"https://i.example/1.png\"}",
    "[{\"ready\":true,\"file_id\":\"file-17\"}]", "7", "true", "{\"caption\":\"a fox\"}", "[[{\"id\":3}]]",
    "[{\"text\":\"![a fox](https://i.example/1.png) as you asked\"}]", "{\"file\":\"a.png\"}",
    "{\"mime\":\"image/png\"}",
    "[{\"image\":\"gs://bucket/out/1.png\"}]",
    "{\"image_url\":\"ftp://i.example/1.png\"}", "{\"page\":\"data:text/html;base64,PGI+\"}",
  ])
  func `What is not plain is not understood, and the answer is there in full`(result: String) throws {
    let json = result.replacingOccurrences(of: "PNG", with: Self.png)
    let phase = try phase(json)
    guard case .notUnderstood(let odd) = phase else {
      Issue.record("\(json): \(phase)")
      return
    }
    #expect(!odd.why.isEmpty && String(decoding: odd.answer, as: UTF8.self).contains(json))
  }

  @Test func `What has more in it than a result ever had is not understood`() throws {
    #expect(try why("[" + String(repeating: "1,", count: 10_000) + "1]") != nil)
    let many = Array(repeating: "{\"image\":\"\(Self.url)\"}", count: 65).joined(separator: ",")
    #expect(try why("[\(many)]") != nil)
  }

  @Test(arguments: [
    ("[{\"text\":\"I cannot draw that, see https://rules.example\"}]", "I cannot draw that, see https://rules.example"),
    ("{\"text\":\"no\",\"finish_reason\":\"STOP\"}", "no"),
    ("[{\"image\":\"no picture could be made\"}]", "no picture could be made"),
    ("[{\"text\":\"{\\\"why\\\":1}\"}]", "{\"why\":1}"),
  ])
  func `Words only are words`(result: String, words: String) throws {
    #expect(try phase(result) == .succeeded([.text(words)]))
  }

  // MARK: references

  @Test func `A reference that comes back is not what was made`() throws {
    let mine = "https://mine.example/ref.png"
    let sent = [ImageInput(url: mine)]
    #expect(
      try phase("{\"input\":\"\(mine)\",\"output\":\"\(Self.url)\"}", sent: sent) == .succeeded([.url(Self.url)]))
    #expect(try why("{\"input\":\"\(mine)\"}", sent: sent) != nil)
    #expect(try why("{\"input\":\"\(mine)\",\"output\":\"\(Self.url)\"}") != nil, "without it there are two")
  }

  @Test func `A local reference that comes back is known by its bytes`() throws {
    let bytes = Array(Data(base64Encoded: Self.png) ?? Data())
    let digest = "dbb54fb57c2d04f2fff0c2c93cd3b3d6e6a1a1d0"
    let sent = [ImageInput(path: "ref.png", sha256: ServiceFixture.digest(bytes), bytes: bytes.count)]
    for echo in [Self.png, "data:image/png;base64,\(Self.png)"] {
      let json = "{\"input\":\"\(echo)\",\"output\":\"\(Self.url)\"}"
      #expect(try phase(json, sent: sent) == .succeeded([.url(Self.url)]))
      let other = [ImageInput(path: "ref.png", sha256: digest, bytes: bytes.count)]
      #expect(try why(json, sent: other) != nil)
    }
  }

  // MARK: secrets

  @Test func `What is kept of an answer has no secret in it`() async throws {
    let secret = "hZ3kQ8sLw0aB7dTn5rV1"
    let result =
      "{\"echo\":\"Bearer \(ServiceFixture.key)\",\"a\":\"https://us.example/callback/\(secret)\",\"c\":\"\(Self.url)\",\"b\":\"x\\/callback\\/\(secret)?y\"}"
    let body = "{\"code\":0,\"data\":{\"status\":\"success\",\"result\":\(result)}}"
    try await ServiceFixture.run(script: { connection in
      while connection.readRequest() != nil { connection.answer("200 OK", body) }
    }) { bench, _ in
      guard case .notUnderstood(let odd) = try await bench.report().phase else { throw Unexpected() }
      let kept = String(decoding: odd.answer, as: UTF8.self)
      #expect(!kept.contains(ServiceFixture.key) && !kept.contains(secret), "\(kept)")
      #expect(kept.contains("https://us.example/callback/(secret)"), "\(kept)")
    }
  }

  @Test(arguments: [
    "result-key=image_url", "result-json-string", "result-null-element", "result-blanks", "result-relative",
    "result-base64", "result-preview", "result-object", "result-string", "result-data-uri",
  ])
  func `The sandbox's odd shapes bring the picture, and the key is not sent for it`(fault: String) async throws {
    try await ServiceFixture.run(sandbox: [fault]) { bench, sandbox in
      let fetched = await bench.fetch(try await bench.firstResult())
      #expect(fetched.bytes?.starts(with: [0x89, 0x50, 0x4E, 0x47]) == true, "\(fetched)")
      #expect(sandbox.counters().leakedKeys == 0)
    }
  }

  @Test(arguments: ["result-two", "result-odd"])
  func `The sandbox's results that nobody understands`(fault: String) async throws {
    try await ServiceFixture.run(sandbox: [fault]) { bench, _ in
      guard case .notUnderstood = try await bench.report(try await bench.accepted()).phase else { throw Unexpected() }
    }
  }

  @Test func `The sandbox answers about another task`() async throws {
    try await ServiceFixture.run(sandbox: ["query-other-task:1"]) { bench, _ in
      let id = try await bench.accepted()
      guard case .unusable(let error) = await bench.service.query(id) else { throw Unexpected() }
      #expect(error.message.contains("another"))
      guard case .succeeded = try await bench.report(id).phase else { throw Unexpected() }
    }
  }
}
