import TestKit
import Testing

@testable import Control

@Suite struct ListenAddressTests {
  @Test(arguments: [
    ("127.0.0.1:8787", "127.0.0.1", 8787), ("[::1]:8787", "::1", 8787), ("0.0.0.0:80", "0.0.0.0", 80),
    ("[::]:1", "::", 1), ("localhost:8787", "localhost", 8787),
    ("drop-1.example.org:65535", "drop-1.example.org", 65_535),
    ("[::ffff:127.0.0.1]:8787", "::ffff:127.0.0.1", 8787),
  ]) func anAddressIsRead(_ text: String, _ host: String, _ port: Int) {
    let address = WebhookReceiver.parseAddress(text)
    #expect(address?.host == host)
    #expect(address?.port == port)
  }

  @Test(arguments: [
    "", ":", ":8787", "8787", "127.0.0.1", "127.0.0.1:", "127.0.0.1:0", "127.0.0.1:65536", "127.0.0.1:080",
    "127.0.0.1:+80",
    "127.0.0.1:-1", "127.0.0.1:8o", "127.0.0.1:99999999999999999999", "127.0.0.1: 80", " 127.0.0.1:80", "127.0.0.1:80 ",
    "::1:8787", "[::1]", "[::1]8787", "[]:80", "[127.0.0.1]:80", "[::1:80", "::1]:80", "[::1]]:80", "[localhost]:80",
    "256.0.0.1:80", "1.2.3:80", "127.1:80", "1:80", "0x7f.1:80", "a.0x7f:80", "*:80", "a_b:80", "-a:80", "a-:80",
    "a..b:80",
    ".:80", "a.:80", "http://localhost:80", "localhost:80/", "user@host:80", "h\u{0}:80", "127.0.0.1\u{0}:80",
    "ä.org:80",
    "[fe80::1%lo]:80", String(repeating: "a", count: 64) + ":80",
    Array(repeating: "aaaaaaaaa", count: 26).joined(separator: ".") + ":80",
  ]) func whatIsNoneIsRefused(_ text: String) { #expect(WebhookReceiver.parseAddress(text) == nil) }

  @Test(arguments: SplitMix64.seeds()) func whatIsReadCanBeWrittenAgain(_ seed: UInt64) {
    var random = SplitMix64(seed: seed)
    let pieces = [
      "127", "0", "1", ".", ":", "::", "[", "]", "localhost", "a", "-", "80", "8787", "ffff", "0x", " ", "%", "ä",
    ]
    var read = 0
    for _ in 0..<50_000 {
      let text = (0..<Int.random(in: 0...9, using: &random)).map { _ in random.one(of: pieces) }.joined()
      guard let (host, port) = WebhookReceiver.parseAddress(text) else { continue }
      read += 1
      #expect((1...65_535).contains(port) && !host.isEmpty, "seed \(seed): \(text)")
      #expect((host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)") == text, "seed \(seed)")
    }
    #expect(read > 10, "seed \(seed)")
  }
}
