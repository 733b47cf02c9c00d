import JobCore

/// GIF (GIF89a specification, 1990): a header, blocks, and a trailer.
enum GIFProbe {
  static func header(_ bytes: ImageBytes) throws(ImageDefect) -> ImageInfo {
    try ImageProbe.info(.gif, try bytes.little(6, 2), try bytes.little(8, 2))
  }

  /// Whether at least one frame and the trailer are there.
  static func check(_ bytes: ImageBytes) throws(ImageDefect) -> ImageInfo {
    let found = try header(bytes)
    var offset = 13 + colours(try bytes[10])
    var hasFrame = false
    while true {
      switch try bytes[offset] {
      case 0x21: offset = try endOfBlocks(bytes, from: offset + 2)
      case 0x2C:
        hasFrame = true
        // The descriptor, its colours, and the byte that begins the pixels.
        offset = try endOfBlocks(bytes, from: offset + 10 + colours(try bytes[offset + 9]) + 1)
      case 0x3B:
        guard hasFrame else { throw .malformed("a GIF without a frame") }
        return found
      default: throw .malformed("a GIF with an unknown block")
      }
    }
  }

  // The bytes of a table of colours, where the flags say that there is one.
  private static func colours(_ flags: UInt8) -> Int { flags & 0x80 == 0 ? 0 : 3 << (Int(flags & 7) + 1) }

  private static func endOfBlocks(_ bytes: ImageBytes, from start: Int) throws(ImageDefect) -> Int {
    var offset = start
    while true {
      let length = Int(try bytes[offset])
      offset += 1 + length
      if length == 0 { return offset }
    }
  }
}
