import JobCore

/// AVIF and HEIC: files of boxes (ISO/IEC 14496-12), distinguished by the brands in the first one.
enum BoxProbe {
  /// A box: its type, and where its content is.
  struct Box {
    var type: [UInt8]
    var content: Range<Int>
    func isNamed(_ name: String) -> Bool { type.elementsEqual(name.utf8) }
  }

  private static let avif = ["avif", "avis"]
  private static let heic = ["heic", "heix", "heim", "heis", "hevc", "hevx", "hevm", "hevs"]

  /// Nil for films and whatever else is made of boxes.
  static func format(_ bytes: ImageBytes) -> ImageInfo.Format? {
    guard bytes.has("ftyp", at: 4), bytes.count >= 16 else { return nil }
    func brand(_ offset: Int) -> ImageInfo.Format? {
      if avif.contains(where: { bytes.has(Array($0.utf8), at: offset) }) { return .avif }
      return heic.contains { bytes.has(Array($0.utf8), at: offset) } ? .heic : nil
    }
    if let major = brand(8) { return major }
    // The general brand of still images, with the particular one among those that it is compatible with.
    guard ["mif1", "msf1", "miaf", "mif2"].contains(where: { bytes.has(Array($0.utf8), at: 8) }),
      let length = try? bytes.big(0, 4)  // Sixteen bytes are there.
    else { return nil }
    return stride(from: 16, to: min(length, bytes.count) - 3, by: 4).lazy.compactMap(brand).first
  }

  /// The boxes in a part of the file. Throws `truncated` where one is longer than the whole.
  static func boxes(_ bytes: ImageBytes, in range: Range<Int>) throws(ImageDefect) -> [Box] {
    var found: [Box] = []
    var offset = range.lowerBound
    while offset < range.upperBound {
      var length = try bytes.big(offset, 4)
      let type = try bytes.part(offset + 4, 4)
      var head = 8
      switch length {
      case 0: length = range.upperBound - offset  // Up to the end.
      case 1:
        // No picture has more than 4 GiB.
        guard try bytes.big(offset + 8, 4) == 0 else { throw .truncated }
        (length, head) = (try bytes.big(offset + 12, 4), 16)
      default: break
      }
      guard length >= head else { throw .malformed("a box of no length") }
      guard offset + length <= range.upperBound else { throw .truncated }
      found.append(Box(type: type, content: (offset + head)..<(offset + length)))
      offset += length
    }
    return found
  }

  /// Every box is whole, and one has the pixels.
  static func check(_ bytes: ImageBytes, _ format: ImageInfo.Format) throws(ImageDefect) -> ImageInfo {
    let all = try boxes(bytes, in: 0..<bytes.count)
    guard let meta = all.first(where: { $0.isNamed("meta") }) else {
      throw all.contains { $0.isNamed("mdat") || $0.isNamed("moov") }
        ? .malformed("it does not say what it is") : .truncated
    }
    guard meta.content.count >= 4 else { throw .malformed("it does not say what it is") }
    let inside = try boxes(bytes, in: (meta.content.lowerBound + 4)..<meta.content.upperBound)
    guard all.contains(where: { $0.isNamed("mdat") }) || inside.contains(where: { $0.isNamed("idat") }) else {
      throw .truncated
    }
    return try size(bytes, inside, format)
  }

  /// The size alone, of a file that may end at any place after it.
  static func header(_ bytes: ImageBytes, _ format: ImageInfo.Format) throws(ImageDefect) -> ImageInfo {
    var offset = 0
    while true {
      let length = try bytes.big(offset, 4)
      if bytes.has("meta", at: offset + 4), length >= 12, offset + length <= bytes.count {
        return try size(bytes, try boxes(bytes, in: (offset + 12)..<(offset + length)), format)
      }
      guard length >= 8 else { throw .truncated }
      offset += length
    }
  }

  // The largest of the images in it is the picture; the others are its parts or a preview. Of a single one, only what its
  // clean aperture leaves of it is shown.
  private static func size(
    _ bytes: ImageBytes, _ meta: [Box], _ format: ImageInfo.Format
  ) throws(ImageDefect) -> ImageInfo {
    var extents: [(width: Int, height: Int)] = []
    var aperture: (width: Int, height: Int)?
    for properties in meta where properties.isNamed("iprp") {
      for container in try boxes(bytes, in: properties.content) where container.isNamed("ipco") {
        for property in try boxes(bytes, in: container.content) {
          let start = property.content.lowerBound
          if property.isNamed("ispe") { extents.append((try bytes.big(start + 4, 4), try bytes.big(start + 8, 4))) }
          guard property.isNamed("clap") else { continue }
          let (widths, heights) = (try bytes.big(start + 4, 4), try bytes.big(start + 12, 4))
          guard widths > 0, heights > 0 else { throw .malformed("its aperture makes no sense") }
          aperture = (try bytes.big(start, 4) / widths, try bytes.big(start + 8, 4) / heights)
        }
      }
    }
    let believable = extents.filter { $0.width <= 0xFFFF && $0.height <= 0xFFFF }
    let largest = believable.max { $0.width * $0.height < $1.width * $1.height } ?? (0, 0)
    if believable.count == 1, let aperture, aperture.width <= largest.width, aperture.height <= largest.height {
      return try ImageProbe.info(format, aperture.width, aperture.height)
    }
    return try ImageProbe.info(format, largest.width, largest.height)
  }
}
