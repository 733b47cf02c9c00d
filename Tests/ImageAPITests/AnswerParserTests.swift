import NIOCore
import NIOEmbedded
import NIOHTTP1
import TestKit
import Testing

@testable import ImageAPI

/// How answers are read from bytes, held against swift-nio's own decoder.
@Suite struct AnswerParserTests {
  /// What an answer says, in a form that both readers come to.
  private struct Answer: Equatable {
    var status = 0
    var isKept = true
    var headers: [String] = []
    var body: [UInt8] = []
    var isWhole = false
  }
  private static let kept = [
    "keep-alive", "retry-after", "location", "content-encoding", "content-range",
  ]

  /// The first answer of a connection that carries these parts and then ends, or stays open.
  private func read(_ parts: [[UInt8]], andEnd: Bool = true) throws(AnswerParser.Malformed) -> Answer {
    var (parser, answer) = (AnswerParser(), Answer())
    var unread = ByteBuffer()
    func take(_ part: AnswerParser.Part) {
      switch part {
      case .head(let head):
        (answer.status, answer.isKept) = (head.status, head.isKept)
        answer.headers = head.headers.map { "\($0.name.lowercased()): \($0.value)" }
      case .body(let bytes): answer.body += Array(bytes.readableBytesView)
      case .end: answer.isWhole = true
      }
    }
    for part in parts {
      unread.writeBytes(part)
      while !answer.isWhole, let part = try parser.next(&unread) { take(part) }
      if answer.isWhole { return answer }
    }
    if andEnd, let part = parser.connectionEnded() { take(part) }
    return answer
  }

  private func read(_ text: String, andEnd: Bool = true) throws -> Answer {
    try read([Array(text.utf8)], andEnd: andEnd)
  }

  /// The same by swift-nio; nil: it does not take them.
  private func readByNIO(_ parts: [[UInt8]]) -> Answer? {
    let channel = EmbeddedChannel()
    var answer = Answer()
    do {
      let decoder = HTTPResponseDecoder(leftOverBytesStrategy: .dropBytes)
      try channel.pipeline.syncOperations.addHandler(ByteToMessageHandler(decoder))
      let head = HTTPRequestHead(version: .http1_1, method: .GET, uri: "/")
      try channel.writeOutbound(HTTPClientRequestPart.head(head))
      func take() throws {
        while let part = try channel.readInbound(as: HTTPClientResponsePart.self), !answer.isWhole {
          switch part {
          case .head(let head):
            (answer.status, answer.isKept) = (Int(head.status.code), head.isKeepAlive)
            // It leaves the blanks behind a value.
            answer.headers = head.headers.map { "\($0.name.lowercased()): \($0.value.trimmed)" }.filter { line in
              Self.kept.contains { line.hasPrefix($0 + ":") }
            }
          case .body(let bytes): answer.body += Array(bytes.readableBytesView)
          case .end: answer.isWhole = true
          }
        }
      }
      for part in parts {
        try channel.writeInbound(ByteBuffer(bytes: part))
        try take()
        if answer.isWhole { return answer }
      }
      channel.pipeline.fireChannelInactive()
      try take()
      try channel.throwIfErrorCaught()
    } catch HTTPParserError.invalidEOFState {
      return answer
    } catch {
      return answer.isWhole ? answer : nil
    }
    return answer
  }

  private static let samples = [
    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 5\r\nKeep-Alive: timeout=5\r\n\r\nhello",
    "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n1;x=\"y\"\r\n!\r\n0\r\nA: b\r\n\r\n",
    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n",
    "HTTP/1.0 200 OK\r\nServer: old\r\n\r\nup to the end",
    "HTTP/1.0 404 Not Found\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.1 429 Too Many Requests\r\nRetry-After:  7 \r\nConnection: x, Close\r\nContent-Length: 3\r\n\r\nno!",
    "HTTP/1.1 302 Found\r\nLocation: /b?c=d\r\nContent-Length: 0\r\nSet-Cookie: a=b\r\n\r\n",
    "HTTP/1.1 304 Not Modified\r\nContent-Length: 12\r\n\r\n", "HTTP/1.1 200\r\nContent-Length: 1\r\n\r\nx",
    "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nTransfer-Encoding: gzip, chunked\r\n\r\nA\r\n0123456789\r\n00\r\n\r\n",
  ]

  @Test(arguments: samples) func `Whole answers, in parts of any size`(sample: String) throws {
    let bytes = Array(sample.utf8)
    let whole = try #require(readByNIO([bytes]))
    #expect(whole.isWhole)
    for step in [bytes.count, 1, 2, 3, 7, 31] {
      let parts = stride(from: 0, to: bytes.count, by: step).map { Array(bytes[$0..<min($0 + step, bytes.count)]) }
      #expect(try read(parts) == whole, "parts of \(step)")
    }
    for length in 0..<bytes.count {
      let cut = try read([Array(bytes[..<length])])
      #expect(cut.isWhole == (readByNIO([Array(bytes[..<length])])?.isWhole ?? false), "\(length) bytes")
    }
  }

  private static let pieces = [
    "\r\n", "\n", "\r", " ", "\t", ":", "\0", "\u{7F}", ",", ";", "0", "9", "-1", "Content-Length: 3\r\n", "chunked",
    "Transfer-Encoding: chunked\r\n", "HTTP/1.1 ", "HTTP/2 ", "é", "Connection: close\r\n", "close, ", "100 ", "F",
    "99999999999999999999", "\r\n\r\n",
  ]

  // What swift-nio takes for an answer is read as the same answer, or not at all.
  @Test(arguments: SplitMix64.seeds()) func `Damaged answers`(seed: UInt64) async {
    var random = SplitMix64(seed: seed)
    var (taken, refused) = (0, 0)
    for round in 0..<600 {
      if round % 20 == 0 { await Task.yield() }
      var bytes = Array(random.one(of: Self.samples).utf8)
      for _ in 0..<Int.random(in: 1...2, using: &random) {
        let at = Int.random(in: bytes.indices, using: &random)
        switch Int.random(in: 0..<4, using: &random) {
        case 0: bytes[at] = UInt8.random(in: 0...255, using: &random)
        case 1: bytes.remove(at: at)
        case 2: bytes.insert(contentsOf: random.one(of: Self.pieces).utf8, at: at)
        default: bytes[at] ^= 0x20
        }
      }
      let cut = Int.random(in: 0...bytes.count, using: &random)
      let parts = [Array(bytes[..<cut]), Array(bytes[cut...])].filter { !$0.isEmpty }
      guard let expected = readByNIO(parts), expected.isWhole else { continue }
      do {
        let answer = try read(parts)
        taken += 1
        if answer != expected {
          Issue.record(
            "seed \(seed), round \(round): \(answer), not \(expected), of \(String(decoding: bytes, as: UTF8.self).debugDescription)"
          )
        }
      } catch {
        refused += 1
      }
    }
    // A reader that refuses everything would agree with everybody.
    #expect(taken > refused * 20, "\(taken) read, \(refused) refused")
  }

  @Test(arguments: [
    "HTTP/2 200\r\n\r\n", "ICY 200 OK\r\n\r\n", "no HTTP\r\n\r\n", "\0\0\u{8}\u{7}", "<html>", "HTTP/1.1 20 OK\r\n\r\n",
    "HTTP/1.1 2000 OK\r\n\r\n", "HTTP/1.1 099 X\r\n\r\n", "HTTP/1.1  200 OK\r\n\r\n", "HTTP/1.1 OK\r\n\r\n",
    "HTTP/1.1 200 OK\r\nno colon\r\n\r\n", "HTTP/1.1 200 OK\r\n: x\r\n\r\n", "HTTP/1.1 200 OK\r\nA : x\r\n\r\n",
    "HTTP/1.1 200 OK\r\nA: \0\r\n\r\n", "HTTP/1.1 200 OK\r\n A: x\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: \r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 1, 1\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: 9223372036854775808\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n 2\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1234567890123456\r\n",
  ])
  func `What is no answer`(text: String) {
    #expect(throws: AnswerParser.Malformed.self) { try read(text, andEnd: false) }
  }

  @Test func `What has no end is given up`() {
    let filler = String(repeating: "a", count: 300_000)
    for text in [
      "HTTP/1.1 200 OK\r\nX: \(filler)", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;\(filler)",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: \(filler)",
    ] {
      #expect(throws: AnswerParser.Malformed.self) { try read(text) }
    }
  }

  @Test func `Only what is read of a head is kept`() throws {
    let fields =
      "Server: x\r\nDate: y\r\nContent-Type: image/png\r\nContent-Length: 2\r\nX-Fold: a\r\n b\r\nLocation: /z\r\n"
    #expect(try read("HTTP/1.1 200 OK\r\n\(fields)\r\nab").headers == ["location: /z"])
    #expect(try read("HTTP/1.1 206 Part\r\n\(fields)\r\nab").headers == ["content-type: image/png", "location: /z"])
  }

  @Test func `What is not there yet is waited for, and what came with it is not taken along`() throws {
    var parser = AnswerParser()
    var bytes = ByteBuffer(string: "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r")
    #expect(try parser.next(&bytes) == nil && parser.connectionEnded() == nil)
    bytes.writeString("\nabc")
    guard case .head? = try parser.next(&bytes), case .body(let body)? = try parser.next(&bytes),
      case .end? = try parser.next(&bytes)
    else {
      Issue.record("out of order")
      return
    }
    #expect(body == ByteBuffer(string: "a") && bytes == ByteBuffer(string: "bc"))
  }
}
