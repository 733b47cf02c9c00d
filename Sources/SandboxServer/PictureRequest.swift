/// Which picture is to be drawn.
struct PictureRequest: Sendable, Hashable {
  /// From the prompt: the same prompt gives the same picture.
  let seed: UInt64
  /// How many tasks the prompt had before; shifts the picture a little, so that revisions can be distinguished.
  let revision: Int
  /// The place in the round robin of pre-drawn pictures.
  let number: Int
  /// In pixels.
  let width: Int
  /// In pixels.
  let height: Int

  /// Drawing more would only cost time: no consumer of a sandbox looks at 4k.
  static let longestSide = 1024
  static let shortestSide = 16

  init(seed: UInt64, revision: Int, width: Int, height: Int) {
    self.seed = seed
    self.revision = revision
    number = 0
    self.width = width
    self.height = height
  }

  init(_ form: SubmitForm, hash: UInt64, revision: Int, number: Int, options: SandboxOptions) {
    seed = hash
    self.revision = revision
    self.number = number
    var width = Double(options.imageWidth)
    var height = Double(options.imageHeight)
    if let ratio = form.aspectRatio.flatMap(Self.ratio) {
      let area = width * height
      width = (area * ratio).squareRoot()
      height = width / ratio
    }
    let scale: Double =
      switch form.imageSize?.lowercased() {
      case "2k": 2
      case "4k": 4
      default: 1
      }
    let fit = min(scale, Double(Self.longestSide) / max(width, height, 1))
    self.width = max(Self.shortestSide, Int((width * fit).rounded()))
    self.height = max(Self.shortestSide, Int((height * fit).rounded()))
  }

  /// `16:9` as a number; `auto` and what cannot be read leave the default shape.
  private static func ratio(_ text: String) -> Double? {
    let parts = text.split(separator: ":").compactMap { Double($0) }
    guard parts.count == 2, parts[0] > 0, parts[1] > 0 else { return nil }
    return min(8, max(0.125, parts[0] / parts[1]))
  }
}
