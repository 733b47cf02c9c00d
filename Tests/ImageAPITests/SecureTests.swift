import Foundation
import JobCore
import Synchronization
import TestKit
import Testing

@testable import ImageAPI

/// Submissions through TLS, and through a proxy to it.
@Suite(.enabled(if: TestAuthority.isPossible, "there is no openssl to make certificates with"))
struct SecureTests {
  private static let answers: @Sendable (Connection) -> Void = { connection in
    while connection.readRequest() != nil { connection.answer("200 OK", WillSendTests.yes) }
  }

  private func behindTLS(
    _ script: @escaping @Sendable (Connection) -> Void = answers,
    names: String = "DNS:localhost,DNS:api.example,IP:127.0.0.1",
    _ body: (TestAuthority, TLSFront, RawServer) async throws -> Void
  ) async throws {
    let authority = try await TestAuthority.make(for: names)
    let server = try RawServer(script)
    defer { server.stop() }
    let front = try await TLSFront(authority, before: server.port)
    try await body(authority, front, server)
    try await front.stop()
  }

  @Test(arguments: ["127.0.0.1", "localhost"])
  func `A certificate of ca-file's is trusted, and it is asked before anything is encrypted`(host: String) async throws
  {
    try await behindTLS { authority, front, server in
      try await ServiceFixture.run(
        at: "https://\(host):\(front.port)", settings: { $0.certificateFile = authority.file }
      ) { bench in
        let asked = Asked { server.received == 0 }
        #expect(await bench.submit(willSend: asked.ask) == .accepted(taskID: "ta1"))
        #expect(asked.count == 1 && server.requests.count == 1)
        let before = server.received
        let refused = await bench.submit(willSend: { false })
        #expect(refused.error?.code == "called-off" && refused.reached == false, "\(refused)")
        try await eventually("the end of the connection") { server.ended == 1 }
        #expect(server.received == before)
      }
    }
  }

  @Test func `A certificate that nobody trusts: not sent, not asked`() async throws {
    try await behindTLS { _, front, server in
      let asked = Asked()
      let outcome = try await ServiceFixture.run(at: "https://127.0.0.1:\(front.port)") {
        await $0.submit(willSend: asked.ask)
      }
      #expect(outcome.reached == false && asked.count == 0 && server.received == 0, "\(outcome)")
    }
  }

  @Test func `A certificate for another name: not sent, not asked`() async throws {
    try await behindTLS(names: "DNS:other.example") { authority, front, server in
      let asked = Asked()
      let outcome = try await ServiceFixture.run(
        at: "https://localhost:\(front.port)", settings: { $0.certificateFile = authority.file }
      ) { await $0.submit(willSend: asked.ask) }
      #expect(outcome.reached == false && asked.count == 0 && server.received == 0, "\(outcome)")
    }
  }

  // NIOSSL's own check accepts a certificate for the address that was dialled, for whatever host.
  @Test func `A certificate for the address that was dialled is not one for the host`() async throws {
    try await behindTLS(names: "IP:127.0.0.1") { authority, front, server in
      let asked = Asked()
      try await ServiceFixture.run(
        at: "https://localhost:\(front.port)", settings: { $0.certificateFile = authority.file },
        resolve: { _ in [NetworkAddress(bytes: [127, 0, 0, 1])] }
      ) { bench in
        let outcome = await bench.submit(willSend: asked.ask)
        #expect(outcome.reached == false && asked.count == 0, "\(outcome)")
        #expect(outcome.error?.message.contains("not for localhost") == true, "\(outcome)")
        let fetched = await bench.fetch(.url("https://image.example:\(front.port)/x.png"))
        #expect(fetched.failure?.kind == "transient", "\(fetched)")
      }
      #expect(server.received == 0)
      let outcome = try await ServiceFixture.run(
        at: "https://127.0.0.1:\(front.port)", settings: { $0.certificateFile = authority.file }
      ) { await $0.submit() }
      #expect(outcome == .accepted(taskID: "ta1"), "\(outcome)")
    }
  }

  @Test func `The proxy's address is not the host's`() async throws {
    for (names, isFine) in [("IP:192.0.2.1", true), ("IP:127.0.0.1", false), ("DNS:192.0.2.1", false)] {
      try await behindTLS(names: names) { authority, front, server in
        let target = front.port
        let proxy = try RawServer { connection in
          guard connection.readHead().map({ $0.hasPrefix("CONNECT 192.0.2.1:443 ") }) == true else { return }
          connection.send("HTTP/1.1 200 Connected\r\n\r\n")
          connection.tunnel(to: target)
        }
        defer { proxy.stop() }
        let outcome = try await ServiceFixture.run(
          at: "https://192.0.2.1",
          settings: {
            $0.certificateFile = authority.file
            $0.proxy = "http://127.0.0.1:\(proxy.port)"
          }
        ) { await $0.submit() }
        #expect(isFine ? outcome == .accepted(taskID: "ta1") : outcome.reached == false, "\(names): \(outcome)")
        #expect(server.requests.count == (isFine ? 1 : 0))
      }
    }
  }

  @Test(arguments: [
    ["HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n"], ["HTTP/1.0 200 ok\r\nVia: x\r\n", "\r", "\n"],
    ["HTTP/1.1 200\n\n"],
  ])
  func `However a proxy says yes`(parts: [String]) async throws {
    try await behindTLS { authority, front, server in
      let target = front.port
      let proxy = try RawServer { connection in
        guard connection.readHead() != nil else { return }
        for part in parts { connection.send(part) }
        connection.tunnel(to: target)
      }
      defer { proxy.stop() }
      let outcome = try await ServiceFixture.run(
        at: "https://api.example",
        settings: {
          $0.certificateFile = authority.file
          $0.proxy = "127.0.0.1:\(proxy.port)"
        }
      ) { await $0.submit() }
      #expect(outcome == .accepted(taskID: "ta1"), "\(outcome)")
    }
  }

  @Test(arguments: ["SSH-2.0-x\r\n\r\n", "HTTP/2 200 OK\r\n\r\n", "HTTP/1.1 2xx\r\n\r\n", "", "\r\n\r\n"])
  func `A proxy that speaks something else: not sent, not asked`(answer: String) async throws {
    let proxy = try RawServer { connection in
      guard connection.readHead() != nil else { return }
      connection.send(answer)
    }
    defer { proxy.stop() }
    let asked = Asked()
    let outcome = try await ServiceFixture.run(
      at: "https://api.example", settings: { $0.proxy = "http://127.0.0.1:\(proxy.port)" }
    ) { await $0.submit(willSend: asked.ask) }
    #expect(outcome.reached == false && asked.count == 0 && proxy.connections == 1, "\(outcome)")
  }

  @Test func `A proxy that says nothing: not sent, after the time to connect`() async throws {
    let proxy = try RawServer { $0.waitForEnd() }
    defer { proxy.stop() }
    let asked = Asked()
    let outcome = try await ServiceFixture.run(
      at: "https://api.example",
      settings: {
        $0.proxy = "http://127.0.0.1:\(proxy.port)"
        $0.connectTimeout = .milliseconds(300)
      }
    ) { await $0.submit(willSend: asked.ask) }
    #expect(outcome.reached == false && asked.count == 0, "\(outcome)")
    try await eventually("the end of the connection") { proxy.ended == 1 }
  }

  @Test func `A server that speaks HTTP/2 only: not sent, not asked`() async throws {
    let authority = try await TestAuthority.make()
    let free = try RawServer { _ in }
    free.stop()
    let server = try ChildProcess(
      TestAuthority.openssl,
      [
        "s_server", "-accept", "127.0.0.1:\(free.port)", "-cert", "leaf.pem", "-key", "leaf.key", "-alpn", "h2",
        "-naccept", "5",
      ], folder: authority.folder.path)
    try await eventually("the server") { server.standardOutput.contains("ACCEPT") }
    let asked = Asked()
    let outcome = try await ServiceFixture.run(
      at: "https://127.0.0.1:\(free.port)", settings: { $0.certificateFile = authority.file }
    ) { await $0.submit(willSend: asked.ask) }
    #expect(outcome.reached == false && asked.count == 0, "\(outcome)")
    #expect(!server.standardOutput.contains("POST"))
    server.terminate()
  }

  @Test func `Plain HTTP behind https: not sent, not asked`() async throws {
    let server = try RawServer(Self.answers)
    defer { server.stop() }
    let asked = Asked()
    let outcome = try await ServiceFixture.run(
      at: "https://127.0.0.1:\(server.port)", settings: { $0.connectTimeout = .seconds(1) }
    ) { await $0.submit(willSend: asked.ask) }
    #expect(outcome.reached == false && asked.count == 0 && server.requests.isEmpty, "\(outcome)")
  }

  @Test func `A proxy carries it without seeing it, and the CONNECT asks nobody`() async throws {
    try await behindTLS { authority, front, server in
      let askedBefore = Mutex<Int?>(nil)
      let asked = Asked { server.received == 0 || server.requests.count == 1 }
      let target = front.port
      let proxy = try RawServer { connection in
        guard connection.readHead().map({ $0.hasPrefix("CONNECT api.example:443 ") }) == true else { return }
        askedBefore.withLock { $0 = asked.count }
        connection.send("HTTP/1.1 200 Connected\r\n\r\n")
        connection.tunnel(to: target)
      }
      defer { proxy.stop() }
      try await ServiceFixture.run(
        at: "https://api.example",
        settings: {
          $0.certificateFile = authority.file
          $0.proxy = "http://127.0.0.1:\(proxy.port)"
        }
      ) { bench in
        #expect(await bench.submit("one", willSend: asked.ask) == .accepted(taskID: "ta1"))
        #expect(askedBefore.withLock { $0 } == 0)
        #expect(await bench.submit("two", willSend: asked.ask) == .accepted(taskID: "ta1"))
        #expect(asked.count == 2 && server.requests.count == 2 && proxy.connections == 1)
        let before = server.received
        #expect(await bench.submit(willSend: { false }).error?.code == "called-off")
        try await eventually("the end of the connection") { server.ended == 1 }
        #expect(server.received == before)
      }
      #expect(server.requests.allSatisfy { $0.header("Authorization") == ["Bearer \(ServiceFixture.key)"] })
    }
  }

  @Test(arguments: ["407 Proxy Authentication Required", "403 Forbidden", "502 Bad Gateway"])
  func `A proxy that refuses: not sent, not asked, and the key stays here`(status: String) async throws {
    let heads = Mutex<[String]>([])
    let proxy = try RawServer { connection in
      guard let head = connection.readHead() else { return }
      heads.withLock { $0.append(head) }
      connection.answer(status, "<html>no</html>")
    }
    defer { proxy.stop() }
    let asked = Asked()
    let outcome = try await ServiceFixture.run(
      at: "https://api.example", settings: { $0.proxy = "http://user:word@127.0.0.1:\(proxy.port)" }
    ) { await $0.submit(willSend: asked.ask) }
    #expect(outcome.reached == false && asked.count == 0, "\(outcome)")
    let head = try #require(heads.withLock { $0.first })
    #expect(!head.contains(ServiceFixture.key) && !head.contains("Bearer"))
    #expect(!head.lowercased().contains("promptdrop-permit"))
    #expect(head.contains("Basic dXNlcjp3b3Jk"))
  }

  @Test func `The name of a pinned host is the one that its certificate is held against`() async throws {
    let fox: @Sendable (Connection) -> Void = { connection in
      while connection.readRequest() != nil { connection.answer("200 OK", "fox") }
    }
    try await behindTLS(fox, names: "DNS:image.example") { authority, front, server in
      // The service is on loopback, so its pictures may be; the names lead there through the resolver only.
      try await ServiceFixture.run(
        at: "http://127.0.0.1:9", settings: { $0.certificateFile = authority.file },
        resolve: { _ in [NetworkAddress(bytes: [127, 0, 0, 1])] }
      ) { bench in
        let good = await bench.fetch(.url("https://image.example:\(front.port)/x.png"))
        #expect(good.bytes == Array("fox".utf8), "\(good)")
        #expect(server.requests.first?.header("Host") == ["image.example:\(front.port)"])
        let bad = await bench.fetch(.url("https://other.example:\(front.port)/x.png"))
        #expect(bad.failure?.kind == "transient", "\(bad)")
        #expect(server.requests.count == 1)
      }
    }
  }
}
