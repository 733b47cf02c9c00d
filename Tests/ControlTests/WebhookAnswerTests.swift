import Foundation
import TestKit
import Testing

@testable import Control

@Suite struct WebhookAnswerTests {
  @Test func aCallbackIsReported() async throws {
    try await withReceiver { (port, sink) async throws in
      #expect(try await exchange(port: port, callback()) == accepted)
      #expect(sink.reported == ["\(RecordingSink.token) t1"])
    }
  }

  @Test func itIsAnsweredOnlyOnceItIsDurable() async throws {
    let gate = Gate()
    try await withReceiver(RecordingSink(telling: gate)) { (port, sink) async throws in
      let client = try RawClient(port: port)
      try client.send(callback())
      try await eventually("the sink is told") { gate.waiting == 1 }
      // The answer to another callback proves that the receiver did not only have no time.
      #expect(try await exchange(port: port, callback(RecordingSink.other)) == notFound)
      #expect(!client.hasNews)
      gate.open()
      #expect(try await onThread { try client.text() } == accepted)
    }
  }

  @Test func whatCannotBeWrittenIsWantedAgain() async throws {
    try await withReceiver(RecordingSink(isDurable: false)) { (port, sink) async throws in
      #expect(try await exchange(port: port, callback()) == unavailable(30))
      #expect(sink.reported.count == 1)
    }
  }

  @Test(arguments: ["", "{}", "[1]", #"{"task_id":7}"#, #"{"task_id":"a b"}"#, #"{"task_id":"t1""#])
  func withoutATaskIDItIsRefused(_ body: String) async throws {
    try await withReceiver { (port, sink) async throws in
      let answer = "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
      #expect(try await exchange(port: port, callback(RecordingSink.token, body)) == answer)
      #expect(sink.reported == [])
    }
  }

  @Test func aTokenIsOfThisForm() async throws {
    let letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"
    let good = [String(letters.prefix(43)), String(letters.suffix(43)), letters]
    try await withReceiver(RecordingSink(Set(good))) { (port, sink) async throws in
      for token in good { #expect(try await exchange(port: port, callback(token)) == accepted) }
      #expect(sink.asked == good)
      let stem = letters.prefix(42)
      let bad = [
        "", "\(stem)", letters + "x", stem + ".", stem + "/", stem + "%61", stem + "?", good[0] + "?a=b",
        good[0] + "#a",
        good[0] + "/", "../callback/" + good[0], "/" + good[0], stem + "=", stem + "+",
      ]
      for token in bad { #expect(try await exchange(port: port, callback(token)).hasPrefix(notFound), "\(token)") }
      // Nobody was asked for what no address of ours can be.
      #expect(sink.asked == good)
    }
  }

  @Test(arguments: [
    "GET /callback/TOKEN", "PUT /callback/TOKEN", "OPTIONS *", "HEAD /callback/TOKEN", "GET /", "POST /",
    "POST /callback",
    "POST /callback/", "POST /Callback/TOKEN", "POST //callback/TOKEN", "POST /x/callback/TOKEN",
    "POST http://x/callback/TOKEN", "CONNECT x:80", "DELETE /callback/TOKEN", "GET /metrics", "GET /status",
  ]) func anythingElseIsNotThere(_ line: String) async throws {
    try await withReceiver { (port, sink) async throws in
      let line = line.replacing("TOKEN", with: RecordingSink.token)
      let answer = try await exchange(port: port, "\(line) HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}")
      #expect(answer == notFound)
      #expect(sink.asked == [] && sink.reported == [])
    }
  }

  @Test func aForgedTokenGetsItsAnswerBeforeTheBodyWhichIsNotRead() async throws {
    try await withReceiver(limits: { $0.lingerTime = .seconds(5) }) { (port, sink) async throws in
      for fields in [["Content-Length: 16000000"], ["Transfer-Encoding: chunked"], ["Content-Length: 99999999999"]] {
        let client = try RawClient(port: port)
        try client.send(
          "POST /callback/\(RecordingSink.other) HTTP/1.1\r\n\(fields[0])\r\nExpect: 100-continue\r\n\r\n")
        try await eventually("it is answered") { client.hasEnded }
        // What the kernels' buffers hold goes away, the rest stays: nobody reads.
        let part = [UInt8](repeating: 32, count: 65_536)
        var (sent, idle) = (0, 0)
        while idle < 20, sent < 64 << 20 {
          let count = client.sendAvailable(part)
          sent += count
          idle = count == 0 ? idle + 1 : 0
          if count == 0 { try await Task.sleep(for: .milliseconds(5)) }
        }
        #expect(sent < 32 << 20)
        #expect(try await onThread { try client.text() } == notFound)
      }
      #expect(sink.asked == [RecordingSink.other, RecordingSink.other, RecordingSink.other])
      #expect(sink.reported == [])
    }
  }

  @Test func aForgedTokenEndsTheConnection() async throws {
    try await withReceiver { (port, sink) async throws in
      // It sends on and on; the end comes all the same.
      let ended = try await onThread {
        let client = try RawClient(port: port)
        try client.send(head(RecordingSink.other, "Content-Length: 999999999"))
        let began = ContinuousClock.now
        do {
          while ContinuousClock.now - began < .seconds(8) { try client.send([UInt8](repeating: 32, count: 65_536)) }
        } catch is ClientTrouble {
          return true
        }
        return false
      }
      #expect(ended)
      #expect(sink.reported == [])
    }
  }

  @Test func whoWaitsForPermissionGetsIt() async throws {
    try await withReceiver { (port, sink) async throws in
      let body = #"{"task_id":"t1"}"#
      let client = try RawClient(port: port)
      try client.send(head(RecordingSink.token, "Content-Length: \(body.count)", "Expect: 100-continue"))
      #expect(try await onThread { [try client.line(), try client.line()] } == ["HTTP/1.1 100 Continue\r\n", "\r\n"])
      try client.send(body)
      #expect(try await onThread { try client.text() } == accepted)

      let tooLarge = try RawClient(port: port)
      try tooLarge.send(head(RecordingSink.token, "Content-Length: 16777217", "Expect: 100-continue"))
      #expect(try await onThread { try tooLarge.line() } == "HTTP/1.1 413 Payload Too Large\r\n")
      #expect(sink.reported.count == 1)
    }
  }

  @Test func ofRequestsInARowTheFirstIsAnsweredAndTheConnectionEnds() async throws {
    try await withReceiver { (port, sink) async throws in
      let requests = callback() + callback(RecordingSink.token, #"{"task_id":"t2"}"#) + "GET / HTTP/1.1\r\n\r\n"
      #expect(try await exchange(port: port, requests) == accepted)
      #expect(try await exchange(port: port, callback() + "no HTTP at all\r\n\r\n") == accepted)
      #expect(sink.reported == ["\(RecordingSink.token) t1", "\(RecordingSink.token) t1"])
    }
  }

  @Test func aChunkedBodyIsRead() async throws {
    try await withReceiver { (port, sink) async throws in
      let chunks = "5\r\n{\"tas\r\n1\r\nk\r\nB\r\n_id\":\"t1\"} \r\n0\r\nTrailer: x\r\n\r\n"
      #expect(
        try await exchange(port: port, head(RecordingSink.token, "Transfer-Encoding: chunked") + chunks) == accepted)
      #expect(sink.reported == ["\(RecordingSink.token) t1"])
    }
  }

  @Test func whoEndsItsSideIsAnsweredStill() async throws {
    try await withReceiver { (port, sink) async throws in
      let text = try await onThread {
        let client = try RawClient(port: port)
        try client.send(callback())
        client.endSending()
        return try client.text()
      }
      #expect(text == accepted)
      let half = try await onThread {
        let client = try RawClient(port: port)
        try client.send(String(callback().dropLast()))
        client.endSending()
        return try client.text()
      }
      #expect(half == "")
      #expect(sink.reported.count == 1)
    }
  }

  @Test(arguments: [
    "\u{16}\u{3}\u{1}\u{0}", "POST\r\n\r\n", "POST /callback/x HTTP/9.9\r\n\r\n",
    "POST /callback/TOKEN HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n{}  ",
    "POST /callback/TOKEN HTTP/1.1\r\nContent-Length: -3\r\n\r\n{}",
    "POST /callback/TOKEN HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n{} \r\n0\r\n\r\n",
  ]) func whatIsNoHTTPLeadsNowhere(_ text: String) async throws {
    try await withReceiver { (port, sink) async throws in
      let answer = try await exchange(port: port, text.replacing("TOKEN", with: RecordingSink.token) + "\r\n\r\n")
      #expect(answer == "" || answer == notFound)
      #expect(sink.reported == [])
    }
  }
}
