#if DEBUG
  import ImageAPI
  import JobCore

  extension FuzzTarget {
    /// A picture, as it was fetched or as it lies in the folder. AddressSanitizer sees a read beyond its end.
    static let image = FuzzTarget("image", maxLength: 16_384) { raw in
      let seen = ImageProbe.check(raw)
      try hold(seen == ImageProbe.check(raw), "one picture, two answers")
      guard case .success(let info) = seen else { return }
      // The most that the formats' own fields can hold; a VP8X canvas has 24 bits and a limited area.
      let most =
        switch info.format {
        case .png: 0x7FFF_FFFF
        case .jpeg, .gif: 65_535
        case .webp: 1 << 24
        case .avif, .heic: 0xFFFF_FFFF
        case .jxl: 1 << 30
        }
      try hold((1...most).contains(info.width) && (1...most).contains(info.height), "\(info)")
      // What is whole without its end has the end that it was read to: a cut picture is no other picture.
      for count in [raw.count - 1, raw.count - 2, raw.count / 2] where count > 0 {
        if case .success(let cut) = ImageProbe.check(UnsafeRawBufferPointer(rebasing: raw[..<count])) {
          try hold(cut == info, "cut to \(count) bytes it is \(cut), not \(info)")
        }
      }
    }
  }
#endif
