import NIOSSL

/// Whether a certificate is for a host (RFC 9525): by its name, or by its address where the host is an address. Never by
/// the address that was dialled, and never by the certificate's common name.
enum HostCheck {
  /// A subject alternative name.
  struct Name: Equatable {
    enum Kind { case dns, address, other }
    var kind: Kind
    var bytes: [UInt8]
  }

  /// The name for TLS's SNI; nil for an address, which has none there (RFC 6066 §3).
  static func serverName(_ host: String) -> String? {
    NetworkAddress(literal: host) == nil ? ThisMachine.bare(host) : nil
  }

  /// Whether one of the names is the host's.
  static func isFor(_ host: String, _ names: [Name]) -> Bool {
    if let address = NetworkAddress(literal: host) {
      return names.contains { $0.kind == .address && $0.bytes == address.bytes }
    }
    let labels = Self.labels(Array(ThisMachine.bare(host).utf8))
    guard !labels.isEmpty, !labels.contains(where: \.isEmpty) else { return false }
    return names.contains { $0.kind == .dns && matches(labels, $0.bytes) }
  }

  // A wildcard stands for a whole label, the first, and for no more than that.
  private static func matches(_ host: [ArraySlice<UInt8>], _ name: [UInt8]) -> Bool {
    guard name.allSatisfy({ (0x21...0x7E).contains($0) }) else { return false }
    var name = name.map { (65...90).contains($0) ? $0 | 0x20 : $0 }
    if name.last == UInt8(ascii: ".") { name.removeLast() }
    let labels = labels(name)
    guard labels.count == host.count, let first = labels.first, let label = host.first else { return false }
    guard labels.dropFirst().elementsEqual(host.dropFirst()) else { return false }
    // "*.com" would be for whole top-level domains.
    if first == [UInt8(ascii: "*")] { return labels.count > 2 }
    return first == label
  }

  private static func labels(_ name: [UInt8]) -> [ArraySlice<UInt8>] {
    name.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
  }
}

extension HostCheck.Name.Kind {
  init(_ type: _SubjectAlternativeName.NameType) {
    switch type {
    case .dnsName: self = .dns
    case .ipAddress: self = .address
    default: self = .other
    }
  }
}
