import JobCore

/// `data:image/png;base64,…` (RFC 2397), as results carry images.
enum DataURI {
  // Of the text, at once: a picture may have 32 MiB.
  private static let step = 262_144

  /// Hands the bytes on, part by part. Throws `unusable` for what is not base64 of an image, or larger than `limit`
  /// bytes.
  static func decode(
    _ uri: String, limit: Int, into sink: @Sendable ([UInt8]) async throws(FetchFailure) -> Void
  ) async throws(FetchFailure) {
    guard let comma = uri.utf8.firstIndex(of: UInt8(ascii: ",")), uri.prefixMatch(of: /(?i:data):/) != nil,
      uri[..<comma].hasSuffix(";base64")
    else { throw .unusable(error("is no base64 data URI")) }
    var rest = uri.utf8[uri.utf8.index(after: comma)...]
    var decoder = Base64()
    var count = 0
    while true {
      let part = rest.prefix(step)
      rest = rest[part.endIndex...]
      guard let bytes = part.isEmpty ? decoder.finish() : decoder.decode(part) else {
        throw .unusable(error("is not valid base64"))
      }
      count += bytes.count
      guard count <= limit else { throw .unusable(error("is larger than \(limit) bytes")) }
      if !bytes.isEmpty { try await sink(bytes) }
      if part.isEmpty { break }
    }
    guard count > 0 else { throw .unusable(error("is not valid base64")) }
  }

  private static func error(_ what: String) -> JobError {
    JobError(code: .resultUnusable, message: "The picture in the service's answer \(what).")
  }
}

/// Base64 (RFC 4648 §4 and the other alphabet of §5), part by part. White space does not count.
struct Base64 {
  private var bits: UInt32 = 0
  private var digits = 0
  private var padding = 0

  /// The last bytes; nil where it ends in the middle of one. Padding may be missing, but not be wrong.
  func finish() -> [UInt8]? {
    guard padding == 0 || digits + padding == 4 else { return nil }
    switch digits {
    case 0: return []
    case 2: return [UInt8(truncatingIfNeeded: bits >> 4)]
    case 3: return [UInt8(truncatingIfNeeded: bits >> 10), UInt8(truncatingIfNeeded: bits >> 2)]
    default: return nil
    }
  }

  private static let values: [UInt8] = {
    var values = [UInt8](repeating: 255, count: 256)
    for (value, digit) in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8.enumerated() {
      values[Int(digit)] = UInt8(value)
    }
    (values[Int(UInt8(ascii: "-"))], values[Int(UInt8(ascii: "_"))]) = (62, 63)
    for space in [9, 10, 13, 32] { values[space] = 254 }
    values[Int(UInt8(ascii: "="))] = 253
    return values
  }()

  /// The bytes that are whole with this part; nil for what is no base64.
  mutating func decode(_ part: Substring.UTF8View) -> [UInt8]? {
    part.withContiguousStorageIfAvailable { decode($0) } ?? Array(part).withUnsafeBufferPointer { decode($0) }
  }

  private mutating func decode(_ part: UnsafeBufferPointer<UInt8>) -> [UInt8]? {
    var isGood = true
    let bytes = [UInt8](unsafeUninitializedCapacity: part.count / 4 * 3 + 3) { target, count in
      Self.values.withUnsafeBufferPointer { values in
        for byte in part {
          let value = values[Int(byte)]
          if value < 64, padding == 0 {
            bits = bits << 6 | UInt32(value)
            digits += 1
            if digits == 4 {
              target[count] = UInt8(truncatingIfNeeded: bits >> 16)
              target[count + 1] = UInt8(truncatingIfNeeded: bits >> 8)
              target[count + 2] = UInt8(truncatingIfNeeded: bits)
              count += 3
              digits = 0
            }
          } else if value == 253, digits >= 2, digits + padding < 4 {
            padding += 1
          } else if value != 254 {
            isGood = false
            return
          }
        }
      }
    }
    return isGood ? bytes : nil
  }
}
