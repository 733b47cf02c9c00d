import FoundationEssentials
import Glibc

/// Which URLs of results may be fetched: http(s), and no address inside the machine or its networks, because the
/// service, or whoever speaks for it, chooses them.
struct ResultAddress {
  /// Whether loopback addresses are allowed: only while the service itself is on one.
  var allowsLoopback: Bool

  /// Whether `url` names a loopback address literally. `localhost` does not: it is resolved, to whatever somebody set
  /// up.
  static func isLoopback(_ url: String) -> Bool {
    guard let host = host(of: url) else { return false }
    return kind(of: host) == .loopback
  }

  /// Why the URL may not be fetched; nil: it may.
  func refusal(of url: String) -> String? {
    guard url.prefixMatch(of: /(?i:https?):\/\//) != nil, let host = Self.host(of: url) else {
      return "is not a usable http(s) URL"
    }
    if host == "localhost" || host.hasSuffix(".localhost") { return allowsLoopback ? nil : "points into this machine" }
    switch Self.kind(of: host) {
    case .loopback: return allowsLoopback ? nil : "points into this machine"
    case .inside: return "points into a private network"
    case .outside, nil: return nil
    }
  }

  private enum Kind { case loopback, inside, outside }

  private static func host(of url: String) -> String? {
    guard var host = URL(string: url)?.host?.lowercased(), !host.isEmpty else { return nil }
    if host.hasPrefix("["), host.hasSuffix("]") { host = String(host.dropFirst().dropLast()) }
    while host.hasSuffix(".") { host.removeLast() }
    return host
  }

  // inet_aton, because everything that dials accepts its short, octal and hexadecimal forms: 127.1, 0x7f000001.
  private static func kind(of host: String) -> Kind? {
    var four = in_addr()
    if inet_aton(host, &four) != 0 { return kind(of: UInt32(bigEndian: four.s_addr)) }
    var six = in6_addr()
    let bare = String(host.prefix { $0 != "%" })
    guard inet_pton(AF_INET6, bare, &six) == 1 else { return nil }
    let bytes = withUnsafeBytes(of: &six) { Array($0) }
    if bytes.dropLast().allSatisfy({ $0 == 0 }) { return bytes[15] == 1 ? .loopback : .inside }
    // IPv4-mapped ::ffff:0:0/96 and NAT64 64:ff9b::/96 carry an IPv4 address in their last four bytes.
    let mapped = bytes[..<10].allSatisfy { $0 == 0 } && bytes[10] == 255 && bytes[11] == 255
    let nat64 = bytes.starts(with: [0, 0x64, 0xFF, 0x9B]) && bytes[4..<12].allSatisfy { $0 == 0 }
    // IPv4-compatible ::/96 is obsolete, and still dialled by some.
    let compatible = bytes[..<12].allSatisfy { $0 == 0 }
    // 64:ff9b:1::/48 is for local translation (RFC 8215).
    if bytes.starts(with: [0, 0x64, 0xFF, 0x9B, 0, 1]) { return .inside }
    if mapped || nat64 || compatible { return kind(of: bytes[12...].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }) }
    // fc00::/7 unique local, fe80::/10 link-local, ff00::/8 multicast.
    let isInside = bytes[0] & 0xFE == 0xFC || (bytes[0] == 0xFE && bytes[1] & 0xC0 == 0x80) || bytes[0] == 0xFF
    return isInside ? .inside : .outside
  }

  private static func kind(of address: UInt32) -> Kind {
    if address >> 24 == 127 { return .loopback }
    // This network, private, carrier-grade NAT, link-local, multicast and beyond (RFC 6890).
    let inside: [(UInt32, UInt32)] = [
      (0x0000_0000, 8), (0x0A00_0000, 8), (0x6440_0000, 10), (0xA9FE_0000, 16), (0xAC10_0000, 12), (0xC0A8_0000, 16),
      (0xC000_0000, 24), (0xC612_0000, 15), (0xE000_0000, 3),
    ]
    return inside.contains { address >> (32 - $0.1) == $0.0 >> (32 - $0.1) } ? .inside : .outside
  }
}
