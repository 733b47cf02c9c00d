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
    if let plain = Self(plain: text) { self = plain } else { self.init(general: text) }
  }

  /// The same for any URL.
  init?(general text: String) {
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

  /// The same for a URL in which every byte stands for itself, as those of pictures are; nil for any other. A general
  /// reader costs ten times as much.
  init?(plain text: String) {
    let read = text.utf8.withContiguousStorageIfAvailable { Self.readPlain(UnsafeRawBufferPointer($0)) }
    guard let read, let read else { return nil }
    self = read
  }

  private init(isSecure: Bool, host: String, port: Int, path: String) {
    (self.isSecure, self.host, self.port, self.path) = (isSecure, host, port, path)
  }

  private static func readPlain(_ bytes: UnsafeRawBufferPointer) -> WebAddress? {
    func begins(_ scheme: StaticString) -> Bool {
      let length = scheme.utf8CodeUnitCount
      return bytes.count > length && Bytes.isBeginning(UnsafeRawBufferPointer(rebasing: bytes[..<length]), of: scheme)
    }
    let isSecure = begins("https://")
    guard isSecure || begins("http://") else { return nil }
    let host = (isSecure ? 8 : 7)
    let behindHost = bytes[host...].firstIndex { !isOfPlainHost($0) } ?? bytes.count
    guard behindHost > host else { return nil }
    var (at, port) = (behindHost, isSecure ? 443 : 80)
    if at < bytes.count, bytes[at] == UInt8(ascii: ":") {
      let end = bytes[at...].firstIndex(of: UInt8(ascii: "/")) ?? bytes.count
      guard (2...6).contains(end - at), bytes[at + 1] != UInt8(ascii: "0"),
        let number = Bytes.decimal(UnsafeRawBufferPointer(rebasing: bytes[(at + 1)..<end])), number <= 65_535
      else { return nil }
      (at, port) = (end, number)
    }
    if at < bytes.count {
      guard bytes[at] == UInt8(ascii: "/"), isPlainPath(bytes[at...]) else { return nil }
    }
    return WebAddress(
      isSecure: isSecure, host: String(decoding: bytes[host..<behindHost], as: UTF8.self), port: port,
      path: at < bytes.count ? String(decoding: bytes[at...], as: UTF8.self) : "/")
  }

  private static func isOfPlainHost(_ byte: UInt8) -> Bool {
    switch byte {
    case 48...57, 65...90, 97...122, UInt8(ascii: "."), UInt8(ascii: "-"): true
    default: false
    }
  }

  // RFC 3986's pchar, "/", and "?" for the query. Its own escapes are left as they are.
  private static func isPlainPath(_ bytes: Slice<UnsafeRawBufferPointer>) -> Bool {
    var digitsLeft = 0
    for byte in bytes {
      switch byte {
      case 48...57, 65...70, 97...102: digitsLeft = max(digitsLeft - 1, 0)
      case _ where digitsLeft > 0: return false
      case 71...90, 103...122: break
      case 0x2D, 0x2E, 0x5F, 0x7E, 0x21, 0x24, 0x26...0x2C, 0x3B, 0x3D, 0x3A, 0x40, 0x2F, 0x3F: break
      case UInt8(ascii: "%"): digitsLeft = 2
      default: return false
      }
    }
    return digitsLeft == 0
  }

  /// The host and, unless it is the scheme's own, the port, as the header `Host` has them (RFC 9110 §7.2).
  var authority: String {
    let name = host.utf8.contains(UInt8(ascii: ":")) ? "[\(host)]" : host
    return port == (isSecure ? 443 : 80) ? name : "\(name):\(port)"
  }

  private static func withoutBrackets(_ host: String) -> String {
    host.hasPrefix("[") && host.hasSuffix("]") ? String(host.dropFirst().dropLast()) : host
  }

  private static func isWritable(_ host: String) -> Bool {
    host.utf8.allSatisfy { $0 > 0x20 && $0 != 0x7F && $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: "@") }
  }
}
