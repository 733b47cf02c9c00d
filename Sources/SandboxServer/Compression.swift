import CZlib
import NIOCore

/// How a body is compressed on demand.
enum Compression: String, CaseIterable, Sendable {
  /// As RFC 1952 says.
  case gzip
  /// What RFC 9110 means by deflate: with zlib's wrapping.
  case deflate
  /// What some servers mean by it: without.
  case deflateRaw = "deflate-raw"
  /// gzip with damage in the middle.
  case damaged

  /// Its name in Content-Encoding.
  var name: String {
    switch self {
    case .gzip, .damaged: "gzip"
    case .deflate, .deflateRaw: "deflate"
    }
  }

  /// The same bytes compressed; nil where zlib cannot.
  func callAsFunction(_ bytes: ByteBuffer) -> ByteBuffer? {
    let bits: Int32 =
      switch self {
      case .gzip, .damaged: MAX_WBITS + 16
      case .deflate: MAX_WBITS
      case .deflateRaw: -MAX_WBITS
      }
    var stream = z_stream()
    // In one go on one address, which is all that zlib asks for.
    let compressed = withUnsafeMutablePointer(to: &stream) { stream -> [UInt8]? in
      let size = Int32(MemoryLayout<z_stream>.size)
      guard deflateInit2_(stream, 9, Z_DEFLATED, bits, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION, size) == Z_OK else {
        return nil
      }
      defer { deflateEnd(stream) }
      var input = Array(bytes.readableBytesView)
      let most = Int(deflateBound(stream, UInt(input.count)))
      var isWhole = false
      let output = [UInt8](unsafeUninitializedCapacity: most) { output, count in
        input.withUnsafeMutableBufferPointer { input in
          stream.pointee.next_in = input.baseAddress
          stream.pointee.avail_in = UInt32(input.count)
          stream.pointee.next_out = output.baseAddress
          stream.pointee.avail_out = UInt32(most)
          isWhole = CZlib.deflate(stream, Z_FINISH) == Z_STREAM_END
          count = most - Int(stream.pointee.avail_out)
        }
      }
      return isWhole ? output : nil
    }
    guard var compressed else { return nil }
    if self == .damaged {
      for index in compressed.indices.dropFirst(compressed.count / 2).prefix(8) { compressed[index] ^= 0xA5 }
    }
    return ByteBuffer(bytes: compressed)
  }
}

extension Reply {
  /// The reply as it goes out: compressed, where that is asked for and there is a whole body.
  var compressed: Reply {
    guard let compression, case .whole(let bytes) = body, let smaller = compression(bytes) else { return self }
    var reply = self
    reply.body = .whole(smaller)
    reply.headers.append(("Content-Encoding", compression.name))
    return reply
  }

  /// Compressed as a fault says.
  func compressed(by fault: Fault?) -> Reply {
    guard let fault else { return self }
    var reply = applying(fault)
    reply.compression = fault.argument.flatMap { Compression(rawValue: $0) }
    return reply
  }
}
