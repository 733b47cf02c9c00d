import JobCore
import Yams

/// Reads the few YAML shapes that users write, and says plainly what is wrong with others.
struct YAMLReader {
  /// Begins the messages: "The front matter".
  let place: String
  /// Where the settings are written, for the codes.
  let source: ErrorCode.SettingsPlace

  /// A mapping's entries in order. Empty text is an empty mapping.
  func mapping(_ yaml: String) throws(JobError) -> [(String, Node)] {
    // The parser compares keys in whole, aliases resolved, so that a few nested ones would keep it busy for hours.
    guard yaml.matches(of: /(^|[\s\[\]{},?:-])\*[^\s*]/).count <= 16 else {
      throw failure(.invalid, "\(place) has too many aliases.", "Write the values out.")
    }
    let node: Node?
    do {
      node = try Yams.compose(yaml: yaml)
    } catch YamlError.duplicatedKeysInMapping(let keys, _) {
      let names = keys.map { DropPath.display(Array("\($0)".utf8)) }.joined(separator: "\", \"")
      throw failure(.duplicateKey, "\(place) has the key \"\(names)\" twice.", "Keep one of them.")
    } catch {
      throw failure(
        .invalid, "\(place) is not valid YAML: \(summary(of: error)).", "Check quotes, colons and indentation.")
    }
    guard let node, node.scalar?.string.isEmpty != true else { return [] }
    guard let mapping = node.mapping else {
      throw failure(.invalid, "\(place) is not a list of \"key: value\" lines.", "Write one \"key: value\" a line.")
    }
    var entries: [(String, Node)] = []
    for (key, value) in mapping {
      guard let name = key.scalar?.string else {
        throw failure(.invalid, "\(place) has a key that is not a word.", "Write one \"key: value\" a line.")
      }
      entries.append((name, value))
    }
    return entries
  }

  /// A scalar's text as it is written: `16:9` must not become a number of YAML 1.1.
  func text(_ node: Node, _ key: String) throws(JobError) -> String {
    guard let text = node.scalar?.string.trimmed, !text.isEmpty, node.null == nil || isQuoted(node) else {
      throw wrong(key, "a text")
    }
    return text
  }

  /// A text that is one of a field's values, in its canonical spelling; `problem` where it only has a form that earlier
  /// versions took.
  func text(_ node: Node, of listed: ListedValues) throws(JobError) -> (value: String, problem: JobError?) {
    guard let text = node.scalar?.string.trimmed, !text.isEmpty, node.null == nil || isQuoted(node) else {
      throw wrong(listed.key, "one of \(listed.values.joined(separator: ", "))")
    }
    return try listed.understand(text) { failure(.badValue, "\(place): \($0)", $1) }
  }

  func integer(_ node: Node, _ key: String, in range: ClosedRange<Int>) throws(JobError) -> Int {
    guard let text = node.scalar?.string, let value = Int(text), range.contains(value) else {
      throw wrong(key, "a whole number from \(range.lowerBound) to \(range.upperBound)")
    }
    return value
  }

  func bool(_ node: Node, _ key: String) throws(JobError) -> Bool {
    guard let value = node.bool else { throw wrong(key, "true or false") }
    return value
  }

  /// A list of texts; a single text counts as a list of one.
  func list(_ node: Node, _ key: String) throws(JobError) -> [String] {
    if node.scalar != nil { return [try text(node, key)] }
    guard let sequence = node.sequence, sequence.count <= 1000 else { throw wrong(key, "a list of texts") }
    var texts: [String] = []
    for element in sequence { texts.append(try text(element, key)) }
    return texts
  }

  /// `extra`: any fields but those that promptdrop always sets.
  func extra(_ node: Node) throws(JobError) -> [String: JSONValue] {
    var budget = 1000
    guard case .object(let fields) = try value(node, &budget, depth: 0) else {
      throw wrong("extra", "a set of \"key: value\" lines")
    }
    for name in ["model", "prompt", "images", "callback_url"] { try refuse(name, in: fields) }
    return fields
  }

  /// Throws where `extra` names a field that promptdrop sets.
  func refuse(_ name: String, in extra: [String: JSONValue]?) throws(JobError) {
    guard extra?[name] != nil else { return }
    throw failure(
      .reservedField, "\"extra\" may not name \"\(name)\": promptdrop sets that field.",
      "Use the key \"\(name)\" itself where there is one.")
  }

  // The budget counts nodes as they are visited, so that aliases of aliases cannot grow without bound.
  private func value(_ node: Node, _ budget: inout Int, depth: Int) throws(JobError) -> JSONValue {
    budget -= 1
    guard budget > 0, depth < 16 else {
      throw failure(.extraTooLarge, "\"extra\" is too large.", "At most 1,000 values, nested 16 deep.")
    }
    if let mapping = node.mapping {
      var fields: [String: JSONValue] = [:]
      for (key, field) in mapping {
        guard let name = key.scalar?.string, fields[name] == nil else {
          throw wrong("extra", "without unnamed or doubled fields")
        }
        fields[name] = try value(field, &budget, depth: depth + 1)
      }
      return .object(fields)
    }
    if let sequence = node.sequence {
      var elements: [JSONValue] = []
      for element in sequence { elements.append(try value(element, &budget, depth: depth + 1)) }
      return .array(elements)
    }
    guard let text = node.scalar?.string else { return .null }
    if isQuoted(node) { return .string(text) }
    if node.null != nil { return .null }
    if let bool = node.bool { return .bool(bool) }
    if let integer = Int64(text) { return .integer(integer) }
    // A whole number beyond 64 bits would lose digits as a floating-point one.
    if text.utf8.allSatisfy({ $0 >= 48 && $0 <= 57 }) { return .string(text) }
    if let number = Double(text), number.isFinite { return .number(number) }
    return .string(text)
  }

  private func isQuoted(_ node: Node) -> Bool {
    switch node.scalar?.style {
    case .singleQuoted, .doubleQuoted, .literal, .folded: true
    default: false
    }
  }

  private func wrong(_ key: String, _ wanted: String) -> JobError {
    failure(.badValue, "\(place): \"\(key)\" has to be \(wanted).", "Correct \"\(key)\".")
  }

  private func failure(_ flaw: ErrorCode.SettingsFlaw, _ message: String, _ hint: String) -> JobError {
    JobError(code: .settings(source, flaw), message: message, hint: hint)
  }

  private func summary(of error: any Error) -> String {
    let lines = "\(error)".split(separator: "\n")
    return lines.first.map { DropPath.display(Array($0.prefix(200).utf8)) } ?? "unreadable"
  }
}
