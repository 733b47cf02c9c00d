import Foundation
import ImageAPI
import JobCore
import SandboxServer
import Synchronization
import TestKit
import Testing

/// What became of a POST that was not answered: never sent, or nobody knows. Never twice on the wire.
@Suite struct SubmitBrokenTests {
  private static let yes = "{\"code\":0,\"message\":\"ok\",\"data\":{\"task_id\":\"ta1\"}}"
  private static let large = String(repeating: "a red fox ", count: 300_000)

  private func expectNotSent(_ outcome: SubmitOutcome, sourceLocation: SourceLocation = #_sourceLocation) {
    #expect(outcome.reached == false, "\(outcome)", sourceLocation: sourceLocation)
    #expect(outcome.consequence == .transient(retryAfter: nil), sourceLocation: sourceLocation)
    #expect(outcome.error?.retryable == true && outcome.error?.hint != nil, sourceLocation: sourceLocation)
  }

  private func expectUnknown(_ outcome: SubmitOutcome, sourceLocation: SourceLocation = #_sourceLocation) {
    guard case .unknown(let error, let serviceDown) = outcome else {
      Issue.record("\(outcome)", sourceLocation: sourceLocation)
      return
    }
    #expect(serviceDown && !error.message.isEmpty, sourceLocation: sourceLocation)
  }

  @Test func `A refused connection: not sent`() async throws {
    let server = try RawServer { _ in }
    server.stop()
    let outcome = try await ServiceFixture.run(at: server.baseURL) { await $0.submit() }
    expectNotSent(outcome)
  }

  @Test(arguments: ["http://no-such-host.invalid", "https://no-such-host.invalid:8443"])
  func `A name that does not resolve: not sent`(base: String) async throws {
    expectNotSent(try await ServiceFixture.run(at: base) { await $0.submit() })
  }

  @Test(arguments: ["", "api.defapi.org", "ftp://host.example", "http://", "http://[::1", "http://a b"])
  func `An address that is none: not sent`(base: String) async throws {
    let outcome = try await ServiceFixture.run(at: base) { await $0.submit() }
    #expect(outcome.reached == false, "\(outcome)")
  }

  @Test(arguments: [
    "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n", "\u{15}\u{3}\u{1}\0\u{2}\u{2}(", "garbage\n",
  ])
  func `No TLS on the other side: not sent`(garbage: String) async throws {
    let server = try RawServer { connection in
      connection.readSome()
      connection.send(garbage)
      connection.waitForEnd()
    }
    defer { server.stop() }
    let outcome = try await ServiceFixture.run(at: "https://127.0.0.1:\(server.port)") { await $0.submit() }
    expectNotSent(outcome)
  }

  @Test(arguments: [false, true])
  func `A connection that ends within the TLS hello: not sent`(isReset: Bool) async throws {
    let server = try RawServer { connection in
      connection.readSome()
      if isReset { connection.reset() }
    }
    defer { server.stop() }
    let outcome = try await ServiceFixture.run(at: "https://127.0.0.1:\(server.port)") { await $0.submit() }
    expectNotSent(outcome)
  }

  @Test func `A TLS hello without an answer: not sent, after the time to connect`() async throws {
    let server = try RawServer { $0.waitForEnd() }
    defer { server.stop() }
    let outcome = try await ServiceFixture.run(
      at: "https://127.0.0.1:\(server.port)", settings: { $0.connectTimeout = .milliseconds(300) }
    ) { await $0.submit() }
    expectNotSent(outcome)
  }

  @Test func `FIN after the body: unknown`() async throws {
    try await ServiceFixture.run(script: { $0.readRequest() }) { bench, server in
      expectUnknown(await bench.submit())
      #expect(server.requests.count == 1 && server.connections == 1)
    }
  }

  @Test func `A reset after the body: unknown`() async throws {
    try await ServiceFixture.run(script: {
      $0.readRequest()
      $0.reset()
    }) { bench, server in
      expectUnknown(await bench.submit())
      #expect(server.requests.count == 1 && server.connections == 1)
    }
  }

  @Test func `A reset before the body was read: unknown, for the head has left`() async throws {
    try await ServiceFixture.run(script: {
      _ = $0.readHead()
      $0.reset()
    }) { bench, server in
      expectUnknown(await bench.submit(Self.large))
      #expect(server.connections == 1)
    }
  }

  @Test(arguments: [
    "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{\"code\":0", "HTTP/1.1 20", "HTTP/1.1 200 OK\r\n",
    "no HTTP\r\n\r\n",
  ])
  func `Half an answer: unknown`(answer: String) async throws {
    try await ServiceFixture.run(script: {
      $0.readRequest()
      $0.send(answer)
    }) { bench, server in
      let outcome = await bench.submit()
      #expect(outcome.isUnknown, "\(outcome)")
      #expect(server.requests.count == 1 && server.connections == 1)
    }
  }

  @Test func `No answer in time: unknown`() async throws {
    let settings = { @Sendable (settings: inout HTTPImageService.Settings) in
      settings.submitTimeout = .milliseconds(250)
    }
    try await ServiceFixture.run(
      settings: settings,
      script: {
        $0.readRequest()
        $0.waitForEnd()
      }
    ) { bench, server in
      expectUnknown(await bench.submit())
      #expect(server.requests.count == 1 && server.connections == 1)
    }
  }

  @Test func `An answer that drips does not hold the time limit up`() async throws {
    let drops = Mutex<Int?>(nil)
    try await ServiceFixture.run(
      settings: { $0.submitTimeout = .milliseconds(250) },
      script: { connection in
        connection.readRequest()
        connection.send("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        drops.withLock { $0 = connection.drip() }
      }
    ) { bench, server in
      expectUnknown(await bench.submit())
      try await eventually("the end of the drip") { drops.withLock { $0 } != nil }
      #expect(drops.withLock { $0 ?? 0 } < 95)
      #expect(server.requests.count == 1)
    }
  }

  @Test func `A slow upload does not count towards the time for the answer`() async throws {
    try await ServiceFixture.run(
      settings: { $0.submitTimeout = .milliseconds(800) },
      script: { connection in
        connection.readSome()
        _ = DispatchSemaphore(value: 0).wait(timeout: .now() + .milliseconds(1600))
        if connection.readRequest() != nil { connection.answer("200 OK", Self.yes) }
      }
    ) { bench, server in
      // More than the buffers of both sides hold.
      let image = ReferenceImage.data([UInt8](repeating: 7, count: 12_000_000), .png)
      let request = SubmitRequest(snapshot: Snapshot(prompt: "fox", model: "m"), images: [image])
      #expect(await bench.service.submit(request) == .accepted(taskID: "ta1"))
      #expect(server.requests.count == 1)
    }
  }

  @Test(arguments: [false, true])
  func `A kept connection that ends under the next request: one request, never again by itself`(isReset: Bool)
    async throws
  {
    try await ServiceFixture.run(script: { connection in
      guard connection.readRequest() != nil else { return }
      connection.answer("200 OK", Self.yes)
      guard connection.number == 1 else { return }
      connection.readRequest()
      if isReset { connection.reset() }
    }) { bench, server in
      #expect(await bench.submit("one") == .accepted(taskID: "ta1"))
      let outcome = await bench.submit("two")
      expectUnknown(outcome)
      #expect(server.requests.count == 2 && server.connections == 1)
    }
  }

  @Test func `A kept connection that has ended before the next request: never twice, and never lost`() async throws {
    try await ServiceFixture.run(script: { connection in
      guard connection.readRequest() != nil else { return }
      connection.answer("200 OK", Self.yes)
    }) { bench, server in
      for round in 1...20 {
        let before = server.requests.count
        let outcome = await bench.submit("fox \(round)")
        let sent = server.requests.count - before
        switch outcome {
        case .accepted: #expect(sent == 1)
        case .notAccepted(_, let reached): #expect(sent == 0 && !reached)
        case .taskOfAnother, .unknown: #expect(sent <= 1)
        }
      }
    }
  }

  @Test(arguments: ["submit-no-answer", "submit-reset", "submit-reset-early"])
  func `The sandbox's broken connections: unknown, once`(fault: String) async throws {
    try await ServiceFixture.run(sandbox: ["\(fault):1"]) { bench, sandbox in
      expectUnknown(await bench.submit())
      #expect(sandbox.ledger().count <= 1)
      _ = try await bench.accepted("a hare")
    }
  }

  @Test func `The sandbox never answers: unknown, once`() async throws {
    try await ServiceFixture.run(sandbox: ["submit-hang"], settings: { $0.submitTimeout = .milliseconds(300) }) {
      expectUnknown(await $0.submit())
      #expect($1.ledger().count == 1)
    }
  }
}
