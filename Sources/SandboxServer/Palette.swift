/// Colours that go together: a sky, what stands before it, and a light.
struct Palette {
  var sky: [Lab]
  var far: Lab
  var near: Lab
  var mist: Lab
  var light: Lab
  var accents: [Lab]
  var isNight: Bool

  /// The hue where the sky begins, how far it turns to the horizon, and how dark the hour is (0 day … 1 night).
  private static let moods: [(hue: Float, turn: Float, dusk: Float)] = [
    (250, 150, 0.45), (285, 110, 0.6), (230, -50, 0.1), (265, -200, 0.85), (200, -110, 0.25),
    (340, 70, 0.35), (295, 60, 0.9), (185, -60, 0.55), (20, 60, 0.3), (255, -35, 0.75),
  ]

  init(_ mixer: inout Mixer) {
    let mood = moods(&mixer)
    let hue = mood.hue + mixer.real(-12, 12)
    let turn = mood.turn + mixer.real(-10, 10)
    let dusk = mood.dusk
    let horizon = Lab(0.9 - 0.22 * dusk, 0.075 + 0.05 * dusk, hue + turn)
    sky = [
      Lab(0.66 - 0.46 * dusk, 0.095, hue),
      Lab(0.74 - 0.36 * dusk, 0.11, hue + turn * 0.3),
      Lab(0.83 - 0.26 * dusk, 0.105, hue + turn * 0.7),
      horizon,
    ]
    near = Lab(0.29 - 0.11 * dusk, 0.055, hue - 8)
    far = horizon.mixed(with: Lab(0.56 - 0.2 * dusk, 0.09, hue), 0.55)
    mist = horizon.mixed(with: Lab(0.75 - 0.3 * dusk, 0.06, hue + turn * 0.5), 0.4)
    light = Lab(0.965, 0.06, 40 + (dusk > 0.7 ? 50 : mixer.real(10, 50)))
    accents = (0..<5).map { index in
      Lab(0.62 + 0.06 * Float(index % 3) - 0.1 * dusk, 0.13, hue + turn * Float(index) / 4)
    }
    isNight = dusk > 0.7

    func moods(_ mixer: inout Mixer) -> (hue: Float, turn: Float, dusk: Float) {
      Self.moods[mixer.below(Self.moods.count)]
    }
  }
}
