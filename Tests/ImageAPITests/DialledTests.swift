import Foundation
import JobCore
import Synchronization
import TestKit
import Testing

@testable import ImageAPI

/// Names of pictures' hosts: what is dialled is what was checked.
@Suite struct DialledTests {
  private static let outside = "https://api.service.example"
  private static let fox: @Sendable (Connection) -> Void = { connection in
    while connection.readRequest() != nil { connection.answer("200 OK", "fox") }
  }

  private func short(_ settings: inout HTTPImageService.Settings) {
    settings.connectTimeout = .milliseconds(200)
    settings.fetchTotalTimeout = .milliseconds(400)
  }

  private static func address(_ literal: String) -> NetworkAddress {
    NetworkAddress(literal: literal) ?? NetworkAddress(bytes: [])
  }

  @Test(arguments: [
    ["127.0.0.1"], ["::1"], ["10.0.0.1"], ["169.254.169.254"], ["100.64.0.1"], ["192.168.0.1"], ["172.16.3.4"],
    ["0.0.0.0"], ["255.255.255.255"], ["224.0.0.251"], ["192.0.2.1"], ["198.51.100.9"], ["203.0.113.255"],
    ["198.19.0.1"], ["192.0.0.8"], ["240.0.0.1"], ["fe80::1"], ["fc00::1"], ["fd00::1"], ["fec0::1"], ["ff02::1"],
    ["::"], ["::ffff:127.0.0.1"], ["::ffff:10.0.0.1"], ["::7f00:1"], ["64:ff9b::7f00:1"], ["64:ff9b::c0a8:101"],
    ["64:ff9b:1::1"], ["64:ff9b:1::808:808"], ["2002:7f00:1::1"], ["2002:c0a8:101::1"], ["2001::1"],
    ["2001:0:4136:e378:8000:63bf:3fff:fdd2"], ["2001:10::1"], ["2001:db8::1"], ["3fff::1"], ["100::1"], ["5f00::1"],
    ["::ffff:0:7f00:1"], ["2606:4700::5efe:a00:1"], ["2606:4700::200:5efe:c0a8:101"],
    ["93.184.216.34", "127.0.0.1"], ["2606:4700::1111", "fe80::1"], ["93.184.216.34", "10.1.1.1", "1.1.1.1"],
  ])
  func `A name that leads inside is refused before anything is dialled`(addresses: [String]) async throws {
    let server = try RawServer(Self.fox)
    defer { server.stop() }
    let result = try await ServiceFixture.run(
      at: Self.outside, settings: short, resolve: { _ in addresses.map(Self.address) }
    ) { bench in
      await bench.fetch(.url("http://image.example:\(server.port)/x.png"))
    }
    #expect(result.failure?.kind == "unusable", "\(result)")
    #expect(server.connections == 0)
  }

  @Test(arguments: [
    "93.184.216.34", "1.1.1.1", "172.32.0.1", "100.128.0.1", "169.253.1.1", "2606:4700::1111", "2a00:1450:4001::1",
    "64:ff9b::5db8:d822", "::ffff:93.184.216.34", "2002:5db8:d822::1", "2001:4860:4860::8888", "198.20.0.1",
  ])
  func `What is outside`(address: String) { #expect(Self.address(address).place == .outside) }

  @Test(arguments: ["1.2.3.4", "2606:4700:0:0:0:0:0:1111", "0:0:0:0:0:ffff:7f00:1"])
  func `An address is written so that it is read again`(text: String) {
    #expect(Self.address(text).text == text)
  }

  // The first answer is good for the check, the second for the attack: there must be no second question.
  @Test func `A name that changes its mind is dialled where it was checked`() async throws {
    let inside = try RawServer(Self.fox)
    defer { inside.stop() }
    let questions = Mutex(0)
    try await ServiceFixture.run(
      at: Self.outside, settings: short,
      resolve: { _ in
        let count = questions.withLock { count in
          count += 1
          return count
        }
        // Outside by its number, and nobody answers there.
        return [Self.address(count == 1 ? "192.31.196.1" : "127.0.0.1")]
      }
    ) { bench in
      let first = await bench.fetch(.url("http://localhost.example:\(inside.port)/x.png"))
      #expect(first.failure?.kind == "transient", "\(first)")
      #expect(questions.withLock { $0 } == 1 && inside.connections == 0)
      let second = await bench.fetch(.url("http://localhost.example:\(inside.port)/x.png"))
      #expect(second.failure?.kind == "unusable", "\(second)")
      #expect(questions.withLock { $0 } == 2 && inside.connections == 0)
    }
  }

  // That a pin is obeyed shows where the name would have led elsewhere: nowhere.
  @Test func `The address that was checked is the one that is dialled, and the next one when it is deaf`() async throws
  {
    let server = try RawServer(Self.fox)
    defer { server.stop() }
    try await ServiceFixture.run(
      at: "http://127.0.0.1:9", resolve: { _ in [Self.address("127.9.9.9"), Self.address("127.0.0.1")] }
    ) { bench in
      for name in ["no-such.invalid", "NO-such.invalid.", "no-such.invalid"] {
        let result = await bench.fetch(.url("http://\(name):\(server.port)/x.png"))
        #expect(result.bytes == Array("fox".utf8), "\(name): \(result)")
      }
      #expect(server.requests.count == 3)
    }
  }

  @Test func `Few connections are kept`() async throws {
    let server = try RawServer(Self.fox)
    defer { server.stop() }
    try await ServiceFixture.run(
      at: "http://127.0.0.1:9", settings: { $0.maxConnections = 2 }, resolve: { _ in [Self.address("127.0.0.1")] }
    ) { bench in
      for number in 0..<12 {
        let result = await bench.fetch(.url("http://i\(number).invalid:\(server.port)/x.png"))
        #expect(result.bytes == Array("fox".utf8), "\(result)")
      }
      let idle = try await bench.service.idleConnections()
      #expect((1...4).contains(idle))
      await withTaskGroup(of: Void.self) { group in
        for number in 0..<24 {
          group.addTask {
            let result = await bench.fetch(.url("http://i\(number % 7).invalid:\(server.port)/x.png"))
            #expect(result.bytes == Array("fox".utf8), "\(result)")
          }
        }
      }
      let then = try await bench.service.idleConnections()
      #expect((1...4).contains(then))
    }
  }

  @Test(arguments: [["127.0.0.1", "93.184.216.34"], ["127.0.0.1", "10.0.0.1"], ["10.0.0.1"]])
  func `A loopback service's pictures may lie on loopback, and nowhere else inside`(addresses: [String]) async throws {
    let server = try RawServer(Self.fox)
    defer { server.stop() }
    let result = try await ServiceFixture.run(
      at: "http://127.0.0.1:9", settings: short, resolve: { _ in addresses.map(Self.address) }
    ) { await $0.fetch(.url("http://localhost:\(server.port)/x.png")) }
    #expect(result.failure?.kind == "unusable" && server.connections == 0, "\(result)")
  }

  @Test(arguments: ["127.0.0.1", "localhost"])
  func `Where it is allowed, all of it is`(host: String) async throws {
    let server = try RawServer(Self.fox)
    defer { server.stop() }
    let result = try await ServiceFixture.run(at: Self.outside, settings: { $0.allowsPrivateResults = true }) {
      await $0.fetch(.url("http://\(host):\(server.port)/x.png"))
    }
    #expect(result.bytes == Array("fox".utf8), "\(result)")
  }

  @Test func `Each hop is resolved, and none is trusted for the one before`() async throws {
    try await ServiceFixture.run(
      script: { connection in
        guard let request = connection.readRequest() else { return }
        let port = request.header("Host").first?.split(separator: ":").last ?? ""
        connection.answer("302 Found", "", headers: "Location: http://inner.example:\(port)/y\r\n")
      }
    ) { _, server in
      let result = try await ServiceFixture.run(
        at: "http://127.0.0.1:9", settings: short,
        resolve: { $0 == "inner.example" ? [Self.address("10.0.0.1")] : [Self.address("127.0.0.1")] }
      ) { await $0.fetch(.url("http://image.example:\(server.port)/x")) }
      #expect(result.failure?.kind == "expired", "\(result)")
      #expect(server.requests.map(\.line) == ["GET /x HTTP/1.1"] && server.connections == 1)
    }
  }

  @Test func `A name without an address is tried again later`() async throws {
    struct Servfail: Error {}
    for resolve: @Sendable (String) async throws -> [NetworkAddress] in [{ _ in [] }, { _ in throw Servfail() }] {
      let result = try await ServiceFixture.run(at: Self.outside, resolve: resolve) {
        await $0.fetch(.url("http://image.example/x.png"))
      }
      #expect(result.failure?.kind == "transient", "\(result)")
    }
  }

  @Test func `The system's resolver gives what the machine knows`() async throws {
    let found = try await Resolver.system("localhost")
    #expect(!found.isEmpty && found.allSatisfy { $0.place == .loopback })
    await #expect(throws: Resolver.Unresolved.self) { try await Resolver.system("no-such-host.invalid") }
  }

  @Test(arguments: [
    ("https://a.example/x", "http://a.example/x", true), ("HTTPS://a/x", "http://b/x", true),
    ("https://a.example/x", "https://b.example/x", false), ("http://a/x", "https://a/x", false),
    ("http://a/x", "http://b/x", false),
  ])
  func `Only a redirect that gives up TLS is one`(from: String, to: String, isDowngrade: Bool) {
    #expect(Redirect.isDowngrade(from: from, to: to) == isDowngrade)
  }
}
