import JobCore
import Yams

/// What front matter and folder defaults have in common: what a request is made of.
struct RequestSettings: Equatable {
  var model: String?
  var aspectRatio: String?
  var imageSize: String?
  var count: Int?
  var hold: Bool?
  var requireImages: Bool?
  var extra: [String: JSONValue]?
  var images: [String]?
  var owner: String?
  var exclude: [String]?
  /// A value that the service does not take. What was taken with it before stays as it is.
  var problem: JobError?

  static let frontMatterKeys = [
    "model", "images", "require_images", "aspect_ratio", "image_size", "count", "hold", "extra",
  ]
  static let folderKeys = [
    "model", "require_images", "aspect_ratio", "image_size", "count", "hold", "extra", "owner", "exclude",
  ]
  /// More pictures of one text than this are a slip of the fingers.
  static let maxCount = 16

  /// Reads YAML. `place` begins the messages: "The front matter". Throws `front-matter-…` or `folder-defaults-…` codes.
  init(yaml: String, keys: [String], place: String, source: ErrorCode.SettingsPlace) throws(JobError) {
    let reader = YAMLReader(place: place, source: source)
    for (key, node) in try reader.mapping(yaml) {
      guard keys.contains(key) else {
        let meant = Suggestion.nearest(to: key, in: keys).map { " Did you mean \"\($0)\"?" } ?? ""
        throw JobError(
          code: .settings(source, .unknownKey),
          message: "\(place) has the unknown key \"\(DropPath.display(Array(key.utf8)))\".\(meant)",
          hint: "Known keys: \(keys.joined(separator: ", ")).")
      }
      switch key {
      case "model": model = try reader.text(node, key)
      case "owner": owner = try reader.text(node, key)
      case "aspect_ratio": aspectRatio = try listed(.aspectRatio, node, reader)
      case "image_size": imageSize = try listed(.imageSize, node, reader)
      case "count": count = try reader.integer(node, key, in: 1...Self.maxCount)
      case "hold": hold = try reader.bool(node, key)
      case "require_images": requireImages = try reader.bool(node, key)
      case "images": images = try reader.list(node, key)
      case "exclude": exclude = try reader.list(node, key)
      default: extra = try reader.extra(node)
      }
    }
    if aspectRatio != nil { try reader.refuse("aspect_ratio", in: extra) }
    if imageSize != nil { try reader.refuse("image_size", in: extra) }
  }

  init() {}

  private mutating func listed(
    _ values: ListedValues, _ node: Node, _ reader: YAMLReader
  ) throws(JobError) -> String {
    let (value, found) = try reader.text(node, of: values)
    problem = problem ?? found
    return value
  }

  /// Takes what is missing from defaults that are further away. A field that stands in `extra` counts as set.
  func filled(from further: RequestSettings) -> RequestSettings {
    var filled = self
    filled.model = model ?? further.model
    if extra?["aspect_ratio"] == nil { filled.aspectRatio = aspectRatio ?? further.aspectRatio }
    if extra?["image_size"] == nil { filled.imageSize = imageSize ?? further.imageSize }
    filled.count = count ?? further.count
    filled.hold = hold ?? further.hold
    filled.requireImages = requireImages ?? further.requireImages
    filled.extra = extra ?? further.extra
    if aspectRatio != nil { filled.extra?["aspect_ratio"] = nil }
    if imageSize != nil { filled.extra?["image_size"] = nil }
    filled.problem = problem ?? further.problem
    filled.owner = owner ?? further.owner
    return filled
  }
}
