import ImageAPI
import JobCore

/// Images made by hand from their formats' descriptions. None of them has pixels that could be decoded.
enum ProbeSamples {
  static func check(_ bytes: [UInt8]) -> Result<ImageInfo, ImageDefect> {
    bytes.withUnsafeBytes { ImageProbe.check($0) }
  }

  static func big(_ value: Int, _ width: Int) -> [UInt8] {
    (0..<width).reversed().map { UInt8(value >> (8 * $0) & 0xFF) }
  }
  static func little(_ value: Int, _ width: Int) -> [UInt8] { big(value, width).reversed() }

  // MARK: PNG

  static let signature: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]

  static func chunk(_ type: String, _ data: [UInt8] = []) -> [UInt8] {
    let body = Array(type.utf8) + data
    var crc: UInt32 = ~0
    for byte in body {
      crc ^= UInt32(byte)
      for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ 0xEDB8_8320 : crc >> 1 }
    }
    return big(data.count, 4) + body + big(Int(~crc), 4)
  }

  static func header(_ width: Int, _ height: Int) -> [UInt8] { big(width, 4) + big(height, 4) + [8, 2, 0, 0, 0] }

  static func png(_ width: Int = 3, _ height: Int = 4) -> [UInt8] {
    signature + chunk("IHDR", header(width, height)) + chunk("tEXt", Array("a\0b IEND IDAT".utf8))
      + chunk("IDAT", [0x78, 0x9C, 1, 2, 3]) + chunk("IDAT", [4, 5]) + chunk("IEND")
  }

  // MARK: JPEG

  static func segment(_ marker: UInt8, _ data: [UInt8]) -> [UInt8] { [0xFF, marker] + big(data.count + 2, 2) + data }

  static func frame(_ marker: UInt8, _ width: Int, _ height: Int) -> [UInt8] {
    segment(marker, [8] + big(height, 2) + big(width, 2) + [1, 1, 0x11, 0])
  }

  static let start: [UInt8] = [0xFF, 0xD8]
  static let end: [UInt8] = [0xFF, 0xD9]
  static let scan = segment(0xDA, [1, 1, 0, 0, 63, 0])

  /// With an embedded thumbnail, whose end is not the picture's, and restart markers and stuffed bytes in the scan.
  static func baseline(_ width: Int = 5, _ height: Int = 6) -> [UInt8] {
    let thumbnail = start + frame(0xC0, 1, 1) + scan + [1, 2] + end
    return start + segment(0xE0, Array("JFIF\0".utf8) + [1, 1, 0, 0, 1, 0, 1, 0, 0]) + segment(0xE1, thumbnail)
      + segment(0xDB, [UInt8](repeating: 1, count: 65)) + frame(0xC0, width, height)
      + segment(0xC4, [UInt8](repeating: 0, count: 17)) + scan
      + [0x12, 0xFF, 0x00, 0x34, 0xFF, 0xD0, 0x56, 0xFF, 0x00, 0xFF, 0xD7, 0x78] + end
  }

  static func progressive(_ width: Int = 5, _ height: Int = 6) -> [UInt8] {
    start + frame(0xC2, width, height) + segment(0xC4, [UInt8](repeating: 0, count: 17)) + scan + [0x12, 0xFF, 0x00]
      + segment(0xC4, [UInt8](repeating: 0, count: 17)) + scan + [0x34, 0x56] + [0xFF, 0xFF] + scan.dropFirst() + [7]
      + end
  }

  // MARK: WebP

  static func riff(_ chunks: [UInt8]...) -> [UInt8] {
    let body = Array("WEBP".utf8) + chunks.flatMap(\.self)
    return Array("RIFF".utf8) + little(body.count, 4) + body
  }

  static func part(_ name: String, _ data: [UInt8]) -> [UInt8] {
    Array(name.utf8) + little(data.count, 4) + data + [UInt8](repeating: 0, count: data.count % 2)
  }

  static func lossyFrame(_ width: Int, _ height: Int) -> [UInt8] {
    [0x10, 0, 0, 0x9D, 0x01, 0x2A] + little(width, 2) + little(height, 2) + [1, 2, 3]
  }
  static func losslessFrame(_ width: Int, _ height: Int) -> [UInt8] {
    [0x2F] + little((width - 1) | (height - 1) << 14, 4) + [1, 2, 3, 4]
  }
  static func lossy(_ width: Int, _ height: Int) -> [UInt8] { riff(part("VP8 ", lossyFrame(width, height))) }
  static func lossless(_ width: Int, _ height: Int) -> [UInt8] { riff(part("VP8L", losslessFrame(width, height))) }
  static func canvas(_ width: Int, _ height: Int) -> [UInt8] {
    part("VP8X", [0x10, 0, 0, 0] + little(width - 1, 3) + little(height - 1, 3))
  }
  static func extended(_ width: Int, _ height: Int) -> [UInt8] {
    riff(canvas(width, height), part("ICCP", [1, 2, 3]), part("VP8L", losslessFrame(width, height)))
  }
}
