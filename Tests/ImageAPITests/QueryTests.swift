import ImageAPI
import JobCore
import SandboxServer
import Testing

@Suite struct QueryTests {
  private func query(
    _ status: String, _ body: String, headers: String = ""
  ) async throws -> QueryOutcome {
    try await ServiceFixture.run(script: { connection in
      while connection.readRequest() != nil { connection.answer(status, body, headers: headers) }
    }) { bench, _ in await bench.service.query("ta1") }
  }

  private func task(_ fields: String) async throws -> TaskReport {
    let outcome = try await query("200 OK", "{\"code\":0,\"message\":\"ok\",\"data\":{\"task_id\":\"ta1\",\(fields)}}")
    guard case .report(let report) = outcome else {
      Issue.record("\(fields): \(outcome)")
      throw Unexpected()
    }
    return report
  }

  @Test(arguments: ["pending", "submitted", "in_progress", "upscaling", "SUCCESS", ""])
  func `What is not final, known or not`(status: String) async throws {
    let report = try await task("\"status\":\"\(status)\",\"result\":null,\"consumed\":null,\"status_reason\":null")
    #expect(report == TaskReport(phase: .running, status: status, consumed: nil))
  }

  @Test(arguments: [
    ("[{\"image\":\"https://i.example/a.png\"}]", [ResultItem.url("https://i.example/a.png")]),
    (
      "[{\"image\":\"https://i.example/a\"},{\"image\":\"http://i.example/b\"}]",
      [.url("https://i.example/a"), .url("http://i.example/b")]
    ),
    ("[{\"image\":\"data:image/png;base64,AAAA\"}]", [.inline(dataURI: "data:image/png;base64,AAAA")]),
    ("{\"image\":\"https://i.example/a.png\"}", [.url("https://i.example/a.png")]),
    ("\"https://i.example/a.png\"", [.url("https://i.example/a.png")]),
    ("[\"https://i.example/a.png\"]", [.url("https://i.example/a.png")]),
    ("\"data:image/png;base64,AAAA\"", [.inline(dataURI: "data:image/png;base64,AAAA")]),
    ("[{\"text\":\"I cannot draw that\"}]", [.text("I cannot draw that")]), ("\"no\"", [.text("no")]),
    ("[{\"text\":\"here\"},{\"image\":\"https://i.example/a\"}]", [.text("here"), .url("https://i.example/a")]),
    ("[]", []), ("\"[]\"", []), ("[{\"image\":null,\"text\":\"no\"}]", [.text("no")]),
    ("[{\"image\":\"https://i.example/a\",\"width\":3,\"text\":null}]", [.url("https://i.example/a")]),
  ])
  func `Every shape of a result`(json: String, items: [ResultItem]) async throws {
    #expect(try await task("\"status\":\"success\",\"result\":\(json)").phase == .succeeded(items))
  }

  @Test(arguments: [
    "", ",\"result\":null", ",\"result\":[null]", ",\"result\":{}", ",\"result\":[{}]", ",\"result\":\"\"",
    ",\"result\":[{\"image\":null}]", ",\"result\":{\"image\":\" \",\"width\":0}",
  ])
  func `A success with nothing in it yet is reported from one that made nothing`(result: String) async throws {
    #expect(try await task("\"status\":\"success\"\(result)").phase == .withoutResult)
  }

  @Test(arguments: [
    ("{\"message\":\"too rude\"}", "too rude"), ("\"too rude\"", "too rude"), ("{\"message\":null}", nil),
    ("null", nil),
    ("{}", nil), ("7", nil),
  ])
  func `A failure says why, in the service's words`(json: String, words: String?) async throws {
    let report = try await task("\"status\":\"failed\",\"result\":null,\"status_reason\":\(json)")
    guard case .failed(let reason) = report.phase else {
      Issue.record("\(report)")
      return
    }
    #expect(!reason.isEmpty)
    if let words { #expect(reason == words) }
  }

  @Test(arguments: ["0.500000", "0", "123456789012345678901234567890.000000000000000001", "1e-7", " 1.0 "])
  func `Credits are kept exactly as written`(consumed: String) async throws {
    #expect(try await task("\"status\":\"pending\",\"consumed\":\"\(consumed)\"").consumed == consumed)
  }

  @Test func `Credits as a number are better than none`() async throws {
    #expect(try await task("\"status\":\"pending\",\"consumed\":0.5").consumed == "0.5")
    #expect(try await task("\"status\":\"pending\",\"consumed\":[1]").consumed == nil)
    #expect(try await task("\"status\":\"pending\"").consumed == nil)
  }

  @Test(arguments: [
    "{\"code\":1,\"message\":\"task not found\"}", "{\"code\":1,\"message\":\"Task Not Found\",\"data\":null}",
  ])
  func `A task that is not found`(body: String) async throws {
    #expect(try await query("404 Not Found", body) == .notFound)
    #expect(try await query("200 OK", body) == .notFound)
  }

  @Test func `A task that is not found, with a detail`() async throws {
    let body = "{\"code\":1,\"message\":\"task not found\",\"detail\":\"no record of ta1\"}"
    #expect(try await query("404 Not Found", body) == .notFound)
  }

  @Test(arguments: [
    "<html>404 Not Found</html>", "", "404 page not found", "{\"detail\":\"Not Found\"}", "{}", "task not found",
    "{\"code\":404,\"message\":\"Not Found\"}", "{\"code\":404,\"message\":\"page not found\"}",
  ])
  func `Another 404 means that there is no such service`(body: String) async throws {
    let outcome = try await query("404 Not Found", body)
    #expect(outcome.consequence == .service(.wrongAddress), "\(outcome)")
  }

  @Test(arguments: [
    ("401 Unauthorized", "{\"code\":401,\"message\":\"Invalid API key\"}"), ("401 Unauthorized", "<html>"),
    ("200 OK", "{\"code\":401,\"message\":\"Invalid API key\"}"),
  ])
  func `A refused key`(status: String, body: String) async throws {
    #expect(try await query(status, body).consequence == .service(.unauthorized))
  }

  @Test(arguments: ["402 Payment Required", "403 Forbidden"])
  func `The account's trouble fails no task`(status: String) async throws {
    let outcome = try await query(status, "{\"code\":1,\"message\":\"suspended\"}")
    #expect(outcome.consequence != nil && outcome.consequence != .permanent, "\(outcome)")
  }

  @Test(arguments: ["301 Moved", "302 Found", "307 Temporary Redirect", "405 Not Allowed", "410 Gone"])
  func `A redirect is not followed`(status: String) async throws {
    let other = try RawServer { $0.readRequest() }
    defer { other.stop() }
    let outcome = try await query(status, "", headers: "Location: \(other.baseURL)/x\r\n")
    #expect(outcome.consequence == .service(.wrongAddress))
    #expect(other.connections == 0)
  }

  @Test(arguments: ["500 Oops", "502 Bad Gateway", "503 Unavailable", "599 Odd", "400 Bad Request", "418 Teapot"])
  func `Trouble goes away`(status: String) async throws {
    for body in ["<html>bad gateway</html>", "{\"code\":1,\"message\":\"failed\"}", ""] {
      #expect(try await query(status, body).consequence == .transient(retryAfter: nil))
    }
    #expect(
      try await query(status, "", headers: "Retry-After: 9\r\n").consequence == .transient(retryAfter: .seconds(9)))
  }

  @Test(arguments: [("8", Duration.seconds(8)), ("Sat, 31 Jan 2026 09:00:05 GMT", .seconds(5))])
  func `Too many queries`(value: String, after: Duration) async throws {
    let outcome = try await query("429 Too Many Requests", "", headers: "Retry-After: \(value)\r\n")
    #expect(outcome.consequence == .transient(retryAfter: after))
  }

  @Test(arguments: ["", "[]", "<html>", "{\"code\":7,\"message\":\"what\"}", "ok", "[{\"code\":0"])
  func `What is no answer of the service's is asked for again`(body: String) async throws {
    #expect(try await query("200 OK", body).consequence == .transient(retryAfter: nil))
  }

  @Test(arguments: [
    "{}", "{\"code\":0}", "{\"code\":0,\"data\":null}", "{\"code\":0,\"data\":{}}", " \n{\"code\":0,\"data\":[]}",
    "{\"code\":0,\"data\":{\"status\":7}}", "{\"code\":0,\"data\":{\"status\":\"succ",
    "{\"code\":0,\"data\":{\"task_id\":\"ta2\",\"status\":\"failed\"}}",
    "{\"code\":0,\"data\":{\"task_id\":7,\"status\":\"success\",\"result\":[{\"image\":\"https://i.example/a\"}]}}",
  ])
  func `An answer that says nothing of this task is the task's trouble, not the service's`(body: String) async throws {
    guard case .unusable(let error) = try await query("200 OK", body) else { throw Unexpected() }
    #expect(!error.message.isEmpty && error.retryable)
  }

  @Test func `Nesting without end does no harm`() async throws {
    let deep = String(repeating: "[", count: 200_000)
    let outcome = try await query("200 OK", "{\"code\":0,\"data\":{\"status\":\"success\",\"result\":\(deep)")
    guard case .unusable = outcome else { throw Unexpected() }
  }

  @Test func `An answer without end is cut off, and is not asked for again`() async throws {
    try await ServiceFixture.run(
      script: { connection in
        connection.readRequest()
        connection.send("HTTP/1.1 200 OK\r\n\r\n")
        let part = [UInt8](repeating: 32, count: 65_536)
        for _ in 0..<2000 where !connection.send(part) { return }
      }
    ) { bench, _ in
      let outcome = await bench.service.query("ta1")
      #expect(outcome.consequence == .permanent)
      guard case .failed(let failure) = outcome else { throw Unexpected() }
      #expect(failure.error.message.contains("33554432 bytes"), "\(failure.error.message)")
    }
  }

  @Test(arguments: ["query-reset:1", "query-cut:1", "query-html=502:1", "query-status=500:1"])
  func `The sandbox's faults pass`(fault: String) async throws {
    try await ServiceFixture.run(sandbox: [fault]) { bench, _ in
      let id = try await bench.accepted()
      #expect(await bench.service.query(id).consequence == .transient(retryAfter: nil))
      guard case .succeeded(let items) = try await bench.report(id).phase else { throw Unexpected() }
      #expect(items.count == 1)
    }
  }

  @Test func `The sandbox does not know a task yet, then it does`() async throws {
    try await ServiceFixture.run(sandbox: ["query-not-found:2"]) { bench, _ in
      let id = try await bench.accepted()
      #expect(await bench.service.query(id) == .notFound)
      #expect(await bench.service.query(id) == .notFound)
      #expect(try await bench.report(id).consumed == "0.500000")
      #expect(await bench.service.query("ta-other") == .notFound)
    }
  }

  @Test func `The sandbox never answers a query`() async throws {
    try await ServiceFixture.run(sandbox: ["query-hang"], settings: { $0.queryTimeout = .milliseconds(300) }) {
      bench, _ in
      #expect(await bench.service.query("ta1").consequence == .transient(retryAfter: nil))
    }
  }

  @Test func `Nobody there`() async throws {
    let server = try RawServer { _ in }
    server.stop()
    for base in [server.baseURL, "http://no-such-host.invalid", "nonsense"] {
      let outcome = try await ServiceFixture.run(at: base) { await $0.service.query("ta1") }
      #expect(outcome.consequence == .transient(retryAfter: nil), "\(outcome)")
    }
  }
}
