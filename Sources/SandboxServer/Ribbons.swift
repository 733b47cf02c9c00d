import Foundation

/// Translucent bands that flow across a gradient, each with one crisp and one soft edge.
extension Artist {
  static func drawRibbons(_ canvas: Canvas, _ palette: Palette, _ mixer: inout Mixer, _ detail: inout Mixer) {
    paintBackdrop(canvas, palette, tilt: mixer.real(-0.35, 0.35))
    let count = 6 + mixer.below(3)
    let rise = mixer.real(-0.3, 0.3)
    let crest = Curve(&mixer, &detail, octaves: 3, base: 0.55, falloff: 0.42)
    for band in 0..<count {
      let place = Float(band) / Float(count - 1)
      let own = Curve(&mixer, &detail, octaves: 3, base: 0.7, falloff: 0.45)
      let breadth = Curve(&mixer, &detail, octaves: 2, base: 0.6, falloff: 0.5)
      let accent = palette.accents[band % palette.accents.count]
      let tint = band % 3 == 1 ? accent.mixed(with: palette.light, 0.55) : accent
      let color = tint.color
      let center = 0.14 + 0.78 * place + mixer.real(-0.04, 0.04)
      let thickness = mixer.real(0.12, 0.24)
      let strength = mixer.real(0.55, 0.8)
      var x = 0
      while x < canvas.width {
        let across = Float(x) / Float(canvas.width)
        let shared = 0.13 * crest.value(across) + rise * (across - 0.5)
        let top = (center + shared + 0.05 * own.value(across)) * Float(canvas.height)
        let depth = thickness * (0.75 + 0.45 * breadth.value(across)) * Float(canvas.height)
        paintColumn(canvas, x, top, max(4, depth), color, strength)
        x += 1
      }
    }
  }

  private static func paintColumn(
    _ canvas: Canvas, _ x: Int, _ top: Float, _ depth: Float, _ color: Color, _ strength: Float
  ) {
    var y = max(0, Int(top))
    let end = min(canvas.height, Int(top + depth))
    var offset = (y * canvas.width + x) * 3
    let fade = 1 / depth
    while y < end {
      let inside = Float(y) + 1 - top
      let left = 1 - inside * fade
      let alpha = strength * (left < 0 ? 0 : left * left) * (inside < 1 ? inside : 1)
      canvas.blend(offset, color, alpha)
      offset += canvas.width * 3
      y += 1
    }
  }

  /// The sky's colours over the whole picture, along a tilted line.
  static func paintBackdrop(_ canvas: Canvas, _ palette: Palette, tilt: Float) {
    let lean = abs(tilt) * Float(canvas.width)
    let ramp = Ramp(palette.sky, count: canvas.height + Int(lean))
    for y in 0..<canvas.height {
      var along = Float(y) + (tilt < 0 ? lean : 0)
      var offset = y * canvas.width * 3
      var x = 0
      while x < canvas.width {
        let color = ramp[Int(along)]
        canvas.pixels[offset] = color.red
        canvas.pixels[offset + 1] = color.green
        canvas.pixels[offset + 2] = color.blue
        along += tilt
        offset += 3
        x += 1
      }
    }
  }
}
