import Foundation
import ImageAPI
import JobCore
import Testing

/// The service, or whoever speaks for it, chooses the URLs of results: they must not lead into the machine or its networks.
@Suite struct AddressTests {
  private static let outside = "https://api.service.example"
  private static let inside = "http://127.0.0.1:9"

  private func refusal(of url: String, base: String) async throws -> FetchFailure? {
    try await ServiceFixture.run(
      at: base,
      settings: {
        $0.connectTimeout = .milliseconds(200)
        $0.fetchTimeout = .milliseconds(200)
        $0.fetchTotalTimeout = .milliseconds(300)
      }
    ) { await $0.fetch(.url(url)).failure }
  }

  private func expectRefused(_ url: String, base: String, sourceLocation: SourceLocation = #_sourceLocation)
    async throws
  {
    let failure = try await refusal(of: url, base: base)
    #expect(failure?.kind == "unusable", "\(url): \(String(describing: failure))", sourceLocation: sourceLocation)
  }

  @Test(arguments: [
    "localhost", "LOCALHOST", "localhost.", "a.localhost", "127.0.0.1", "127.255.1.2", "127.1", "127.0.1", "0x7f000001",
    "0x7f.1", "2130706433", "017700000001", "0177.0.0.1", "127.0.0.1.", "[::1]", "[0:0:0:0:0:0:0:1]",
    "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[64:ff9b::7f00:1]", "[64:ff9b::127.0.0.1]", "user:pw@127.0.0.1",
    "i.example@127.0.0.1", "127%2e0%2e0%2e1", "１２７.0.0.1", "[::127.0.0.1]",
  ])
  func `This machine, unless the service is on it`(host: String) async throws {
    try await expectRefused("http://\(host):9/x.png", base: Self.outside)
    try await expectRefused("https://\(host):9/x.png", base: Self.outside)
  }

  @Test(arguments: [
    "10.0.0.1", "10.255.255.255", "172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.169.254", "100.64.0.1",
    "0.0.0.0", "0", "00", "224.0.0.1", "255.255.255.255", "0xa9fea9fe", "2852039166", "0251.0376.0251.0376", "10.1",
    "192.168.257", "[::]", "[fe80::1]", "[fe80::1%25eth0]", "[febf::1]", "[fc00::1]", "[fd12:3456::1]", "[ff02::1]",
    "[::ffff:10.0.0.1]", "[::ffff:a9fe:a9fe]", "[::ffff:c0a8:101]", "[64:ff9b::a9fe:a9fe]", "[64:ff9b::10.0.0.1]",
    "[64:ff9b:1::a00:1]", "[::10.0.0.1]",
  ])
  func `Networks inside, wherever the service is`(host: String) async throws {
    try await expectRefused("http://\(host)/x.png", base: Self.outside)
    try await expectRefused("http://\(host)/x.png", base: Self.inside)
  }

  @Test func `A redirect to a port that is none`() async throws {
    try await ServiceFixture.run(script: { connection in
      while connection.readRequest() != nil {
        connection.answer("302 Found", "", headers: "Location: http://127.0.0.1:70000/x\r\n")
      }
    }) { bench, server in
      let failure = await bench.fetch(.url(server.baseURL + "/x")).failure
      #expect(failure?.kind == "expired", "\(String(describing: failure))")
    }
  }

  @Test(arguments: [
    "", "x.png", "//i.example/x", "file:///etc/passwd", "ftp://i.example/x", "http://", "http:///x", "http://:80/",
    "javascript:x", "http://[::1", "unix:///run/x.sock", "http+unix://%2Frun%2Fx.sock/x",
    "http://a b/", " http://127.0.0.1/", "http://8.8.8.8:70000/x", "https://i.example:65536/x", "http://i.example:0/x",
    "http://[2001:4860::1]:99999/x", "http://i.example:-1/x",
  ])
  func `What is no http URL of a host`(url: String) async throws {
    let failure = try await refusal(of: url, base: Self.outside)
    #expect(failure?.kind == "unusable", "\(String(describing: failure))")
  }

  @Test(arguments: [
    "127.0.0.1:PORT\\@no-such.invalid", "no-such.invalid\\@127.0.0.1:PORT", "127.0.0.1:PORT#@x.invalid",
  ])
  func `A URL that two readers could read in two ways leads nowhere`(authority: String) async throws {
    let server = try RawServer { $0.readRequest() }
    defer { server.stop() }
    let url = "http://\(authority)/x.png".replacingOccurrences(of: "PORT", with: "\(server.port)")
    #expect(try await refusal(of: url, base: Self.outside) != nil)
    #expect(server.connections == 0)
  }

  @Test(arguments: ["127.0.0.1", "localhost", "127.1", "[::ffff:127.0.0.1]"])
  func `A loopback service's pictures may lie on loopback`(host: String) async throws {
    try await ServiceFixture.run(script: { connection in
      while connection.readRequest() != nil { connection.answer("200 OK", "fox") }
    }) { bench, server in
      let failure = await bench.fetch(.url("http://\(host):\(server.port)/x.png")).failure
      // Whether the odder forms can be dialled is the system's matter; that they are allowed is ours.
      #expect(failure?.kind != "unusable", "\(String(describing: failure))")
      if host == "127.0.0.1" { #expect(failure == nil && server.requests.count == 1) }
    }
  }

  @Test func `Nothing is asked of a refused address`() async throws {
    let server = try RawServer { $0.readRequest() }
    defer { server.stop() }
    for host in ["127.0.0.1", "localhost", "127.1", "[::ffff:127.0.0.1]", "2130706433"] {
      try await expectRefused("http://\(host):\(server.port)/x.png", base: Self.outside)
    }
    #expect(server.connections == 0)
  }

  @Test(arguments: [
    "http://10.0.0.1/x", "http://169.254.169.254/latest/meta-data", "file:///etc/passwd", "//192.168.0.1/x",
    "http://[fe80::1]/x", "ftp://i.example/x", "http://0xa9fea9fe/", "http://[64:ff9b::a00:1]/", "gopher://127.0.0.1/",
  ])
  func `Each hop is looked at`(target: String) async throws {
    for status in ["301 X", "302 X", "303 X", "307 X", "308 X"] {
      try await ServiceFixture.run(script: {
        $0.readRequest()
        $0.answer(status, "", headers: "Location: \(target)\r\n")
      }) { bench, server in
        let failure = await bench.fetch(.url(server.baseURL)).failure
        #expect(failure?.kind == "expired", "\(String(describing: failure))")
        #expect(server.requests.count == 1)
      }
    }
  }

  @Test(arguments: [
    ("/b", "/b"), ("b", "/a/b"), ("../b?c=d", "/b?c=d"), ("?x", "/a/a?x"), ("//127.0.0.1:PORT/b", "/b"),
    ("http://127.0.0.1:PORT/b%20c#frag", "/b%20c"), ("HTTP://127.0.0.1:PORT/b", "/b"),
  ])
  func `A redirect is followed to where it leads`(location: String, path: String) async throws {
    try await ServiceFixture.run(script: { connection in
      guard let request = connection.readRequest() else { return }
      let port = request.header("Host").first?.split(separator: ":").last ?? ""
      if request.line.contains("/a/a ") {
        let target = location.replacingOccurrences(of: "PORT", with: port)
        connection.answer("302 Found", "moved", headers: "Location: \(target)\r\nConnection: close\r\n")
      } else {
        connection.answer("200 OK", "fox", headers: "Connection: close\r\n")
      }
    }) { bench, server in
      let result = await bench.fetch(.url(server.baseURL + "/a/a"))
      #expect(result.bytes == Array("fox".utf8), "\(result)")
      #expect(server.requests.map(\.line) == ["GET /a/a HTTP/1.1", "GET \(path) HTTP/1.1"])
    }
  }

  @Test(arguments: [0, 1, 5])
  func `No more redirects than allowed`(limit: Int) async throws {
    try await ServiceFixture.run(
      settings: { $0.maxRedirects = limit },
      script: { connection in
        while connection.readRequest() != nil { connection.answer("302 Found", "", headers: "Location: /again\r\n") }
      }
    ) { bench, server in
      #expect(await bench.fetch(.url(server.baseURL)).failure?.kind == "expired")
      #expect(server.requests.count == limit + 1)
    }
  }

  @Test func `A redirect to nowhere`() async throws {
    try await ServiceFixture.run(script: { connection in
      while connection.readRequest() != nil { connection.answer("302 Found", "") }
    }) { bench, server in
      #expect(await bench.fetch(.url(server.baseURL)).failure?.kind == "expired")
    }
  }
}
