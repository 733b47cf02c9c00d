import JobCore
import SandboxServer
import Testing

@testable import ImageAPI

@Suite struct ScrubbingTests {
  @Test func `A service that repeats the callback's address does not bring its secret into a message`() async throws {
    for address in ["https://me.example/hook/0123456789abcdef", "https:\\/\\/me.example\\/hook\\/0123456789abcdef"] {
      try await ServiceFixture.run(script: { connection in
        while connection.readRequest() != nil {
          connection.answer("400 Bad Request", "{\"code\":1,\"message\":\"bad callback_url \(address)\"}")
        }
      }) { bench, _ in
        let request = SubmitRequest(
          snapshot: Snapshot(prompt: "fox", model: "m"), images: [],
          callbackURL: "https://me.example/hook/0123456789abcdef")
        let words = await bench.service.submit(request).error?.message ?? ""
        #expect(words.contains("(secret)") && !words.contains("0123456789abcdef"), "\(words)")
      }
    }
  }

  // As it is, and in an escape that a reader of JSON undoes.
  private static let repeated = ["\(ServiceFixture.key)", "dk\\u002D1234567890abcdef"]

  @Test(arguments: [
    ("400 Bad Request", "{\"code\":1,\"message\":\"no: KEY\"}"),
    ("400 Bad Request", "{\"code\":1,\"message\":\"\",\"detail\":\"KEY KEY\"}"),
    ("200 OK", "{\"code\":1,\"message\":\"no: KEY\"}"), ("402 Payment Required", "{\"code\":1,\"message\":\"KEY\"}"),
    ("200 OK", "{\"code\":0,\"data\":{\"task_id\":\"KEY\"}}"),
    ("200 OK", "{\"code\":1,\"data\":{\"task_id\":\"KEY\"}}"),
  ])
  func `A service that repeats the key in its answer to a submission`(status: String, body: String) async throws {
    for key in Self.repeated {
      let answer = body.replacing("KEY", with: key)
      try await ServiceFixture.run(script: { connection in
        while connection.readRequest() != nil { connection.answer(status, answer) }
      }) { bench, _ in
        let outcome = await bench.submit()
        #expect(!String(reflecting: outcome).contains("1234567890"), "\(outcome)")
      }
    }
  }

  @Test(arguments: [
    "{\"code\":1,\"message\":\"KEY\"}", "{\"code\":0,\"data\":{\"status\":\"KEY\"}}",
    "{\"code\":0,\"data\":{\"status\":\"failed\",\"status_reason\":{\"message\":\"no: KEY\"}}}",
    "{\"code\":0,\"data\":{\"status\":\"success\",\"consumed\":\"KEY\",\"result\":[{\"text\":\"no: KEY\"}]}}",
  ])
  func `A service that repeats the key in its answer to a query`(body: String) async throws {
    for key in Self.repeated {
      let answer = body.replacing("KEY", with: key)
      try await ServiceFixture.run(script: { connection in
        while connection.readRequest() != nil { connection.answer("200 OK", answer) }
      }) { bench, _ in
        let outcome = await bench.service.query("ta1")
        #expect(!String(reflecting: outcome).contains("1234567890"), "\(outcome)")
      }
    }
  }

  @Test(arguments: ["k", "ok", "a", "0", "code", "task_id", "success", "data", "\"", "AAAA"])
  func `A short key does no harm to an answer`(key: String) async throws {
    var options = SandboxOptions()
    options.statusDelay = .zero
    options.faults = [try Fault(parsing: "result-data-uri")]
    let sandbox = Sandbox(options)
    try await sandbox.start()
    try await ServiceFixture.run(at: sandbox.baseURL, key: key) { bench in
      let picture = try #require(await bench.fetch(try await bench.firstResult()).bytes)
      #expect(picture.withUnsafeBytes { (try? ImageProbe.check($0).get())?.width } == options.imageWidth)
    }
    try await sandbox.stop()
  }

  @Test func `Words without end are cut, and so are lists of results`() async throws {
    let words = String(repeating: "no ", count: 200_000)
    let urls = Array(repeating: "\"https://i.example/x.png\"", count: 65).joined(separator: ",")
    let answers = [
      "{\"code\":1,\"message\":\"\(words)\"}", "{\"code\":0,\"data\":{\"status\":\"\(words)\"}}",
      "{\"code\":0,\"data\":{\"status\":\"failed\",\"status_reason\":\"\(words)\"}}",
      "{\"code\":0,\"data\":{\"status\":\"success\",\"result\":[\(urls)]}}",
    ]
    for answer in answers {
      try await ServiceFixture.run(script: { connection in
        while connection.readRequest() != nil { connection.answer("200 OK", answer) }
      }) { bench, _ in
        let outcome = await bench.service.query("ta1")
        #expect(String(reflecting: outcome).count < 3000)
      }
    }
  }
}
