/// What stands in `result`: JSON of any shape, as far as a picture can be found in it.
indirect enum ResultTree: Sendable {
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

  /// Reads a JSON value of any kind, which was passed over before. Throws `TooMany`.
  init(reading scanner: inout JSONScanner) throws {
    var left = Self.mostValues
    self = try Self.read(&scanner, &left)
  }

  private static func read(_ scanner: inout JSONScanner, _ left: inout Int) throws -> ResultTree {
    left -= 1
    guard left >= 0 else { throw TooMany() }
    switch try scanner.kind() {
    case .nothing:
      try scanner.skip()
      return .nothing
    case .text:
      // What cannot be a text is passed over.
      do { return .text(try scanner.text()) } catch { return .other }
    case .number, .truth:
      try scanner.skip()
      return .other
    case .list:
      var values: [ResultTree] = []
      try scanner.elements { values.append(try read(&$0, &left)) }
      return .list(values)
    case .fields:
      let start = scanner
      var fields: [(key: String, value: ResultTree)] = []
      do {
        try scanner.fields { name, value in fields.append((name, try read(&value, &left))) }
        return .fields(sorted(fields))
      } catch is JSONScanner.Mismatch {
        // A name that cannot be one.
        scanner = start
        try scanner.skip()
        return .other
      }
    }
  }

  // Of two with the same name the first counts.
  private static func sorted(_ fields: [(key: String, value: ResultTree)]) -> [(key: String, value: ResultTree)] {
    guard fields.count > 1 else { return fields }
    let order = fields.indices.sorted { (fields[$0].key, $0) < (fields[$1].key, $1) }
    var sorted: [(key: String, value: ResultTree)] = []
    for index in order where sorted.last?.key != fields[index].key { sorted.append(fields[index]) }
    return sorted
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
    guard isJSON else { return nil }
    var scanner = JSONScanner(Array(trimmed.utf8))
    do {
      var whole = scanner
      try whole.skip()
      try whole.end()
      return try ResultTree(reading: &scanner)
    } catch {
      // What is no JSON is a text like any other.
      return nil
    }
  }
}

extension StringProtocol {
  /// Without blanks and line ends around it.
  var trimmed: String {
    // Nearly always there are none, and a byte of printable ASCII at both ends says so.
    let visible = UInt8(ascii: "!")...UInt8(ascii: "~")
    let isPlain = utf8.withContiguousStorageIfAvailable { bytes in
      bytes.first.map(visible.contains) == true && bytes.last.map(visible.contains) == true
    }
    if isPlain == true { return String(self) }
    var rest = self[...]
    while rest.first?.isWhitespace == true { rest.removeFirst() }
    while rest.last?.isWhitespace == true { rest.removeLast() }
    return String(rest)
  }
}
