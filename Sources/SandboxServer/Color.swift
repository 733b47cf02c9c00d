import Foundation

/// An sRGB colour, each part from 0 to 255.
struct Color {
  var red: Float
  var green: Float
  var blue: Float
}

/// A colour in OKLab (Björn Ottosson, 2020), where even steps look even.
struct Lab {
  var lightness: Float
  var a: Float
  var b: Float

  /// From lightness 0…1, chroma 0…0.3 and hue in degrees.
  init(_ lightness: Float, _ chroma: Float, _ hue: Float) {
    self.lightness = lightness
    a = chroma * cos(hue * .pi / 180)
    b = chroma * sin(hue * .pi / 180)
  }

  func mixed(with other: Lab, _ part: Float) -> Lab {
    var mix = self
    mix.lightness += (other.lightness - lightness) * part
    mix.a += (other.a - a) * part
    mix.b += (other.b - b) * part
    return mix
  }

  var color: Color {
    let long = cube(lightness + 0.396_337_78 * a + 0.215_803_76 * b)
    let medium = cube(lightness - 0.105_561_346 * a - 0.063_854_17 * b)
    let short = cube(lightness - 0.089_484_18 * a - 1.291_485_5 * b)
    return Color(
      red: encode(4.076_741_7 * long - 3.307_711_6 * medium + 0.230_969_94 * short),
      green: encode(-1.268_438 * long + 2.609_757_4 * medium - 0.341_319_38 * short),
      blue: encode(-0.004_196_086 * long - 0.703_418_6 * medium + 1.707_614_7 * short))
  }

  private func cube(_ value: Float) -> Float { value * value * value }

  private func encode(_ linear: Float) -> Float {
    let value = min(1, max(0, linear))
    return 255 * (value <= 0.003_130_8 ? 12.92 * value : 1.055 * pow(value, 1 / 2.4) - 0.055)
  }
}
