import JobCore
import TestKit
import Testing

@testable import ImageAPI

/// Certificates are for hosts, not for what was dialled.
@Suite struct HostCheckTests {
  private func dns(_ names: String...) -> [HostCheck.Name] { names.map { .init(kind: .dns, bytes: Array($0.utf8)) } }

  @Test(arguments: [
    ("api.example", "api.example"), ("API.Example", "api.example"), ("api.example.", "api.example"),
    ("api.example", "API.EXAMPLE."), ("a.api.example", "*.api.example"), ("localhost", "localhost"),
    ("xn--bcher-kva.example", "xn--bcher-kva.example"),
  ])
  func `A name of the host's`(host: String, name: String) { #expect(HostCheck.isFor(host, dns("other", name))) }

  @Test(arguments: [
    ("api.example", "example"), ("api.example", "www.api.example"), ("api.example", "*.example"),
    ("a.b.api.example", "*.api.example"), ("api.example", "*"), ("api.example", "a*.example"),
    ("api.example", "*pi.example"), ("a.api.example", "a.*.example"), ("api.example", ""), ("api.example", "."),
    ("api.example", "api.example\u{0}.evil"), ("api.example", "api..example"), ("", ""), ("..", ".."),
    ("10.1.2.3", "10.1.2.3"), ("::1", "::1"),
  ])
  func `A name of another's`(host: String, name: String) { #expect(!HostCheck.isFor(host, dns(name))) }

  @Test func `An address is the host's only where the host is that address`() {
    let four = HostCheck.Name(kind: .address, bytes: [127, 0, 0, 1])
    let six = HostCheck.Name(kind: .address, bytes: [UInt8](repeating: 0, count: 15) + [1])
    #expect(HostCheck.isFor("127.0.0.1", [four]) && HostCheck.isFor("127.1", [four]))
    #expect(HostCheck.isFor("::1", [six]) && !HostCheck.isFor("::1", [four]))
    #expect(!HostCheck.isFor("localhost", [four, six]) && !HostCheck.isFor("127.0.0.2", [four]))
    let text = HostCheck.Name(kind: .other, bytes: Array("api.example".utf8))
    #expect(!HostCheck.isFor("api.example", [text]) && !HostCheck.isFor("api.example", []))
  }

  @Test func `An address has no name for TLS`() {
    #expect(HostCheck.serverName("127.0.0.1") == nil && HostCheck.serverName("::1") == nil)
    #expect(HostCheck.serverName("API.example.") == "api.example")
  }
}

/// URLs, read once.
@Suite struct WebAddressTests {
  @Test(arguments: [
    ("http://a.example", false, "a.example", 80, "/", "a.example"),
    ("HTTPS://A.example:443/x?y=%20z#f", true, "A.example", 443, "/x?y=%20z", "A.example"),
    ("https://a.example:8443/", true, "a.example", 8443, "/", "a.example:8443"),
    ("http://[::1]:9/a b", false, "::1", 9, "/a%20b", "[::1]:9"),
    ("http://user:word@127.0.0.1/?", false, "127.0.0.1", 80, "/?", "127.0.0.1"),
    ("https://a.example/ü", true, "a.example", 443, "/%C3%BC", "a.example"),
  ])
  func `What they lead to`(
    text: String, isSecure: Bool, host: String, port: Int, path: String, authority: String
  ) throws {
    let address = try #require(WebAddress(text))
    #expect(address.isSecure == isSecure && address.host == host && address.port == port, "\(address)")
    #expect(address.path == path && address.authority == authority, "\(address)")
  }

  @Test(arguments: [
    "", "a.example", "ftp://a.example", "http://", "http:///x", "http://a:0", "http://a:65536", "http://a:-1/x",
    "http://[::1", "http://a\r\nX: y/", "unix:///x",
  ])
  func `What leads nowhere`(text: String) {
    #expect(WebAddress(text) == nil, "\(String(describing: WebAddress(text)))")
  }

  // What the quick reader takes is what the general one reads.
  @Test(arguments: SplitMix64.seeds()) func `The quick reader reads nothing else`(seed: UInt64) async throws {
    var random = SplitMix64(seed: seed)
    let pieces = [
      "http://", "https://", "HTTP://", "a.example", "A", "127.0.0.1", "1", "9", ":80", ":8443", ":65536", ":08", ":",
      "/",
      "//", "..", ".", "?", "#", "%41", "%2f", "%zz", "%", "@", "[::1]", "x=y&z", "+", "~", "_", "-", "!$'()*,;", "=",
      " ",
      "\\", "|", "^", "\"", "{", "ü", "img/cat.png", "\t", "\0",
    ]
    var taken = 0
    for round in 0..<20_000 {
      if round % 200 == 0 { await Task.yield() }
      var text = random.one(of: ["http://", "https://", ""]) + random.one(of: ["a.example", "127.0.0.1", ""])
      for _ in 0..<Int.random(in: 0...6, using: &random) { text += random.one(of: pieces) }
      guard let plain = WebAddress(plain: text) else { continue }
      taken += 1
      try #require(WebAddress(general: text) == plain, "seed \(seed): \(text)")
    }
    #expect(taken > 2000)
  }

  @Test func `Pictures' URLs are read by the quick reader`() {
    for url in [
      "http://127.0.0.1:8123/images/ta1.png", "https://cdn.example/a/b%20c.png?X-Sig=a%2Fb%3D&e=1", "https://a.example",
    ] {
      #expect(WebAddress(plain: url) != nil, "\(url)")
    }
  }
}
