import FoundationEssentials
import Synchronization

/// What stands in `result`: JSON of any shape, as far as a picture can be found in it.
indirect enum ResultTree: Decodable, Sendable {
  /// `null`
  case nothing
  /// Text.
  case text(String)
  /// A number, `true` or `false`.
  case other
  /// A list.
  case list([ResultTree])
  /// Fields, sorted by their names.
  case fields([(key: String, value: ResultTree)])

  /// More values than the result of any task has. Reading one costs far more than its bytes.
  static let mostValues = 4096
  struct TooMany: Error {}

  /// How many values may still be read.
  private final class Allowance: Sendable {
    private let left = Mutex(ResultTree.mostValues)
    func take() throws(TooMany) {
      let isLeft = left.withLock { left in
        left -= 1
        return left >= 0
      }
      guard isLeft else { throw TooMany() }
    }
  }
  private static let allowance = CodingUserInfoKey(rawValue: "allowance")

  /// A decoder that reads no more values than a result may have.
  static func decoder() -> JSONDecoder {
    let decoder = JSONDecoder()
    if let allowance { decoder.userInfo[allowance] = Allowance() }
    return decoder
  }

  private struct AnyKey: CodingKey {
    var stringValue: String
    var intValue: Int? { nil }
    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
  }

  /// Reads any JSON value. Throws `TooMany`.
  init(from decoder: any Decoder) throws {
    if let allowance = Self.allowance.flatMap({ decoder.userInfo[$0] as? Allowance }) { try allowance.take() }
    // A mismatch only means: another kind of value.
    let single = try decoder.singleValueContainer()
    if single.decodeNil() {
      self = .nothing
    } else if let text = try? single.decode(String.self) {
      self = .text(text)
    } else if let box = try? decoder.container(keyedBy: AnyKey.self) {
      self = .fields(
        try box.allKeys.sorted { $0.stringValue < $1.stringValue }.map { key in
          (key.stringValue, try box.decode(ResultTree.self, forKey: key))
        })
    } else if var list = try? decoder.unkeyedContainer() {
      var values: [ResultTree] = []
      while !list.isAtEnd { values.append(try list.decode(ResultTree.self)) }
      self = .list(values)
    } else {
      self = .other
    }
  }

  /// Whether nothing at all is in it: null, no text, empty lists and fields.
  var isEmpty: Bool {
    switch self {
    case .nothing: true
    case .text(let text): text.allSatisfy(\.isWhitespace)
    case .other: false
    case .list(let values): values.allSatisfy(\.isEmpty)
    case .fields(let fields): fields.allSatisfy(\.value.isEmpty)
    }
  }

  /// The value of a field; nil where it is none's, or it has no such field.
  subscript(key: String) -> ResultTree? {
    guard case .fields(let fields) = self else { return nil }
    return fields.first { $0.key == key }?.value
  }

  /// The same, with JSON that stands in a text in the place of the text. What a model said is left as it is.
  func opened(depth: Int = 3) -> ResultTree {
    switch self {
    case .text(let text):
      guard depth > 0, let inner = Self.json(in: text) else { return self }
      return inner.opened(depth: depth - 1)
    case .list(let values): return .list(values.map { $0.opened(depth: depth) })
    case .fields(let fields):
      return .fields(fields.map { ($0.key, $0.key == ResultReading.words ? $0.value : $0.value.opened(depth: depth)) })
    case .nothing, .other: return self
    }
  }

  private static func json(in text: String) -> ResultTree? {
    let trimmed = text.trimmed
    guard let first = trimmed.utf8.first, let last = trimmed.utf8.last, trimmed.utf8.count >= 2 else { return nil }
    let pair = (UInt8(ascii: "{"), UInt8(ascii: "}"))
    let isJSON = (first, last) == pair || (first, last) == (0x5B, 0x5D) || (first, last) == (0x22, 0x22)
    // What is no JSON is a text like any other.
    return isJSON ? try? decoder().decode(ResultTree.self, from: Data(trimmed.utf8)) : nil
  }
}

extension StringProtocol {
  /// Without blanks and line ends around it.
  var trimmed: String {
    var rest = self[...]
    while rest.first?.isWhitespace == true { rest.removeFirst() }
    while rest.last?.isWhitespace == true { rest.removeLast() }
    return String(rest)
  }
}
