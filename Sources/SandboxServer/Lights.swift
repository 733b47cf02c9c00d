import Foundation

/// Soft translucent discs, large and faint at the back, small and bright in front.
extension Artist {
  static func drawLights(_ canvas: Canvas, _ palette: Palette, _ mixer: inout Mixer, _ detail: inout Mixer) {
    paintBackdrop(canvas, palette, tilt: mixer.real(-0.6, 0.6))
    let size = Float(min(canvas.width, canvas.height))
    let count = 15 + mixer.below(5)
    // Around a leaning line, for discs spread evenly look like wallpaper.
    let lean = mixer.real(-0.5, 0.5)
    for index in 0..<count {
      let nearness = Float(index) / Float(count)
      let x = mixer.real(0.02, 0.98) + detail.real(-0.02, 0.02)
      let y = 0.5 + lean * (x - 0.5) + mixer.real(-0.36, 0.36) + detail.real(-0.02, 0.02)
      let radius = size * (0.25 - 0.21 * nearness) * mixer.real(0.75, 1.25)
      let accent = palette.accents[mixer.below(palette.accents.count)]
      let tint = accent.mixed(with: palette.light, 0.2 + 0.5 * nearness)
      paintDisc(
        canvas, x * Float(canvas.width), y * Float(canvas.height), radius, tint.color,
        strength: mixer.real(0.22, 0.4) + 0.15 * nearness, softness: (1 - nearness) * mixer.real(0.05, 0.6))
    }
  }

  /// A disc a little brighter toward its rim, as an unsharp lens draws a point of light.
  private static func paintDisc(
    _ canvas: Canvas, _ centerX: Float, _ centerY: Float, _ radius: Float, _ color: Color, strength: Float,
    softness: Float
  ) {
    let rim = max(1.2, radius * softness)
    let reach = radius + 1
    let top = max(0, Int(centerY - reach))
    let bottom = min(canvas.height, Int(centerY + reach) + 1)
    guard top < bottom else { return }
    let flat = 1 / (radius * radius)
    for y in top..<bottom {
      let dy = Float(y) - centerY
      let chord = reach * reach - dy * dy
      guard chord > 0 else { continue }
      let half = chord.squareRoot()
      var x = max(0, Int(centerX - half))
      let end = min(canvas.width, Int(centerX + half) + 1)
      var offset = (y * canvas.width + x) * 3
      while x < end {
        let dx = Float(x) - centerX
        let square = dx * dx + dy * dy
        let inside = (radius - square.squareRoot()) / rim
        let cover = inside <= 0 ? 0 : inside >= 1 ? 1 : inside
        canvas.blend(offset, color, strength * cover * (0.7 + 0.3 * square * flat))
        offset += 3
        x += 1
      }
    }
  }
}
