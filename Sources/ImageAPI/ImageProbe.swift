import JobCore

/// Tells an image's format and dimensions from its bytes, and whether its end is there. Nothing is decoded.
public enum ImageProbe {
  /// Checks a whole file. Formats: PNG (ISO/IEC 15948), JPEG (ITU-T T.81), WebP (RFC 9649), GIF (GIF89a), AVIF and HEIC
  /// (ISO/IEC 23008-12), JPEG XL (ISO/IEC 18181).
  public static func check(_ bytes: UnsafeRawBufferPointer) -> Result<ImageInfo, ImageDefect> {
    let reader = ImageBytes(bytes)
    guard let format = format(reader) else { return .failure(.unknownFormat) }
    do {
      return .success(try whole(reader, format))
    } catch {
      return .failure(error)
    }
  }

  /// What a file that is not whole is, as far as its beginning says; nil for what begins like none of the formats.
  public static func glance(_ bytes: UnsafeRawBufferPointer) -> ImageInfo? {
    let reader = ImageBytes(bytes)
    guard let format = format(reader) else { return nil }
    do {
      return try header(reader, format)
    } catch {
      return ImageInfo(format: format, width: 0, height: 0)
    }
  }

  // By its first bytes.
  private static func format(_ bytes: ImageBytes) -> ImageInfo.Format? {
    if bytes.starts([0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]) { return .png }
    if bytes.starts([0xFF, 0xD8, 0xFF]) { return .jpeg }
    if bytes.starts("RIFF"), bytes.has("WEBP", at: 8) { return .webp }
    if bytes.starts("GIF87a") || bytes.starts("GIF89a") { return .gif }
    if JXLProbe.isCodestream(bytes, at: 0) || JXLProbe.isContainer(bytes) { return .jxl }
    return BoxProbe.format(bytes)
  }

  private static func whole(_ bytes: ImageBytes, _ format: ImageInfo.Format) throws(ImageDefect) -> ImageInfo {
    switch format {
    case .png: try png(bytes)
    case .jpeg: try jpeg(bytes)
    case .webp: try webp(bytes)
    case .gif: try GIFProbe.check(bytes)
    case .avif, .heic: try BoxProbe.check(bytes, format)
    case .jxl: try JXLProbe.check(bytes)
    }
  }

  // Format and size, whatever comes after.
  private static func header(_ bytes: ImageBytes, _ format: ImageInfo.Format) throws(ImageDefect) -> ImageInfo {
    switch format {
    case .png: try pngHeader(bytes)
    case .jpeg: try jpegFrame(bytes)
    case .webp: try webpHeader(bytes)
    case .gif: try GIFProbe.header(bytes)
    case .avif, .heic: try BoxProbe.header(bytes, format)
    case .jxl: try JXLProbe.header(bytes)
    }
  }

  private static let maxSide = 65_535
  private static let maxPixels = 1_000_000_000

  static func info(_ format: ImageInfo.Format, _ width: Int, _ height: Int) throws(ImageDefect) -> ImageInfo {
    guard width > 0, height > 0 else { throw .malformed("it has no pixels") }
    // No picture of a model is that large; what opens the file later may believe it, and try.
    guard width <= maxSide, height <= maxSide, width * height <= maxPixels else {
      throw .malformed("it claims to have \(width) x \(height) pixels")
    }
    return ImageInfo(format: format, width: width, height: height)
  }

  // Length, type, data, checksum; from IHDR to IEND.
  private static func png(_ bytes: ImageBytes) throws(ImageDefect) -> ImageInfo {
    guard bytes.count >= 16 else { throw .truncated }
    guard bytes.has("IHDR", at: 12) else { throw .malformed("a PNG begins with its header") }
    var offset = 8
    var hasData = false
    while true {
      let length = try bytes.big(offset, 4)
      guard offset + 12 + length <= bytes.count else { throw .truncated }
      if bytes.has("IDAT", at: offset + 4) { hasData = true }
      if bytes.has("IEND", at: offset + 4) { break }
      offset += 12 + length
    }
    guard hasData else { throw .malformed("a PNG without image data") }
    return try pngHeader(bytes)
  }

  private static func pngHeader(_ bytes: ImageBytes) throws(ImageDefect) -> ImageInfo {
    let (width, height) = (try bytes.big(16, 4), try bytes.big(20, 4))
    guard width <= 0x7FFF_FFFF, height <= 0x7FFF_FFFF else { throw .malformed("impossible dimensions") }
    return try info(.png, width, height)
  }

  // Segments up to a scan, then entropy-coded bytes in which 0xFF is always followed by 0x00 or a restart marker.
  private static func jpeg(_ bytes: ImageBytes) throws(ImageDefect) -> ImageInfo {
    var offset = 2
    var found: ImageInfo?
    var hasScan = false
    while true {
      switch try jpegMarker(bytes, &offset) {
      case 0xD9:
        guard let found, hasScan else { throw .malformed("a JPEG without a frame or a scan") }
        return found
      case let marker:
        if isFrame(marker) { found = try jpegFrame(bytes, at: offset) }
        offset += 2 + (try jpegLength(bytes, offset))
        if marker == 0xDA {
          hasScan = true
          offset = try endOfScan(bytes, from: offset)
        }
      }
    }
  }

  // Of the next segment with a length, or of the end; `offset` is where it begins.
  private static func jpegMarker(_ bytes: ImageBytes, _ offset: inout Int) throws(ImageDefect) -> UInt8 {
    while true {
      guard try bytes[offset] == 0xFF else { throw .malformed("a JPEG segment does not begin with a marker") }
      switch try bytes[offset + 1] {
      case 0xFF: offset += 1  // Fill bytes.
      case 0x01, 0xD0...0xD8: offset += 2
      case let marker: return marker
      }
    }
  }

  private static func jpegLength(_ bytes: ImageBytes, _ offset: Int) throws(ImageDefect) -> Int {
    let length = try bytes.big(offset + 2, 2)
    guard length >= 2 else { throw .malformed("a JPEG segment of no length") }
    return length
  }

  // Every start of frame but 0xC4 (tables), 0xC8 (reserved) and 0xCC (arithmetic conditioning).
  private static func isFrame(_ marker: UInt8) -> Bool {
    (0xC0...0xCF).contains(marker) && ![0xC4, 0xC8, 0xCC].contains(marker)
  }

  private static func jpegFrame(_ bytes: ImageBytes, at offset: Int) throws(ImageDefect) -> ImageInfo {
    try info(.jpeg, try bytes.big(offset + 7, 2), try bytes.big(offset + 5, 2))
  }

  // The first frame before the first scan.
  private static func jpegFrame(_ bytes: ImageBytes) throws(ImageDefect) -> ImageInfo {
    var offset = 2
    while true {
      let marker = try jpegMarker(bytes, &offset)
      if isFrame(marker) { return try jpegFrame(bytes, at: offset) }
      if marker == 0xD9 || marker == 0xDA { throw .malformed("a JPEG without a frame") }
      offset += 2 + (try jpegLength(bytes, offset))
    }
  }

  private static func endOfScan(_ bytes: ImageBytes, from start: Int) throws(ImageDefect) -> Int {
    var offset = start
    while let marker = Bytes.find(0xFF, in: bytes.raw, from: offset), marker + 1 < bytes.count {
      let next = bytes.raw[marker + 1]
      if next != 0, !(0xD0...0xD7).contains(next) { return marker }
      offset = marker + 2
    }
    throw .truncated
  }

  // The parts after the canvas: a still picture, or frames of an animation.
  private static func hasPicture(_ bytes: ImageBytes) throws(ImageDefect) -> Bool {
    var offset = 12
    while offset + 8 <= bytes.count {
      for kind: StaticString in ["VP8 ", "VP8L", "ANMF"] where bytes.has(kind, at: offset) { return true }
      let length = try bytes.little(offset + 4, 4)
      offset += 8 + length + length % 2
    }
    return false
  }

  private static func webp(_ bytes: ImageBytes) throws(ImageDefect) -> ImageInfo {
    guard try bytes.little(4, 4) + 8 <= bytes.count else { throw .truncated }
    if bytes.has("VP8X", at: 12) {
      guard try hasPicture(bytes) else { throw .malformed("a WebP canvas without a picture") }
    }
    return try webpHeader(bytes)
  }

  private static func webpHeader(_ bytes: ImageBytes) throws(ImageDefect) -> ImageInfo {
    if bytes.has("VP8X", at: 12) {
      return try info(.webp, try bytes.little(24, 3) + 1, try bytes.little(27, 3) + 1)
    }
    if bytes.has("VP8L", at: 12) {
      guard try bytes[20] == 0x2F else { throw .malformed("a WebP without its signature") }
      let bits = try bytes.little(21, 4)
      return try info(.webp, bits & 0x3FFF + 1, bits >> 14 & 0x3FFF + 1)
    }
    guard bytes.has("VP8 ", at: 12), bytes.has([0x9D, 0x01, 0x2A], at: 23) else {
      throw .malformed("a WebP without a frame")
    }
    return try info(.webp, try bytes.little(26, 2) & 0x3FFF, try bytes.little(28, 2) & 0x3FFF)
  }
}
