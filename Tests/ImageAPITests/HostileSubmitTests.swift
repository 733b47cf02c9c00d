import Foundation
import JobCore
import Synchronization
import TestKit
import Testing

@testable import ImageAPI

/// Servers that do what no library would let them do, to a submission: one request on the wire, and the permit asked
/// for exactly when a byte may have left.
@Suite struct HostileSubmitTests {
  private static let yes = WillSendTests.yes
  private static let large = String(repeating: "a red fox ", count: 300_000)

  /// Submits once, and counts.
  private func submit(
    _ prompt: String = "a red fox", requests: Int = 1,
    settings: (inout HTTPImageService.Settings) -> Void = { _ in },
    sourceLocation: SourceLocation = #_sourceLocation, script: @escaping @Sendable (Connection) -> Void
  ) async throws -> SubmitOutcome {
    try await ServiceFixture.run(settings: settings, script: script) { bench, server in
      let asked = Asked { server.received == 0 }
      let outcome = await bench.submit(prompt, willSend: asked.ask)
      #expect(asked.count == 1 && server.connections == 1, sourceLocation: sourceLocation)
      #expect(server.requests.count == requests, sourceLocation: sourceLocation)
      return outcome
    }
  }

  @Test(arguments: [
    "HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n",
    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n",
  ])
  func `What comes before the answer is not the answer`(early: String) async throws {
    let outcome = try await submit {
      $0.readRequest()
      $0.send(early)
      $0.answer("200 OK", Self.yes)
    }
    #expect(outcome == .accepted(taskID: "ta1"))
  }

  @Test(arguments: [
    // GOAWAY and SETTINGS frames (RFC 9113 §6).
    [0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2] as [UInt8], [0, 0, 0, 4, 0, 0, 0, 0, 0],
    Array("HTTP/2 200\r\n\r\n".utf8), Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8), [0x15, 3, 3, 0, 2, 2, 80],
  ])
  func `Another protocol's bytes for an answer: unknown`(bytes: [UInt8]) async throws {
    let outcome = try await submit {
      $0.readRequest()
      $0.send(bytes)
    }
    #expect(outcome.isUnknown, "\(outcome)")
  }

  @Test(arguments: ["500 Oops", "502 Bad Gateway", "503 Unavailable", "504 Gateway Timeout"])
  func `A gateway's page: unknown, and the service counts as down`(status: String) async throws {
    let outcome = try await submit {
      $0.readRequest()
      $0.answer(status, "<html>\(status)</html>")
    }
    guard case .unknown(_, serviceDown: true) = outcome else {
      Issue.record("\(outcome)")
      return
    }
  }

  @Test(arguments: ["", "{\"code\":0,\"data\":{}}", "garbage", "\u{1F}\u{8B}\u{8}\0"])
  func `A yes without an id: unknown`(body: String) async throws {
    let outcome = try await submit {
      $0.readRequest()
      $0.answer("200 OK", body)
    }
    #expect(outcome.isUnknown, "\(outcome)")
  }

  @Test(arguments: ["301 Moved", "302 Found", "303 See Other", "307 Temporary Redirect", "308 Permanent Redirect"])
  func `A redirect is not followed, not even to itself`(status: String) async throws {
    let other = try RawServer { $0.readRequest() }
    defer { other.stop() }
    let outcome = try await submit { connection in
      while connection.readRequest() != nil {
        connection.answer(status, "", headers: "Location: \(other.baseURL)/api/image/gen\r\n")
      }
    }
    #expect(outcome.reached == true && other.connections == 0, "\(outcome)")
  }

  @Test(arguments: ["413 Content Too Large", "429 Too Many Requests", "400 Bad Request"], [false, true])
  func `A no before the body was read`(status: String, isReset: Bool) async throws {
    let outcome = try await submit(Self.large, requests: 0) {
      _ = $0.readHead()
      $0.answer(status, "{\"code\":1,\"message\":\"no\"}", headers: "Connection: close\r\n")
      // A reset can overtake the answer: then nobody knows what it was.
      if isReset { $0.reset() } else { $0.waitForEnd() }
    }
    #expect(isReset ? outcome.reached != false : outcome.reached == true, "\(outcome)")
  }

  @Test(arguments: [false, true])
  func `An end in the middle of the body: unknown`(isReset: Bool) async throws {
    let outcome = try await submit(Self.large, requests: 0) {
      _ = $0.readHead()
      $0.readSome()
      if isReset { $0.reset() }
    }
    #expect(outcome.isUnknown, "\(outcome)")
  }

  @Test func `A yes before the body was read counts, for the id is there`() async throws {
    let outcome = try await submit(Self.large, requests: 0) {
      _ = $0.readHead()
      $0.answer("200 OK", Self.yes)
      $0.waitForEnd()
    }
    #expect(outcome == .accepted(taskID: "ta1"), "\(outcome)")
  }

  @Test func `A server that accepts and never reads: unknown, within twice the time`() async throws {
    let end = DispatchSemaphore(value: 0)
    let begun = ContinuousClock.now
    // More than the buffers of both sides hold.
    let image = ReferenceImage.data([UInt8](repeating: 7, count: 6_000_000), .png)
    let request = SubmitRequest(snapshot: Snapshot(prompt: "fox", model: "m"), images: [image])
    let outcome = try await ServiceFixture.run(
      settings: { $0.stallTimeout = .milliseconds(400) },
      script: { _ in _ = end.wait(timeout: .now() + .seconds(20)) }
    ) { bench, server in
      let asked = Asked()
      let outcome = await bench.service.submit(request, willSend: asked.ask)
      #expect(asked.count == 1 && server.connections == 1)
      return outcome
    }
    end.signal()
    #expect(outcome.isUnknown && ContinuousClock.now - begun < .seconds(15), "\(outcome)")
    #expect(outcome.error?.message.contains("stopped taking") == true, "\(outcome)")
  }

  @Test(arguments: [
    "Content-Length: 5\r\n", "Content-Length: 5000\r\n", "Content-Length: -1\r\n",
    "Content-Length: 99999999999999999999\r\n", "Content-Length: 54\r\nContent-Length: 5\r\n",
    "Content-Length: 54\r\nTransfer-Encoding: chunked\r\n", "Content-Length: 9223372036854775807\r\n",
  ])
  func `A length that is a lie: unknown`(headers: String) async throws {
    let outcome = try await submit {
      $0.readRequest()
      $0.send("HTTP/1.1 200 OK\r\n\(headers)\r\n\(Self.yes)")
    }
    #expect(outcome.isUnknown, "\(outcome)")
  }

  @Test func `An answer larger than any: unknown`() async throws {
    let outcome = try await submit { connection in
      connection.readRequest()
      connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
      let part = "10000\r\n" + String(repeating: " ", count: 65_536) + "\r\n"
      while connection.send(part) {}
    }
    #expect(outcome.isUnknown, "\(outcome)")
  }

  @Test func `Two answers to one request: the first counts, the connection is not used again`() async throws {
    try await ServiceFixture.run(script: { connection in
      guard connection.readRequest() != nil else { return }
      let yes = "HTTP/1.1 200 OK\r\nContent-Length: \(Self.yes.utf8.count)\r\n\r\n\(Self.yes)"
      connection.send(yes + yes.replacingOccurrences(of: "ta1", with: "ta9"))
      connection.waitForEnd()
    }) { bench, server in
      #expect(await bench.submit("one") == .accepted(taskID: "ta1"))
      #expect(await bench.submit("two") == .accepted(taskID: "ta1"))
      #expect(server.connections == 2)
    }
  }

  // Which side is first is chance, round by round; what must hold does not depend on it.
  @Test func `A connection that closes just as the next request goes out, many times`() async throws {
    let answered = DispatchSemaphore(value: 0)
    try await ServiceFixture.run(script: { connection in
      guard connection.readRequest() != nil else { return }
      connection.answer("200 OK", Self.yes)
      answered.signal()
      // Nobody signals it: some rounds close at once, some after some microseconds.
      if connection.number % 3 > 0 {
        _ = DispatchSemaphore(value: 0).wait(timeout: .now() + .microseconds(connection.number % 7 * 40))
      }
      if connection.number % 2 == 0 { connection.reset() }
    }) { bench, server in
      var kinds: [String: Int] = [:]
      for round in 0..<200 {
        let before = server.received
        let asked = Asked()
        let outcome = await bench.submit("round \(round).", willSend: asked.ask)
        switch outcome {
        case .accepted: #expect(asked.count == 1)
        case .taskOfAnother, .unknown: #expect(asked.count == 1)
        case .notAccepted(_, let reached):
          #expect(!reached && asked.count == 0, "never sent, and yet asked")
          #expect(server.received == before)
        }
        kinds["\(outcome)".prefix(8).description, default: 0] += 1
      }
      let bodies = server.requests.map { String(decoding: $0.body, as: UTF8.self) }
      #expect(Set(bodies).count == bodies.count, "a POST was sent twice")
      #expect((kinds["accepted"] ?? 0) > 0)
    }
  }

  @Test func `The callback's address goes along where there is one`() async throws {
    try await ServiceFixture.run(script: { connection in
      while connection.readRequest() != nil { connection.answer("200 OK", Self.yes) }
    }) { bench, server in
      let snapshot = Snapshot(prompt: "fox", model: "m")
      for url in ["https://me.example/hook/\"x\"", nil] {
        let request = SubmitRequest(snapshot: snapshot, images: [], callbackURL: url)
        #expect(await bench.service.submit(request) == .accepted(taskID: "ta1"))
        let body = Data(try #require(server.requests.last).body)
        let fields = try #require(try JSONSerialization.jsonObject(with: body) as? [String: Any])
        #expect(fields["callback_url"] as? String == url && fields.count == (url == nil ? 2 : 3))
      }
    }
  }
}
