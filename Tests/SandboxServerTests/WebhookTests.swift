import Foundation
import SandboxServer
import Synchronization
import Testing

struct WebhookTests {
  @Test func deliversTheFinalState() async throws {
    let receiver = try Receiver(statuses: [200])
    try await Fixture.run { bench in
      let id = try await bench.accepted(extra: ["callback_url": "http://127.0.0.1:\(receiver.port)/hook/s3cret?a=1"])
      try await eventually { receiver.requests.count == 1 && bench.sandbox.counters().webhooks == 1 }
      let request = receiver.requests[0]
      #expect(request.hasPrefix("POST /hook/s3cret?a=1 HTTP/1.1\r\n"))
      #expect(!request.contains("Authorization"))
      let link = "\(bench.sandbox.baseURL)/images/\(id)-1.png"
      let expected =
        #"{"result":[{"image":"\#(link)"}],"status":"success","task_id":"\#(id)","consumed":"0.500000","#
        + #""status_reason":{"message":null}}"#
      #expect(request.hasSuffix("\r\n\r\n" + expected))
    }
  }

  @Test func triesThreeTimesAndGivesUp() async throws {
    let receiver = try Receiver(statuses: [500, 500, 500, 200])
    let lines = Lines()
    let change: @Sendable (inout SandboxOptions) -> Void = {
      $0.webhookRetryDelay = .milliseconds(5)
      $0.log = { lines.add($0) }
    }
    try await Fixture.run(["task-failed=no"], options: change) { bench in
      _ = try await bench.accepted(extra: ["callback_url": "http://127.0.0.1:\(receiver.port)/"])
      try await eventually { lines.all.contains { $0.contains("try 3") } }
      #expect(receiver.requests.count == 3)
      #expect(receiver.requests[0].contains(#""status":"failed""#))
      #expect(receiver.requests[0].contains(#""result":null"#))
      #expect(bench.sandbox.counters().webhooks == 0)
    }
  }

  @Test func unreachableOrUnfit() async throws {
    let lines = Lines()
    let change: @Sendable (inout SandboxOptions) -> Void = {
      $0.webhookRetryDelay = .milliseconds(5)
      $0.log = { lines.add($0) }
    }
    try await Fixture.run(options: change) { bench in
      _ = try await bench.accepted(extra: ["callback_url": "https://127.0.0.1/"])
      #expect(lines.all.contains { $0.contains("only http://") })
      _ = try await bench.accepted(extra: ["callback_url": "http://127.0.0.1:1/"])
      try await eventually { lines.all.contains { $0.contains("try 3") } }
    }
  }

  @Test func twiceAndNever() async throws {
    let receiver = try Receiver(statuses: [200, 200, 200])
    try await Fixture.run { bench in
      let url = "http://127.0.0.1:\(receiver.port)/"
      let silent = try await bench.accepted("[sandbox: webhook-none]", extra: ["callback_url": url])
      _ = try await bench.accepted("[sandbox: webhook-twice]", extra: ["callback_url": url])
      try await eventually { receiver.requests.count == 2 }
      #expect(!receiver.requests.contains { $0.contains(silent) })
    }
  }
}

/// A server that answers one request a connection with the next of its statuses.
final class Receiver: Sendable {
  let port: Int
  private let received = Mutex<[String]>([])

  var requests: [String] { received.withLock { $0 } }

  init(statuses: [Int]) throws {
    let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = inet_addr("127.0.0.1")
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let isBound = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(listener, $0, size) == 0 && getsockname(listener, $0, &size) == 0
      }
    }
    try #require(isBound && listen(listener, 8) == 0)
    port = Int(in_port_t(bigEndian: address.sin_port))
    Thread.detachNewThread { [self] in
      defer { close(listener) }
      for status in statuses {
        let connection = accept(listener, nil, nil)
        guard connection >= 0 else { return }
        serve(connection, status)
      }
    }
  }

  private func serve(_ connection: Int32, _ status: Int) {
    defer { close(connection) }
    var bytes = Data()
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    // The body is JSON without line breaks, so the request is whole when it ends in a brace.
    while bytes.last != UInt8(ascii: "}") {
      let count = recv(connection, &chunk, chunk.count, 0)
      guard count > 0 else { return }
      bytes.append(contentsOf: chunk[..<count])
    }
    received.withLock { $0.append(String(decoding: bytes, as: UTF8.self)) }
    let answer = "HTTP/1.1 \(status) X\r\nContent-Length: 0\r\n\r\n"
    _ = answer.withCString { send(connection, $0, strlen($0), Int32(MSG_NOSIGNAL)) }
  }
}
