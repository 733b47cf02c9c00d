import Foundation
import JobCore
import NIOCore
import TestKit
import Testing

@testable import ImageAPI

/// Answers and pictures of any size: what is kept of them has a limit.
@Suite struct LargeAnswerTests {
  private static let mebibyte = 1_048_576

  private func success(_ image: String) -> String {
    "{\"code\":0,\"data\":{\"task_id\":\"ta1\",\"status\":\"success\",\"result\":[{\"image\":\"\(image)\"}]}}"
  }

  private func serve(
    _ answer: String, count: Int = 1, _ body: (ServiceFixture, RawServer) async throws -> Void
  ) async throws {
    let bytes = Array(answer.utf8)
    try await ServiceFixture.run(
      settings: { $0.queryTimeout = .seconds(60) },
      script: { connection in
        guard connection.readRequest() != nil else { return }
        connection.send("HTTP/1.1 200 OK\r\nContent-Length: \(bytes.count)\r\n\r\n")
        connection.send(bytes)
        connection.waitForEnd()
      }, body)
  }

  @Test(arguments: ["/+A=", "\\/+A=", "\\u002f\\u002BA\\u003d"])
  func `A large picture within the answer, however its writer escapes`(last: String) async throws {
    let bytes = [UInt8](repeating: 0x5A, count: 300_000)
    let uri = "data:image/png;base64," + Data(bytes).base64EncodedString()
    try await serve(success(uri + last)) { bench, _ in
      guard case .succeeded(let items) = try await bench.report().phase else { throw Unexpected() }
      #expect(items == [.inline(dataURI: uri + "/+A=")])
      #expect(await bench.fetch(try #require(items.first)).bytes == bytes + [0xFF, 0xE0])
    }
  }

  @Test func `Several pictures, and small texts between them, keep their order`() async throws {
    let uris = (0..<4).map { "data:image/png;base64," + String(repeating: "AB\($0)D", count: $0 == 2 ? 2 : 9000) }
    let list = uris.map { "{\"image\":\"\($0)\"},{\"text\":\"\\\"no\\\\\"}" }.joined(separator: ",")
    let json = "{\"data\":{\"result\":[\(list)],\"status\":\"success\"},\"code\":0}"
    try await serve(json) { bench, _ in
      let expected = uris.flatMap { [ResultItem.inline(dataURI: $0), .text("\"no\\")] }
      let phase = try await bench.report().phase
      #expect(phase == .succeeded(expected))
    }
  }

  @Test(arguments: [",[]", ",0", ",{\"a\":1}", ",\"a text as long as this one is, and a little longer, to be of use\""])
  func `Many small values are not read: a reader keeps more of them than they are`(part: String) async throws {
    let json = "{\"code\":0,\"data\":{\"status\":\"success\",\"result\":[0"
    try await serve(json + String(repeating: part, count: 1_200_000 / part.utf8.count) + "]}}") { bench, _ in
      let outcome = await bench.service.query("ta1")
      #expect(outcome.consequence == .permanent, "\(outcome)")
    }
  }

  @Test func `An announced answer beyond the limit is not begun`() async throws {
    try await ServiceFixture.run(script: { connection in
      connection.readRequest()
      connection.send("HTTP/1.1 200 OK\r\nContent-Length: 33554433\r\n\r\n")
      connection.waitForEnd()
    }) { bench, _ in
      #expect(await bench.service.query("ta1").consequence == .permanent)
    }
  }

  @Test func `A page of a gateway's without end is not the task's fault`() async throws {
    try await ServiceFixture.run(script: { connection in
      connection.readRequest()
      connection.send("HTTP/1.1 502 Bad Gateway\r\n\r\n")
      let part = [UInt8](repeating: 32, count: 65_536)
      while connection.send(part) {}
    }) { bench, _ in
      #expect(await bench.service.query("ta1").consequence == .transient(retryAfter: nil))
    }
  }

  @Test func `What has no room is asked for later, and small answers always have room`() async throws {
    let held = DispatchSemaphore(value: 0)
    try await ServiceFixture.run(
      settings: { $0.queryTimeout = .seconds(30) },
      script: { connection in
        guard connection.readRequest() != nil else { return }
        if connection.number < 3 {
          // Announced, and kept waiting: 30 of 48 MiB, then 30 more.
          connection.send("HTTP/1.1 200 OK\r\nContent-Length: \(30 * Self.mebibyte)\r\n\r\n")
          if connection.number == 1 { _ = held.wait(timeout: .now() + .seconds(30)) } else { connection.waitForEnd() }
        } else {
          connection.answer(
            "200 OK", "{\"code\":0,\"data\":{\"status\":\"pending\"}}", headers: "Connection: close\r\n")
        }
      }
    ) { bench, server in
      async let first = bench.service.query("ta1")
      try await eventually("the first request") { server.requests.count == 1 }
      var second = QueryOutcome.notFound
      // The first head may still be on its way when the second comes; whichever is later has no room.
      second = await bench.service.query("ta2")
      #expect(second.consequence == .transient(retryAfter: nil), "\(second)")
      guard case .failed(let failure) = second else { throw Unexpected() }
      #expect(failure.error.message.contains("memory"), "\(failure.error.message)")
      #expect(try await bench.report("ta3").phase == .running)
      held.signal()
      #expect(await first.consequence == .transient(retryAfter: nil))
    }
  }

  @Test func `Room is given back with the last that needs it, and not taken twice`() {
    let budget = AnswerBudget(10 * Self.mebibyte)
    var one: AnswerBudget.Share? = AnswerBudget.Share(of: budget)
    let two = AnswerBudget.Share(of: budget)
    #expect(one?.cover(8 * Self.mebibyte) == true && one?.cover(8 * Self.mebibyte) == true)
    #expect(!two.cover(4 * Self.mebibyte) && two.cover(AnswerBudget.free))
    one = nil
    #expect(two.cover(10 * Self.mebibyte))
  }

  @Test func `A picture in memory keeps its room until it is fetched`() async throws {
    let budget = AnswerBudget(4 * Self.mebibyte)
    let shares = InlineShares()
    let uri = "data:image/png;base64," + String(repeating: "A", count: 3 * Self.mebibyte)
    func answer() -> Bool {
      let share = AnswerBudget.Share(of: budget)
      guard share.cover(uri.utf8.count) else { return false }
      let report = TaskReport(phase: .succeeded([.inline(dataURI: uri)]), status: "success", consumed: nil)
      shares.keep(share, for: .report(report))
      return true
    }
    #expect(answer())
    #expect(!answer())
    shares.drop(uri)
    #expect(answer())
  }

  @Test func `A picture without end is cut off at the limit`() async throws {
    try await ServiceFixture.run(script: { connection in
      connection.readRequest()
      connection.send("HTTP/1.1 200 OK\r\n\r\n")
      let part = [UInt8](repeating: 1, count: 65_536)
      // 10 GB, if anybody took them.
      for _ in 0..<160_000 where !connection.send(part) { return }
    }) { bench, server in
      #expect(await bench.fetch(.url(server.baseURL), limit: 2_000_000).failure?.kind == "unusable")
      try await eventually("the end of the connection") { server.ended == 1 }
    }
  }

  @Test(arguments: ["AQIDBA==", "AQIDBA", "A Q\nI\tD\r\nB A = =", "AQIDBA=\n="])
  func `Base64 as it is written`(text: String) throws {
    for cut in 0...text.count {
      var decoder = Base64()
      var bytes: [UInt8] = []
      for part in [text.prefix(cut), text.dropFirst(cut)] { bytes += decoder.decode(part.utf8) ?? [0] }
      bytes += decoder.finish() ?? [0]
      #expect(bytes == [1, 2, 3, 4])
    }
  }

  @Test(arguments: ["A", "AQIDB", "AQ=", "AQ=A", "AQ===", "=AQI", "AQ==AQ==", "A=", "%41", "AQID*"])
  func `No base64`(text: String) {
    var decoder = Base64()
    let bytes = decoder.decode(text[...].utf8)
    #expect(bytes == nil || decoder.finish() == nil)
  }
}
