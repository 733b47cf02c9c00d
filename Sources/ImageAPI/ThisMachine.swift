import Foundation

/// Which URLs are on this machine. One notion for all that depends on it: whether `api-url` may be http, whether pictures
/// may lie on loopback, and that no proxy lies between.
///
/// A loopback address in any form, `localhost` (RFC 6761), and the names that the machine's own table of hosts leads to
/// loopback only. Nobody is asked over the network: who answers there could lead a name to this machine, or away from it.
public enum ThisMachine {
  private static let hostsFile = "/etc/hosts"

  /// Whether the URL's host is this machine.
  public static func isMeant(by url: String) -> Bool { isMeant(by: url, hosts: table()) }

  /// The same with another table of hosts.
  static func isMeant(by url: String, hosts: @autoclosure () -> String) -> Bool {
    guard let host = WebAddress(url).map({ bare($0.host) }) else { return false }
    if let address = NetworkAddress(literal: host) { return address.place == .loopback }
    if host == "localhost" || host.hasSuffix(".localhost") { return true }
    let addresses = addresses(of: host, in: hosts())
    return !addresses.isEmpty && addresses.allSatisfy { $0.place == .loopback }
  }

  // A machine without the table has no such names.
  private static func table() -> String {
    guard let bytes = FileManager.default.contents(atPath: hostsFile), bytes.count < 1_048_576 else { return "" }
    return String(decoding: bytes, as: UTF8.self)
  }

  // hosts(5): an address and its names a line, comments from `#` on.
  private static func addresses(of name: String, in hosts: String) -> [NetworkAddress] {
    hosts.split(whereSeparator: \.isNewline).compactMap { line in
      let words = line.prefix { $0 != "#" }.split(whereSeparator: \.isWhitespace)
      guard let address = words.first, words.dropFirst().contains(where: { bare(String($0)) == name }) else {
        return nil
      }
      return NetworkAddress(literal: String(address))
    }
  }

  /// A host in lower case, without brackets and without the dot of the root.
  static func bare(_ host: String) -> String {
    // Nearly always it is that already.
    let isBare = host.utf8.allSatisfy { byte in
      switch byte {
      case 48...57, 97...122, UInt8(ascii: "-"), UInt8(ascii: "."): true
      default: false
      }
    }
    if isBare, host.utf8.last != UInt8(ascii: ".") { return host }
    var host = host.lowercased()
    if host.hasPrefix("["), host.hasSuffix("]") { host = String(host.dropFirst().dropLast()) }
    while host.hasSuffix(".") { host.removeLast() }
    return host
  }
}
