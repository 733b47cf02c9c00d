import Foundation
import NIOCore

/// The body of a submit, with what is wrong with it if anything is.
struct SubmitForm: Sendable {
  var model: String?
  var prompt: String?
  var images: [String] = []
  var callback: String?
  var aspectRatio: String?
  var imageSize: String?
  /// The `detail` of the 400 this body deserves.
  var problem: String?

  static let maximumImages = 4

  init(body: ByteBuffer, contentType: String?) {
    let parsed: Any
    do {
      parsed = try JSONSerialization.jsonObject(with: Data(body.readableBytesView))
    } catch {
      problem = "invalid JSON body"
      return
    }
    guard let fields = parsed as? [String: Any] else {
      problem = "body must be a JSON object"
      return
    }
    model = fields["model"] as? String
    prompt = fields["prompt"] as? String
    images = fields["images"] as? [String] ?? []
    callback = fields["callback_url"] as? String
    aspectRatio = fields["aspect_ratio"] as? String
    imageSize = fields["image_size"] as? String
    problem = Self.problem(fields, self, contentType: contentType)
  }

  private static func problem(_ fields: [String: Any], _ form: SubmitForm, contentType: String?) -> String? {
    guard let contentType, contentType.lowercased().hasPrefix("application/json") else {
      return "Content-Type must be application/json"
    }
    guard let prompt = form.prompt, !prompt.trimmed.isEmpty else { return "prompt is required" }
    guard let model = form.model, !model.trimmed.isEmpty else { return "model is required" }
    if let images = fields["images"], !(images is NSNull), !(images is [String]) {
      return "images must be an array of URLs"
    }
    if form.images.count > maximumImages { return "images: at most \(maximumImages) are allowed" }
    if form.images.contains(where: { !isImageReference($0) }) { return "images: invalid image URL" }
    for name in ["callback_url", "aspect_ratio", "image_size"] {
      if let value = fields[name], !(value is NSNull), !(value is String) { return "\(name) must be a string" }
    }
    return nil
  }

  /// An http(s) URL, or a base64 data URI of an image.
  private static func isImageReference(_ text: String) -> Bool {
    if text.hasPrefix("https://") || text.hasPrefix("http://") { return text.utf8.count > 10 }
    guard text.hasPrefix("data:image/"), let comma = text.utf8.firstIndex(of: UInt8(ascii: ",")) else { return false }
    guard text[..<comma].hasSuffix(";base64") else { return false }
    return Data(base64Encoded: String(text[text.utf8.index(after: comma)...])).map { !$0.isEmpty } ?? false
  }
}
