/// SHA-256 (FIPS 180-4), so that the sidecar's hashes are checked by something that the program does not use.
public func sha256(_ message: [UInt8]) -> String {
  var hash: [UInt32] = [
    0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19,
  ]
  var bytes = message + [0x80]
  bytes += [UInt8](repeating: 0, count: (120 - bytes.count % 64) % 64)
  bytes += (0..<8).map { UInt8(truncatingIfNeeded: (message.count * 8) >> (56 - 8 * $0)) }
  func turn(_ value: UInt32, _ by: UInt32) -> UInt32 { value >> by | value << (32 - by) }
  var w = [UInt32](repeating: 0, count: 64)
  for block in stride(from: 0, to: bytes.count, by: 64) {
    for i in 0..<16 {
      w[i] = (0..<4).reduce(0) { $0 << 8 | UInt32(bytes[block + i * 4 + $1]) }
    }
    for i in 16..<64 {
      let low = turn(w[i - 15], 7) ^ turn(w[i - 15], 18) ^ w[i - 15] >> 3
      let high = turn(w[i - 2], 17) ^ turn(w[i - 2], 19) ^ w[i - 2] >> 10
      w[i] = w[i - 16] &+ low &+ w[i - 7] &+ high
    }
    var v = hash
    for i in 0..<64 {
      let choice = (v[4] & v[5]) ^ (~v[4] & v[6])
      let one = v[7] &+ (turn(v[4], 6) ^ turn(v[4], 11) ^ turn(v[4], 25)) &+ choice &+ roundConstants[i] &+ w[i]
      let majority = (v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2])
      let two = (turn(v[0], 2) ^ turn(v[0], 13) ^ turn(v[0], 22)) &+ majority
      v = [one &+ two, v[0], v[1], v[2], v[3] &+ one, v[4], v[5], v[6]]
    }
    for i in 0..<8 { hash[i] = hash[i] &+ v[i] }
  }
  return hash.map { word in
    let digits = String(word, radix: 16)
    return String(repeating: "0", count: 8 - digits.count) + digits
  }.joined()
}

// The fractions of the cube roots of the first 64 primes.
private let roundConstants: [UInt32] = (2...311).filter { number in !(2..<number).contains { number % $0 == 0 } }
  .map { prime in
    // The largest r with r³ ≤ prime · 2^96 has the root's 32 bits of fraction below; found bit by bit in 128 bits.
    var root: UInt64 = 0
    for bit in (0..<35).reversed() {
      let candidate = root | 1 << UInt64(bit)
      let wide = UInt128(candidate)
      if wide * wide * wide <= UInt128(prime) << 96 { root = candidate }
    }
    return UInt32(truncatingIfNeeded: root)
  }
