import Glibc

extension WebhookReceiver {
  /// An address to listen on: `127.0.0.1:8787`, `[::1]:8787`, `0.0.0.0:80`, `localhost:8787`. The host without brackets.
  ///
  /// Nil where it is none. The host cannot be left out: to be reachable from everywhere is not to happen by a short form,
  /// and `0.0.0.0:8787` or `[::]:8787` says it. The port is 1 to 65535, in decimal digits.
  public static func parseAddress(_ text: String) -> (host: String, port: Int)? {
    let bytes = Array(text.utf8)
    guard bytes.count <= 300, let colon = bytes.lastIndex(of: UInt8(ascii: ":")) else { return nil }
    guard let port = port(bytes[(colon + 1)...]) else { return nil }
    var host = bytes[..<colon]
    if host.first == UInt8(ascii: "["), host.last == UInt8(ascii: "]") {
      host = host.dropFirst().dropLast()
      let name = String(decoding: host, as: UTF8.self)
      return isAddress(name, AF_INET6) ? (name, port) : nil
    }
    let name = String(decoding: host, as: UTF8.self)
    return isAddress(name, AF_INET) || isHostName(host) ? (name, port) : nil
  }

  private static func port(_ digits: ArraySlice<UInt8>) -> Int? {
    guard (1...5).contains(digits.count), digits.allSatisfy({ (48...57).contains($0) }), digits.first != 48,
      let port = Int(String(decoding: digits, as: UTF8.self)), port <= 65_535
    else { return nil }
    return port
  }

  private static func isAddress(_ text: String, _ family: Int32) -> Bool {
    guard !text.utf8.contains(0) else { return false }
    var address = in6_addr()
    return inet_pton(family, text, &address) == 1
  }

  // RFC 1123, 2.1. A last label of digits only, or of a hexadecimal number, is a mistyped IPv4 address: C libraries read
  // "127.1" and "0x7f.1" as one.
  private static func isHostName(_ host: ArraySlice<UInt8>) -> Bool {
    guard (1...253).contains(host.count) else { return false }
    let labels = host.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    let areFine = labels.allSatisfy { label in
      (1...63).contains(label.count) && label.first != UInt8(ascii: "-") && label.last != UInt8(ascii: "-")
        && label.allSatisfy { isLetterOrDigit($0) || $0 == UInt8(ascii: "-") }
    }
    guard areFine, let last = labels.last else { return false }
    let isNumber = last.allSatisfy { (48...57).contains($0) }
    let isHexadecimal = last.count > 1 && last.starts(with: [48]) && last.dropFirst().first.map { $0 | 32 } == 120
    return !isNumber && !isHexadecimal
  }

  static func isLetterOrDigit(_ byte: UInt8) -> Bool {
    (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte)
  }
}
