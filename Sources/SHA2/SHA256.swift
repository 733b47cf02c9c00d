import CCrypto

/// SHA-256 (FIPS 180-4) by the system's libcrypto, which uses what the processor has for it. swift-crypto would do the same with
/// a copy of BoringSSL, whose build is a sixth of this program's.
public struct SHA256: Sendable {
  private var context = SHA256_CTX()

  /// Starts a message.
  public init() { SHA256_Init(&context) }

  /// Appends bytes to the message.
  public mutating func update(data: [UInt8]) {
    data.withUnsafeBytes { update(bufferPointer: $0) }
  }

  /// Appends bytes to the message.
  public mutating func update(bufferPointer bytes: UnsafeRawBufferPointer) {
    SHA256_Update(&context, bytes.baseAddress, bytes.count)
  }

  /// The 32 bytes of the message so far, which may go on.
  public func finalize() -> [UInt8] {
    var copy = context
    return [UInt8](unsafeUninitializedCapacity: Int(SHA256_DIGEST_LENGTH)) { digest, count in
      SHA256_Final(digest.baseAddress, &copy)
      count = Int(SHA256_DIGEST_LENGTH)
    }
  }

  /// The 32 bytes of a whole message.
  public static func hash(data: [UInt8]) -> [UInt8] {
    var hash = SHA256()
    hash.update(data: data)
    return hash.finalize()
  }
}
