import Glibc
import NIOCore

extension ByteBuffer {
  /// Replaces every `secret` by `word`. A buffer without it is not copied, however large it is.
  mutating func replace(_ secret: [UInt8], with word: String) {
    guard !secret.isEmpty, var at = offset(of: secret, from: 0) else { return }
    var clean = ByteBuffer()
    var from = 0
    while true {
      clean.writeBytes(readableBytesView.dropFirst(from).prefix(at - from))
      clean.writeString(word)
      from = at + secret.count
      guard let next = offset(of: secret, from: from) else { break }
      at = next
    }
    clean.writeBytes(readableBytesView.dropFirst(from))
    self = clean
  }

  // From the first readable byte.
  private func offset(of bytes: [UInt8], from start: Int) -> Int? {
    withUnsafeReadableBytes { raw -> Int? in
      guard let base = raw.baseAddress else { return nil }
      var at = start
      while at + bytes.count <= raw.count {
        guard let first = memchr(base + at, Int32(bytes[0]), raw.count - bytes.count - at + 1) else { return nil }
        at = UnsafeRawPointer(first) - base
        if memcmp(first, bytes, bytes.count) == 0 { return at }
        at += 1
      }
      return nil
    }
  }
}
