import Glibc

/// An IPv4 or IPv6 address, by its bytes.
struct NetworkAddress: Hashable, Sendable {
  /// Where an address lies, seen from a program that must not be led inside.
  enum Place { case loopback, inside, outside }

  /// 4 or 16 bytes, in network order.
  let bytes: [UInt8]

  init(bytes: [UInt8]) { self.bytes = bytes }

  /// An address as URLs write it, without brackets. inet_aton, because everything that dials accepts its short, octal
  /// and hexadecimal forms: 127.1, 0x7f000001. A zone (`%eth0`) does not change where it lies.
  init?(literal: String) {
    // IPv4 begins with a digit in any form, and IPv6 has a colon: a name, which is what most hosts are, has no need of
    // two more looks. inet_aton passes over blanks before the digits.
    guard let first = literal.utf8.first, first < 0x40 || literal.utf8.contains(UInt8(ascii: ":")) else { return nil }
    var four = in_addr()
    let isFour = literal.withCString { inet_aton($0, &four) != 0 }
    if isFour {
      bytes = withUnsafeBytes(of: &four) { Array($0) }
      return
    }
    var six = in6_addr()
    guard inet_pton(AF_INET6, String(literal.prefix { $0 != "%" }), &six) == 1 else { return nil }
    bytes = withUnsafeBytes(of: &six) { Array($0) }
  }

  /// An IPv4 address in its usual form, which `text` is: four decimal numbers, none with a zero in front. Nil for anything
  /// else, which may be an address all the same.
  init?(usual text: String) {
    var (bytes, number): ([UInt8], Int?) = ([], nil)
    for byte in text.utf8 {
      if byte == UInt8(ascii: "."), let whole = number, bytes.count < 3 {
        bytes.append(UInt8(whole))
        number = nil
      } else if (48...57).contains(byte), number != 0 {
        let longer = (number ?? 0) * 10 + Int(byte - 48)
        guard longer <= 255 else { return nil }
        number = longer
      } else {
        return nil
      }
    }
    guard bytes.count == 3, let last = number else { return nil }
    bytes.append(UInt8(last))
    self.bytes = bytes
  }

  /// Its usual form.
  var text: String {
    if bytes.count == 4 { return "\(bytes[0]).\(bytes[1]).\(bytes[2]).\(bytes[3])" }
    return stride(from: 0, to: bytes.count, by: 2).map { at in
      String(Int(bytes[at]) << 8 | Int(bytes[at + 1]), radix: 16)
    }.joined(separator: ":")
  }

  /// Where it lies.
  var place: Place {
    if bytes.count == 4 { return Self.place(ofFour: bytes[...]) }
    if bytes.dropLast().allSatisfy({ $0 == 0 }) { return bytes[15] == 1 ? .loopback : .inside }
    // ::ffff:0:0/96 is IPv4 written otherwise (RFC 4291 §2.5.5); IPv4-compatible ::/96 is obsolete, and dialled by
    // some.
    if bytes[..<10].allSatisfy({ $0 == 0 }), [0, 0] == bytes[10..<12] || [255, 255] == bytes[10..<12] {
      return Self.place(ofFour: bytes[12...])
    }
    // Translators and tunnels lead to the IPv4 address inside, from somewhere else: NAT64's 64:ff9b::/96 (RFC 6052),
    // which is how all the world looks from a network without IPv4; ::ffff:0:0:0/96 (RFC 2765); 6to4 (RFC 3056).
    let isNAT64 = bytes.starts(with: [0, 0x64, 0xFF, 0x9B]) && bytes[4..<12].allSatisfy { $0 == 0 }
    let isTranslated = bytes.starts(with: [0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 0, 0])
    if isNAT64 || isTranslated { return Self.place(ofFour: bytes[12...]) == .outside ? .outside : .inside }
    if bytes.starts(with: [0x20, 0x02]), Self.place(ofFour: bytes[2..<6]) != .outside { return .inside }
    // ISATAP (RFC 5214) is recognised by the interface, whatever the network.
    if bytes[8] & 0xFD == 0, bytes[9..<12] == [0, 0x5E, 0xFE], Self.place(ofFour: bytes[12...]) != .outside {
      return .inside
    }
    // Only 2000::/3 is given out to the world; what is inside of it and not of the world: Teredo and the other protocol
    // assignments of 2001::/23, documentation (2001:db8::/32, 3fff::/20).
    guard bytes[0] & 0xE0 == 0x20 else { return .inside }
    if bytes.starts(with: [0x20, 0x01]), bytes[2] & 0xFE == 0 || bytes[2..<4] == [0x0D, 0xB8] { return .inside }
    if bytes.starts(with: [0x3F, 0xFF]), bytes[2] & 0xF0 == 0 { return .inside }
    return .outside
  }

  private static func place(ofFour bytes: ArraySlice<UInt8>) -> Place {
    let address = bytes.reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
    if address >> 24 == 127 { return .loopback }
    // This network, private, carrier-grade NAT, link-local, documentation, 6to4 relays, benchmarks, multicast and
    // beyond (RFC 6890).
    let inside: [(UInt32, UInt32)] = [
      (0x0000_0000, 8), (0x0A00_0000, 8), (0x6440_0000, 10), (0xA9FE_0000, 16), (0xAC10_0000, 12), (0xC0A8_0000, 16),
      (0xC000_0000, 24), (0xC000_0200, 24), (0xC633_6400, 24), (0xCB00_7100, 24), (0xC058_6300, 24), (0xC612_0000, 15),
      (0xE000_0000, 3),
    ]
    return inside.contains { address >> (32 - $0.1) == $0.0 >> (32 - $0.1) } ? .inside : .outside
  }
}
