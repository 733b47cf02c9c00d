import FoundationEssentials

/// Where an http(s) URL leads, read once: what is checked, what is dialled and what is asked for are this one reading.
struct WebAddress: Hashable, Sendable {
  /// Whether it is https.
  var isSecure: Bool
  /// As it stands in the URL, IPv6 addresses without their brackets.
  var host: String
  /// 1 to 65,535.
  var port: Int
  /// The path and the query as a request names them, percent-encoded.
  var path: String

  /// Nil for what is no http(s) URL of a host.
  init?(_ text: String) {
    guard let url = URL(string: text), let scheme = url.scheme?.lowercased(), scheme == "http" || scheme == "https",
      let host = url.host.map(Self.withoutBrackets), !host.isEmpty
    else { return nil }
    isSecure = scheme == "https"
    self.host = host
    port = url.port ?? (isSecure ? 443 : 80)
    let path = url.path(percentEncoded: true)
    self.path = (path.isEmpty ? "/" : path) + (url.query(percentEncoded: true).map { "?\($0)" } ?? "")
    // A request line has neither blanks nor line ends, and a head is written in ASCII.
    let isWritable = self.path.utf8.allSatisfy { (0x21...0x7E).contains($0) }
    guard (1...65_535).contains(port), self.path.hasPrefix("/"), isWritable, Self.isWritable(host) else { return nil }
  }

  /// The host and, unless it is the scheme's own, the port, as the header `Host` has them (RFC 9110 §7.2).
  var authority: String {
    let name = host.contains(":") ? "[\(host)]" : host
    return port == (isSecure ? 443 : 80) ? name : "\(name):\(port)"
  }

  private static func withoutBrackets(_ host: String) -> String {
    host.hasPrefix("[") && host.hasSuffix("]") ? String(host.dropFirst().dropLast()) : host
  }

  private static func isWritable(_ host: String) -> Bool {
    host.utf8.allSatisfy { $0 > 0x20 && $0 != 0x7F && $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: "@") }
  }
}
