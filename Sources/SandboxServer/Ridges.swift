import Foundation

/// Hills in mist before a low sun.
extension Artist {
  static func drawRidges(_ canvas: Canvas, _ palette: Palette, _ mixer: inout Mixer, _ detail: inout Mixer) {
    let width = canvas.width
    let height = canvas.height
    let size = Float(min(width, height))
    let layers = 5 + mixer.below(3)
    let horizon = mixer.real(0.42, 0.56)
    let tops = ridgeTops(canvas, layers, horizon, &mixer, &detail)
    defer { tops.deallocate() }

    paintSky(canvas, palette, size, horizon, &mixer, &detail)
    for layer in 0..<layers {
      let depth = Float(layer) / Float(layers - 1)
      let crest = palette.far.mixed(with: palette.near, pow(depth, 0.9))
      let foot = crest.mixed(with: palette.mist, 0.62 * (1 - 0.75 * depth))
      let ramp = Ramp([crest, foot], count: Int(size * (0.16 + 0.22 * depth)))
      var x = 0
      while x < width {
        let top = tops[layer * width + x]
        // Nothing is painted that a nearer ridge hides.
        var limit = Float(height)
        var front = layer + 1
        while front < layers {
          let other = tops[front * width + x]
          if other < limit { limit = other }
          front += 1
        }
        var y = max(0, Int(top))
        let end = min(height, Int(limit) + 1)
        if y < end {
          canvas.blend((y * width + x) * 3, ramp[0], Float(y) + 1 - top)
          y += 1
        }
        let first = y
        var offset = (y * width + x) * 3
        while y < end {
          let color = ramp[y - first]
          canvas.pixels[offset] = color.red
          canvas.pixels[offset + 1] = color.green
          canvas.pixels[offset + 2] = color.blue
          offset += width * 3
          y += 1
        }
        x += 1
      }
    }
  }

  /// The upper edge of every ridge at every column, in pixels from the top.
  private static func ridgeTops(
    _ canvas: Canvas, _ layers: Int, _ horizon: Float, _ mixer: inout Mixer, _ detail: inout Mixer
  ) -> UnsafeMutablePointer<Float> {
    let tops = UnsafeMutablePointer<Float>.allocate(capacity: layers * canvas.width)
    let height = Float(canvas.height)
    for layer in 0..<layers {
      let depth = Float(layer) / Float(layers - 1)
      let level = horizon + (0.93 - horizon) * pow(depth, 1.15)
      let swing = 0.075 + 0.055 * (1 - abs(2 * depth - 1))
      let base = mixer.real(0.5, 1.0) + (1 - depth) * 0.9
      let curve = Curve(&mixer, &detail, octaves: 6, base: base, falloff: 0.5)
      for x in 0..<canvas.width {
        let place = Float(x) / Float(canvas.width)
        (tops + layer * canvas.width + x).initialize(to: (level + swing * curve.value(place)) * height)
      }
    }
    return tops
  }

  private static func paintSky(
    _ canvas: Canvas, _ palette: Palette, _ size: Float, _ horizon: Float, _ mixer: inout Mixer, _ detail: inout Mixer
  ) {
    let end = min(canvas.height, Int(Float(canvas.height) * (horizon + 0.2)))
    let ramp = Ramp(palette.sky, count: Int(Float(canvas.height) * (horizon + 0.06)))
    let sunX = Float(canvas.width) * (mixer.real(0.22, 0.78) + detail.real(-0.03, 0.03))
    let sunY = Float(canvas.height) * (horizon - mixer.real(0.1, 0.27))
    let radius = size * mixer.real(0.055, 0.1)
    let light = palette.light.color
    let spread = 5 * radius * radius
    for y in 0..<end {
      let base = ramp[y]
      let dy = Float(y) - sunY
      var offset = y * canvas.width * 3
      var x = 0
      while x < canvas.width {
        let dx = Float(x) - sunX
        let square = dx * dx + dy * dy
        let glow = 0.62 * spread / (spread + square)
        let alpha = glow * glow + (square < 4 * radius * radius ? edge(radius, square) : 0)
        canvas.pixels[offset] = base.red
        canvas.pixels[offset + 1] = base.green
        canvas.pixels[offset + 2] = base.blue
        canvas.blend(offset, light, alpha > 1 ? 1 : alpha)
        offset += 3
        x += 1
      }
    }
    if palette.isNight { scatterStars(canvas, light, Int(Float(end) * 0.75), size, &detail) }
  }

  private static func scatterStars(
    _ canvas: Canvas, _ light: Color, _ limit: Int, _ size: Float, _ mixer: inout Mixer
  ) {
    for _ in 0..<(90 * canvas.width / 512) {
      let y = mixer.below(limit)
      let x = mixer.below(canvas.width - 1)
      let strength = mixer.real(0.1, 0.8) * (1 - Float(y) / Float(limit))
      let offset = (y * canvas.width + x) * 3
      canvas.blend(offset, light, strength)
      canvas.blend(offset + 3, light, strength * 0.3)
    }
  }

  /// How much of a pixel a disc covers, from the square of the distance to its centre.
  @inline(__always)
  static func edge(_ radius: Float, _ square: Float) -> Float {
    let cover = radius - square.squareRoot() + 0.5
    return cover <= 0 ? 0 : cover >= 1 ? 1 : cover
  }
}
