import Foundation

/// Whole pictures of 32×24 pixels in formats that nobody asked for, or that are odd.
enum OddPicture: String, CaseIterable, Sendable {
  case avif, gif, heic, jxl, webp
  /// A WebP whose own word for its size is larger than it is.
  case webpOddSize = "webp-odd-size"

  /// Its bytes, and the type that goes with them.
  var bytes: [UInt8] {
    switch self {
    case .webpOddSize:
      var bytes = Self.webp.bytes
      if bytes.count > 4 { bytes[4] &+= 3 }
      return bytes
    default: return Data(base64Encoded: text, options: .ignoreUnknownCharacters).map { [UInt8]($0) } ?? []
    }
  }

  var type: String { self == .webpOddSize ? "image/webp" : "image/\(rawValue)" }

  // Made once by libavif, giflib, x265, libjxl and libwebp.
  private var text: String {
    switch self {
    case .avif:
      """
      AAAAIGZ0eXBhdmlmAAAAAGF2aWZtaWYxbWlhZk1BMUIAAADrbWV0YQAAAAAAAAAhaGRscgAAAAAAAAAAcGljdAAAAAAAAAAAAAAA
      AAAAAAAOcGl0bQAAAAAAAQAAAB5pbG9jAAAAAEQAAAEAAQAAAAEAAAETAAAANwAAAChpaW5mAAAAAAABAAAAGmluZmUCAAAAAAEA
      AGF2MDFDb2xvcgAAAABqaXBycAAAAEtpcGNvAAAAFGlzcGUAAAAAAAAAIAAAABgAAAAQcGl4aQAAAAADCAgIAAAADGF2MUOBAAwA
      AAAAE2NvbHJuY2x4AAEADQAGgAAAABdpcG1hAAAAAAAAAAEAAQQBAoMEAAAAP21kYXQSAAoJGBE/dogIaDQgMigcR4eF3dNNNMLF
      AACLKufZ8vBahEaQHH/cn6V8ZlOH7VmwGFn/bkzA
      """
    case .gif:
      """
      R0lGODdhIAAYAIEAALiqUDiqULgyUDgyUCwAAAAAIAAYAEAIfAAHCBxIsKCAgwgTKjxYsCHBhRATBphIsaJFABgzatyI0aHHiCAt
      iqzIsaTGkShNqvToEGRElg1dQoRpUKZClCNVmsQpUmdJnhd9bqT50GZCogONHkU6QClCpk2dCoAqVQBQkkJPXp2YVevWrhm3cgUL
      QGwAsmXFojWLNiAAOw==
      """
    case .heic:
      """
      AAAAHGZ0eXBoZWljAAAAAG1pZjFoZWljbWlhZgAAAXxtZXRhAAAAAAAAACFoZGxyAAAAAAAAAABwaWN0AAAAAAAAAAAAAAAAAAAA
      ACJpbG9jAAAAAERAAAEAAQAAAAABoAABAAAAAAAAAFUAAAAjaWluZgAAAAAAAQAAABVpbmZlAgAAAAABAABodmMxAAAAAA5waXRt
      AAAAAAABAAAA/GlwcnAAAADcaXBjbwAAAHVodmNDAQNwAAAAkAAAAAAAHvAA/P34+AAADwNgAAEAGEABDAH//wNwAAADAJAAAAMA
      AAMAHroCQGEAAQApQgEBA3AAAAMAkAAAAwAAAwAeoCCBBZbqrprm4CGgwIAAAAyAAAADAIRiAAEABkQBwXPBiQAAABNjb2xybmNs
      eAABAA0ABoAAAAAUaXNwZQAAAAAAAABAAAAAQAAAAChjbGFwAAAAIAAAAAEAAAAYAAAAAf///+AAAAAC////2AAAAAIAAAAQcGl4
      aQAAAAADCAgIAAAAGGlwbWEAAAAAAAAAAQABBYECAwWEAAAAXW1kYXQAAABRKAGvGSFzh8DvXldI9mZ6T49k/pkYKjoQGVj9IuNO
      9yKOaNlfe1CsDMWLnH1wEfyZSUyIQQXaDV1T59Cv++iBdOSkludpwKwW+p9AsaJ69O2A
      """
    case .jxl:
      """
      /wrFBgAUSACwASFrFQCACpVRxg1ezvV8+aHDYtrGdYa22rawhLHZXhgkJByAJ9sRNZ8wZuTg8ZkJPqtoQPGVlxfv6esRDXxYlGW6
      wau+V48MS555PBencZoCAJUkUmAxuN1DlSLPe9aVRQPQsNkfgDodHwF1Aw==
      """
    case .webp, .webpOddSize:
      """
      UklGRnoAAABXRUJQVlA4IG4AAAAQBQCdASogABgAPwFurVA+JqSit/qoA8AgCWoAnTKEdPdgA9YTQxn8A/eM9msqqr/gAP7u1Xyq
      PgDNAoGx+TyPRSW97y/Ndzk+0MSNer9n0+hbOJB0+yzx33tE2+vLmGthZrk4BLMUmKO3CNwAAA==
      """
    }
  }
}
