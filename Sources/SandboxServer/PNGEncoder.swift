import CPNG

/// Why libpng would not write a picture, in its own words.
struct PNGError: Error, CustomStringConvertible {
  let description: String
}

/// Writes a canvas as a PNG through libpng's simplified API.
enum PNGEncoder {
  static func encode(_ canvas: Canvas) throws -> [UInt8] {
    let pixels = canvas.bytes()
    var image = png_image()
    image.version = png_uint_32(PNG_IMAGE_VERSION)
    image.width = png_uint_32(canvas.width)
    image.height = png_uint_32(canvas.height)
    image.format = png_uint_32(PNG_FORMAT_FLAG_COLOR)
    // Smooth pictures compress well enough with the cheap filters, in a third of the time.
    image.flags = png_uint_32(PNG_IMAGE_FLAG_FAST)
    defer { png_image_free(&image) }
    // Even stored uncompressed it fits: a filter byte a row, five bytes a deflate block, headers.
    let capacity = pixels.count + canvas.height + pixels.count / 1000 + 8192
    var failure: PNGError?
    let encoded = [UInt8](unsafeUninitializedCapacity: capacity) { buffer, count in
      var size = png_alloc_size_t(capacity)
      let written = png_image_write_to_memory(&image, buffer.baseAddress, &size, 0, pixels, 0, nil)
      if written == 0 { failure = PNGError(description: message(of: image)) }
      count = written == 0 ? 0 : Int(size)
    }
    if let failure { throw failure }
    return encoded
  }

  private static func message(of image: png_image) -> String {
    withUnsafeBytes(of: image.message) { bytes in String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self) }
  }
}
