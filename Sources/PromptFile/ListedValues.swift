import JobCore

/// The values that the service takes for a field. It adds models and fields, but refuses or ignores other values of these;
/// what is ignored is paid for.
struct ListedValues: Sendable {
  /// The key in front matter and folder defaults, and the field's name.
  let key: String
  /// The canonical spellings.
  let values: [String]
  /// The form that earlier versions took, so that a prompt which is final may have a value of it.
  let earlierForm: @Sendable (String) -> Bool

  /// Seen in public clients of the service.
  static let aspectRatio = ListedValues(
    key: "aspect_ratio",
    values: ["auto", "1:1", "16:9", "21:9", "2:3", "3:2", "3:4", "4:3", "4:5", "5:4", "9:16"],
    earlierForm: { $0.wholeMatch(of: /auto|[0-9]{1,2}:[0-9]{1,2}/) != nil })
  /// The same; for some models only.
  static let imageSize = ListedValues(
    key: "image_size", values: ["1k", "2k", "4k"], earlierForm: { $0.wholeMatch(of: /[0-9]{1,2}[kK]/) != nil })

  /// What a text means: the canonical spelling, or the text itself with what is wrong about it. Throws where no version
  /// ever took such a text.
  func understand(_ text: String, _ failure: (_ message: String, _ hint: String) -> JobError) throws(JobError) -> (
    value: String, problem: JobError?
  ) {
    let lower = text.lowercased()
    if let value = values.first(where: { $0 == lower }) { return (value, nil) }
    let shown = DropPath.display(Array(text.prefix(40).utf8))
    let problem = failure(
      "\"\(key)\" is \"\(shown)\"; the service takes \(values.joined(separator: ", ")).",
      "Correct \"\(key)\". For a model that takes other values, write them into \"extra\" instead: they are not checked there."
    )
    guard earlierForm(text) else { throw problem }
    return (lower, problem)
  }
}
