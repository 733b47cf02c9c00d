import JobCore

/// JPEG XL (ISO/IEC 18181): a codestream, or one in a container of boxes. A codestream does not say where it ends.
enum JXLProbe {
  private static let signature: [UInt8] = [0, 0, 0, 12, 0x4A, 0x58, 0x4C, 0x20, 0x0D, 0x0A, 0x87, 0x0A]

  static func isContainer(_ bytes: ImageBytes) -> Bool { bytes.starts(signature) }
  static func isCodestream(_ bytes: ImageBytes, at offset: Int) -> Bool { bytes.has([0xFF, 0x0A], at: offset) }

  /// Every box is whole, and one begins a codestream.
  static func check(_ bytes: ImageBytes) throws(ImageDefect) -> ImageInfo {
    guard isContainer(bytes) else { return try header(bytes) }
    for box in try BoxProbe.boxes(bytes, in: 0..<bytes.count) {
      if let start = codestream(box.type, box.content.lowerBound) { return try size(bytes, at: start) }
    }
    throw .truncated
  }

  /// The size alone.
  static func header(_ bytes: ImageBytes) throws(ImageDefect) -> ImageInfo {
    guard isContainer(bytes) else { return try size(bytes, at: 0) }
    var offset = 0
    while true {
      let length = try bytes.big(offset, 4)
      if let start = codestream(try bytes.part(offset + 4, 4), offset + (length == 1 ? 16 : 8)) {
        return try size(bytes, at: start)
      }
      guard length >= 8 else { throw .truncated }
      offset += length
    }
  }

  // A part of a codestream begins with its number.
  private static func codestream(_ type: [UInt8], _ content: Int) -> Int? {
    if type.elementsEqual("jxlc".utf8) { return content }
    return type.elementsEqual("jxlp".utf8) ? content + 4 : nil
  }

  // Width to height, by the number in the header; 0: the width is given.
  private static let ratios = [(1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1)]

  private static func size(_ bytes: ImageBytes, at start: Int) throws(ImageDefect) -> ImageInfo {
    guard isCodestream(bytes, at: start) else { throw .malformed("a JPEG XL without a codestream") }
    var bits = Bits(bytes: bytes, position: (start + 2) * 8)
    let isSmall = try bits.next(1) == 1
    func side(_ bits: inout Bits) throws(ImageDefect) -> Int {
      if isSmall { return (try bits.next(5) + 1) * 8 }
      let widths = [9, 13, 18, 30]
      return try bits.next(widths[try bits.next(2)]) + 1
    }
    let height = try side(&bits)
    let ratio = try bits.next(3)
    let width = ratio == 0 ? try side(&bits) : height * ratios[ratio - 1].0 / ratios[ratio - 1].1
    return try ImageProbe.info(.jxl, width, height)
  }

  // From the lowest bit of each byte on.
  private struct Bits {
    let bytes: ImageBytes
    var position: Int
    mutating func next(_ count: Int) throws(ImageDefect) -> Int {
      var value = 0
      for place in 0..<count {
        value |= Int(try bytes[position / 8] >> UInt8(position % 8) & 1) << place
        position += 1
      }
      return value
    }
  }
}
