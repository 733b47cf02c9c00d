/// Pixels as red, green, blue from 0 to 255 in floating point, row by row.
///
/// A raw buffer and concrete types throughout: drawing has to be quick even where nothing is optimised.
final class Canvas {
  let width: Int
  let height: Int
  let pixels: UnsafeMutablePointer<Float>

  init(width: Int, height: Int) {
    self.width = width
    self.height = height
    pixels = .allocate(capacity: width * height * 3)
    pixels.initialize(repeating: 0, count: width * height * 3)
  }

  deinit { pixels.deallocate() }

  /// Lays a colour over a pixel.
  @inline(__always)
  func blend(_ offset: Int, _ color: Color, _ alpha: Float) {
    let pixel = pixels + offset
    pixel[0] += (color.red - pixel[0]) * alpha
    pixel[1] += (color.green - pixel[1]) * alpha
    pixel[2] += (color.blue - pixel[2]) * alpha
  }

  /// The pixels as bytes.
  func bytes() -> [UInt8] {
    let count = width * height * 3
    return [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
      guard let target = buffer.baseAddress else { return }
      var index = 0
      while index < count {
        let value = pixels[index] + 0.5
        target[index] = value <= 0 ? 0 : value >= 255 ? 255 : UInt8(value)
        index += 1
      }
      initialized = count
    }
  }
}

/// Colours by a number from 0 up to `count`, computed once.
final class Ramp {
  let count: Int
  private let colors: UnsafeMutablePointer<Color>

  /// Spreads the stops evenly, blending in OKLab so that the middle does not turn grey.
  init(_ stops: [Lab], count: Int) {
    self.count = max(2, count)
    colors = .allocate(capacity: self.count)
    for index in 0..<self.count {
      let place = Float(index) / Float(self.count - 1) * Float(stops.count - 1)
      let stop = min(Int(place), max(0, stops.count - 2))
      let next = min(stop + 1, stops.count - 1)
      // Eased, so that no stop shows as an edge.
      let part = place - Float(stop)
      let eased = part * part * (3 - 2 * part) * 0.6 + part * 0.4
      (colors + index).initialize(to: stops[stop].mixed(with: stops[next], eased).color)
    }
  }

  deinit { colors.deallocate() }

  @inline(__always)
  subscript(index: Int) -> Color {
    colors[index < 0 ? 0 : index >= count ? count - 1 : index]
  }
}
