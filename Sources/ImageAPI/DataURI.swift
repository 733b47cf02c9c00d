import FoundationEssentials
import JobCore

/// `data:image/png;base64,…` (RFC 2397), as results carry images.
enum DataURI {
  /// The bytes. Throws `unusable` for what is not base64 of an image, or too large.
  static func decode(_ uri: String, limit: Int) throws(FetchFailure) -> [UInt8] {
    guard let comma = uri.utf8.firstIndex(of: UInt8(ascii: ",")), uri.prefixMatch(of: /(?i:data):/) != nil,
      uri[..<comma].hasSuffix(";base64")
    else { throw .unusable(error("is no base64 data URI")) }
    let text = uri.utf8[uri.utf8.index(after: comma)...]
    guard text.count / 4 * 3 <= limit + 3 else { throw .unusable(error("is larger than \(limit) bytes")) }
    guard let data = Data(base64Encoded: Data(text), options: .ignoreUnknownCharacters), !data.isEmpty else {
      throw .unusable(error("is not valid base64"))
    }
    guard data.count <= limit else { throw .unusable(error("is larger than \(limit) bytes")) }
    return Array(data)
  }

  private static func error(_ what: String) -> JobError {
    JobError(code: "result-unusable", message: "The picture in the service's answer \(what).")
  }
}
