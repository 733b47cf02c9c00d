/// What the service says in a callback.
public enum CallbackBody {
  /// The longest task id that counts, in bytes.
  public static let longestTaskID = 200

  /// The `task_id` of the JSON object (RFC 8259) that the body is: a string of 1 to 200 visible ASCII characters. Nil where
  /// the body is something else, or has no such field, or has two of them.
  ///
  /// The rest is skipped without being kept: it takes no more memory than the body itself, whatever its shape. Objects and
  /// lists may be nested 256 deep.
  public static func taskID(in body: [UInt8]) -> String? {
    body.withUnsafeBytes { taskID(in: $0) }
  }

  /// As above, from bytes in memory.
  public static func taskID(in body: UnsafeRawBufferPointer) -> String? {
    var scanner = JSONScanner(body)
    guard scanner.take("{") else { return nil }
    var found: [UInt8]?
    var isEmpty = scanner.take("}")
    while !isEmpty {
      var name: [UInt8] = []
      guard scanner.string(into: &name, limit: wanted.count + 1), scanner.take(":") else { return nil }
      if name == wanted {
        guard found == nil, let value = scanner.text(limit: longestTaskID + 1) else { return nil }
        found = value
      } else if !scanner.skipValue() {
        return nil
      }
      if scanner.take("}") { isEmpty = true } else if !scanner.take(",") { return nil }
    }
    guard scanner.isAtEnd, let found, (1...longestTaskID).contains(found.count),
      found.allSatisfy({ (0x21...0x7E).contains($0) })
    else { return nil }
    return String(decoding: found, as: UTF8.self)
  }

  private static let wanted = Array("task_id".utf8)
}
