import Foundation

/// Draws a picture from a seed: a landscape, ribbons or lights.
enum Artist {
  /// - Parameter revision: shifts the details a little and leaves the composition.
  static func draw(seed: UInt64, revision: Int, width: Int, height: Int) -> Canvas {
    var mixer = Mixer(seed: seed)
    var detail = Mixer(seed: seed ^ (UInt64(revision) &* 0x9E37_79B9))
    let canvas = Canvas(width: width, height: height)
    let palette = Palette(&mixer)
    switch mixer.below(5) {
    case 0, 1: drawRidges(canvas, palette, &mixer, &detail)
    case 2, 3: drawRibbons(canvas, palette, &mixer, &detail)
    default: drawLights(canvas, palette, &mixer, &detail)
    }
    return canvas
  }
}

/// A smooth curve over the width of a picture: a few sines of falling strength.
struct Curve {
  private var waves: [(frequency: Float, phase: Float, strength: Float)]

  init(_ mixer: inout Mixer, _ detail: inout Mixer, octaves: Int, base: Float, falloff: Float) {
    waves = (0..<octaves).map { octave in
      let frequency = base * pow(1.9, Float(octave)) * mixer.real(0.8, 1.2)
      let phase = mixer.real(0, 2 * .pi) + detail.real(-0.35, 0.35)
      return (frequency, phase, pow(falloff, Float(octave)))
    }
  }

  /// The height at `x` (0…1 across), about -1…1.
  func value(_ x: Float) -> Float {
    var sum: Float = 0
    var total: Float = 0
    for wave in waves {
      sum += wave.strength * sin(x * wave.frequency * 2 * .pi + wave.phase)
      total += wave.strength
    }
    return sum / total
  }
}
