import ImageAPI
import JobCore
import SandboxServer
import Testing

/// What became of a POST that was answered.
@Suite struct SubmitClassifierTests {
  /// Submits once to a server that answers this, and checks that one request was on the wire.
  private func submit(
    _ status: String, _ body: String, headers: String = "", sourceLocation: SourceLocation = #_sourceLocation
  ) async throws -> SubmitOutcome {
    try await ServiceFixture.run(script: { connection in
      while connection.readRequest() != nil { connection.answer(status, body, headers: headers) }
    }) { bench, server in
      let outcome = await bench.submit()
      #expect(server.requests.count == 1, sourceLocation: sourceLocation)
      if let error = outcome.error {
        #expect(!error.code.rawValue.isEmpty && !error.message.isEmpty, sourceLocation: sourceLocation)
      }
      return outcome
    }
  }

  @Test(arguments: ["200 OK", "201 Created", "202 Accepted"])
  func `An id is an acceptance`(status: String) async throws {
    let body = "{\"data\":{\"later\":[],\"task_id\":\"ta-9\"},\"message\":{\"odd\":1},\"code\":0,\"more\":null}"
    #expect(try await submit(status, body) == .accepted(taskID: "ta-9"))
  }

  @Test(arguments: [
    "", "{}", "null", "[]", "ok", "<html>", "{\"code\":0}", "{\"code\":0,\"data\":null}", "{\"code\":0,\"data\":{}}",
    "{\"code\":0,\"data\":{\"task_id\":\"\"}}", "{\"code\":0,\"data\":{\"task_id\":null}}",
    "{\"code\":0,\"data\":{\"task_id\":\"ta", "{\"message\":\"ok\"}", "{\"code\":0,\"data\":\"ta1\"}",
  ])
  func `A yes that cannot be read is unknown`(body: String) async throws {
    let outcome = try await submit("200 OK", body)
    #expect(outcome.isUnknown, "\(outcome)")
  }

  @Test func `A no with an id is not a refusal`() async throws {
    let outcome = try await submit("200 OK", "{\"code\":1,\"message\":\"busy\",\"data\":{\"task_id\":\"ta1\"}}")
    #expect(outcome.reached == nil, "the task may be paid for: \(outcome)")
  }

  @Test(arguments: [
    "302 Found", "400 Bad Request", "401 Unauthorized", "402 Payment Required", "404 Not Found", "422 Unprocessable",
    "429 Too Many Requests",
  ])
  func `A no of any status with an id is not a refusal`(status: String) async throws {
    let body = "{\"code\":1,\"message\":\"failed\",\"detail\":\"prompt is rude\",\"data\":{\"task_id\":\"ta1\"}}"
    let outcome = try await submit(status, body)
    #expect(outcome.isUnknown, "the task may be paid for: \(outcome)")
  }

  @Test func `A code that is not 0 is a refusal`() async throws {
    let outcome = try await submit("200 OK", "{\"code\":1,\"message\":\"failed\",\"detail\":\"prompt is rude\"}")
    #expect(outcome.consequence == .permanent && outcome.reached == true)
    #expect(outcome.error?.message.contains("prompt is rude") == true)
    #expect(outcome.error?.retryable == false)
  }

  @Test(arguments: ["400 Bad Request", "413 Content Too Large", "415 Unsupported", "422 Unprocessable"])
  func `The documented words are about the job`(status: String) async throws {
    let outcome = try await submit(status, "{\"code\":1,\"message\":\"failed\",\"detail\":\"prompt is required\"}")
    #expect(outcome.consequence == .permanent && outcome.reached == true)
    #expect(outcome.error?.message.contains("prompt is required") == true)
  }

  @Test(arguments: [
    "400 Bad Request", "403 Forbidden", "406 Not Acceptable", "415 Unsupported", "422 Unprocessable", "451 Odd",
  ])
  func `Whom a no in other words is about is unclear`(status: String) async throws {
    for body in [
      "<html>no</html>", "", "{\"code\":1,\"message\":\"failed\",\"detail\":\"Unbalanced parentheses\"}",
      "{\"code\":1,\"message\":\"no credit cards, and no suspended bridge\"}", "{\"code\":1,\"message\":\"Forbidden\"}",
    ] {
      let outcome = try await submit(status, body)
      #expect(outcome.consequence == .unclear && outcome.reached == true, "\(status) \(body): \(outcome)")
      #expect(outcome.error?.hint != nil && outcome.error?.retryable == true)
    }
    #expect(
      try await submit(status, "{\"code\":1,\"message\":\"failed\",\"detail\":\"too rude\"}")
        .error?.message.contains("too rude") == true)
  }

  @Test(arguments: ["200 OK", "400 Bad Request", "403 Forbidden"])
  func `Documented codes count wherever they stand`(status: String) async throws {
    func code(_ code: Int) async throws -> Failure.Consequence? {
      try await submit(status, "{\"code\":\(code),\"message\":\"no\"}", headers: "Retry-After: 3\r\n").consequence
    }
    #expect(try await code(401) == .service(.unauthorized))
    #expect(try await code(402) == .service(.account))
    #expect(try await code(429) == .transient(retryAfter: .seconds(3)))
  }

  @Test(arguments: [
    "Unbalanced parentheses", "No credit cards", "a suspended bridge", "my account of a suspended bridge",
    "insufficient light", "credits of a film", "discredited", "insufficiently creditable", "accounts of suspended men",
    "insufficient balance of colours", "a balance", "billing", "quota", "accountant banned", "out of balance",
  ])
  func `Words that only look so are the prompt's`(words: String) async throws {
    #expect(try await submit("200 OK", "{\"code\":1,\"message\":\"\(words)\"}").consequence == .permanent)
    #expect(try await submit("400 Bad Request", "{\"code\":1,\"message\":\"\(words)\"}").consequence == .unclear)
    #expect(try await submit("403 Forbidden", "{\"code\":1,\"message\":\"\(words)\"}").consequence == .unclear)
  }

  @Test(arguments: [
    "{\"code\":1,\"message\":\"failed\",\"detail\":\"Insufficient credits\"}",
    "{\"code\":1,\"message\":\"not enough CREDITS\"}", "{\"code\":1,\"message\":\"Your account is suspended\"}",
    "{\"code\":1,\"message\":\"insufficient balance\",\"detail\":\"\"}",
    "{\"code\":1,\"message\":\"Insufficient credits\",\"detail\":\"request was refused\"}",
    "{\"code\":1,\"message\":\"Out of credits. Buy more.\"}", "{\"code\":1,\"message\":\"Account  suspended!\"}",
    "{\"code\":1,\"message\":\"You have exceeded your current quota, please check your plan\"}",
    "{\"code\":1,\"message\":\"Your account has been disabled\"}", "{\"code\":1,\"message\":\"credits exhausted\"}",
  ])
  func `Words about credits or the account are not about the job`(body: String) async throws {
    for status in ["400 Bad Request", "403 Forbidden", "200 OK"] {
      let outcome = try await submit(status, body)
      #expect(outcome.consequence == .service(.account) && outcome.reached == true, "\(status): \(outcome)")
    }
  }

  @Test func `A service that quotes the prompt does not speak with its words`() async throws {
    try await ServiceFixture.run(script: { connection in
      let body = "{\"code\":1,\"message\":\"rude: account suspended over a lake\"}"
      while connection.readRequest() != nil { connection.answer("403 Forbidden", body) }
    }) { bench, _ in
      #expect(await bench.submit("An Account suspended\n over a lake").consequence == .unclear)
      #expect(await bench.submit("a cat").consequence == .service(.account))
    }
  }

  @Test(arguments: [
    ("401 Unauthorized", ServiceTrouble.unauthorized), ("402 Payment Required", .account),
    ("404 Not Found", .wrongAddress),
  ])
  func `What is not about the job stops all`(status: String, trouble: ServiceTrouble) async throws {
    for body in ["{\"code\":1,\"message\":\"Invalid\"}", "<html>no</html>", ""] {
      let outcome = try await submit(status, body)
      #expect(outcome.consequence == .service(trouble) && outcome.reached == true, "\(outcome)")
      #expect(outcome.error?.hint != nil)
    }
  }

  @Test(
    arguments: [
      ("", nil), ("Retry-After: 7\r\n", .seconds(7)), ("Retry-After:  0 \r\n", .zero),
      ("retry-after: 120\r\n", .seconds(120)),
      ("Retry-After: Sat, 31 Jan 2026 09:01:30 GMT\r\n", .seconds(90)),
      ("Retry-After: Sat, 31 Jan 2026 08:00:00 GMT\r\n", .zero), ("Retry-After: soon\r\n", nil),
      ("Retry-After: -5\r\n", .zero),
    ] as [(String, Duration?)])
  func `A 429 is not accepted, and says when`(headers: String, after: Duration?) async throws {
    let outcome = try await submit("429 Too Many Requests", "{\"code\":1,\"message\":\"slow down\"}", headers: headers)
    #expect(outcome.consequence == .transient(retryAfter: after) && outcome.reached == true)
    #expect(outcome.error?.retryable == true)
  }

  @Test(arguments: ["99999999999", "Fri, 31 Dec 9999 23:59:59 GMT"])
  func `No answer makes it wait for longer than a year`(value: String) async throws {
    let outcome = try await submit("429 Too Many Requests", "", headers: "Retry-After: \(value)\r\n")
    guard case .transient(let after?) = outcome.consequence else {
      Issue.record("\(outcome)")
      return
    }
    #expect(after <= .seconds(366 * 86_400))
  }

  @Test(arguments: ["500 Oops", "502 Bad Gateway", "503 Unavailable", "504 Timeout", "520 Odd", "599 Odd"])
  func `A 5xx is unknown, whatever it says`(status: String) async throws {
    for body in ["{\"code\":1,\"message\":\"failed\"}", "<html>bad gateway</html>", "", "Insufficient credits"] {
      let outcome = try await submit(status, body)
      guard case .unknown(_, let serviceDown) = outcome else {
        Issue.record("\(status): \(outcome)")
        continue
      }
      #expect(serviceDown)
    }
  }

  @Test(arguments: ["307 Temporary Redirect", "308 Permanent Redirect", "302 Found", "301 Moved Permanently"])
  func `A redirect is not followed`(status: String) async throws {
    let other = try RawServer { connection in
      while connection.readRequest() != nil {
        connection.answer("200 OK", "{\"code\":0,\"data\":{\"task_id\":\"ta1\"}}")
      }
    }
    defer { other.stop() }
    for target in ["\(other.baseURL)/api/image/gen", "/api/image/gen"] {
      let outcome = try await submit(status, "", headers: "Location: \(target)\r\n")
      #expect(outcome.consequence == .service(.wrongAddress) && outcome.reached == true, "\(outcome)")
    }
    #expect(other.connections == 0)
  }

  @Test(arguments: [
    ("submit-status=400", Failure.Consequence.permanent), ("submit-status=401", .service(.unauthorized)),
    ("submit-status=402", .service(.account)), ("submit-status=403", .service(.account)),
    ("submit-status=404", .service(.wrongAddress)), ("submit-status=429", .transient(retryAfter: nil)),
    ("submit-retry-after=3", .transient(retryAfter: .seconds(3))), ("submit-code=rude", .permanent),
    ("submit-code=out of credits", .service(.account)), ("submit-refused=too many cats", .unclear),
    ("submit-forbidden=a suspended bridge", .unclear), ("submit-forbidden=insufficient balance", .service(.account)),
    ("submit-html=403", .unclear),
  ])
  func `The sandbox's refusals`(fault: String, consequence: Failure.Consequence) async throws {
    try await ServiceFixture.run(sandbox: [fault]) { bench, sandbox in
      let outcome = await bench.submit()
      #expect(outcome.consequence == consequence && outcome.reached == true, "\(outcome)")
      #expect(sandbox.ledger().count == 1 && sandbox.ledger().allSatisfy { $0.taskID == nil })
    }
  }

  @Test(arguments: ["submit-status=500", "submit-html=502", "submit-accept-500", "submit-garbage"])
  func `The sandbox's riddles`(fault: String) async throws {
    try await ServiceFixture.run(sandbox: [fault]) { bench, sandbox in
      #expect(await bench.submit().isUnknown)
      #expect(sandbox.ledger().count == 1)
    }
  }

  @Test func `A body that is too large is refused`() async throws {
    try await ServiceFixture.run(sandbox: [], options: { $0.maximumBody = 20_000 }) { bench, sandbox in
      let outcome = await bench.submit(String(repeating: "fox ", count: 10_000))
      #expect(outcome.consequence == .permanent && outcome.reached == true, "\(outcome)")
      #expect(sandbox.ledger().isEmpty)
    }
  }

  @Test func `A key that the service does not know`() async throws {
    try await ServiceFixture.run(sandbox: [], options: { $0.apiKey = "another" }) { bench, sandbox in
      #expect(await bench.submit().consequence == .service(.unauthorized))
      #expect(await bench.service.query("ta1").consequence == .service(.unauthorized))
    }
  }
}
