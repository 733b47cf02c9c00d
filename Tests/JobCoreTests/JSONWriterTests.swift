import Foundation
import JobCore
import TestKit
import Testing

@Suite struct JSONWriterTests {
  /// What is written, read by another's parser.
  @Test(arguments: SplitMix64.seeds(), [false, true])
  func isReadTheSameByFoundation(seed: UInt64, pretty: Bool) throws {
    var random = SplitMix64(seed: seed)
    for round in 0..<300 {
      let value = random.json(depth: 4)
      var writer = JSONWriter(pretty: pretty)
      writer.value(value)
      let read = try JSONSerialization.jsonObject(with: Data(writer.bytes), options: [.fragmentsAllowed])
      try #require(
        same(value, read), "seed \(seed), round \(round): \(String(decoding: writer.bytes, as: UTF8.self))")
      try #require(
        writer.bytes.allSatisfy { $0 >= 32 && $0 != 127 || (pretty && $0 == 10) }, "seed \(seed), round \(round)")
    }
  }

  private func same(_ value: JSONValue, _ read: Any) -> Bool {
    switch value {
    case .null: return read is NSNull
    case .bool(let bool): return read as? Bool == bool
    case .integer(let integer): return (read as? NSNumber)?.int64Value == integer
    case .number(let number):
      // Foundation reads long numbers as decimals, and rounds them on the way; `aValueSurvivesCoding` is exact.
      return (read as? NSNumber).map { abs($0.doubleValue - number) <= abs(number) * 1e-15 } ?? false
    case .string(let text): return (read as? String).map { Array($0.utf8) == Array(text.utf8) } ?? false
    case .array(let elements):
      guard let list = read as? [Any], list.count == elements.count else { return false }
      return zip(elements, list).allSatisfy { same($0, $1) }
    case .object(let fields):
      guard let object = read as? [String: Any], object.count == fields.count else { return false }
      return fields.allSatisfy { name, field in object[name].map { same(field, $0) } ?? false }
    }
  }

  private func text(pretty: Bool = false, _ body: (inout JSONWriter) -> Void) -> String {
    var writer = JSONWriter(pretty: pretty)
    body(&writer)
    return String(decoding: writer.bytes, as: UTF8.self)
  }

  @Test func keepsTheOrderOfItsFields() {
    let written = text { w in
      w.object { w in
        w.field("z", "1")
        w.field("a", nil)
        w.key("n")
        w.integer(-5)
        w.key("none")
        w.integer(Int?.none)
        w.key("list")
        w.array([true, false]) { $0.bool($1) }
      }
    }
    #expect(written == #"{"z":"1","a":null,"n":-5,"none":null,"list":[true,false]}"#)
  }

  @Test func isPretty() {
    let written = text(pretty: true) { w in
      w.object { w in
        w.key("empty")
        w.object { _ in }
        w.key("none")
        w.array([Int]()) { $0.integer($1) }
        w.key("list")
        w.array([[1], []]) { w, inner in w.array(inner) { $0.integer($1) } }
      }
    }
    #expect(
      written == """
        {
          "empty": {},
          "none": [],
          "list": [
            [
              1
            ],
            []
          ]
        }
        """)
  }

  @Test func escapes() {
    let written = text { $0.string("\"\\/\n\t\r\u{0}\u{1f}\u{7f}é🐈\u{2028}") }
    #expect(written == #""\"\\/\n\t\u000d\u0000\u001f\u007fé🐈"# + "\u{2028}\"")
  }

  @Test func sortsTheFieldsOfAValueAndWritesNoNonsense() {
    let written = text { $0.value(.object(["b": .number(.nan), "a": .number(.infinity), "c": .number(0.1)])) }
    #expect(written == #"{"a":null,"b":null,"c":0.1}"#)
    let least = text { $0.value(.integer(.min)) }
    #expect(least == "-9223372036854775808")
  }

  @Test(arguments: SplitMix64.seeds())
  func aValueSurvivesCoding(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    for _ in 0..<100 {
      let value = JSONValue.array([random.json(depth: 3)])
      var writer = JSONWriter()
      writer.value(value)
      try #require(try JSONDecoder().decode(JSONValue.self, from: Data(writer.bytes)) == value, "seed \(seed)")
      let encoded = try JSONEncoder().encode(value)
      try #require(try JSONDecoder().decode(JSONValue.self, from: encoded) == value, "seed \(seed)")
    }
  }
}

extension SplitMix64 {
  /// A random value; its numbers are never whole, for JSON does not tell `1.0` from `1`.
  mutating func json(depth: Int) -> JSONValue {
    switch Int.random(in: 0..<(depth > 0 ? 8 : 5), using: &self) {
    case 0: return .null
    case 1: return .bool(percent(50))
    case 2: return .integer(one(of: [0, -1, .max, .min, Int64.random(in: -1_000_000...1_000_000, using: &self)]))
    case 3: return .number(one(of: [0.1, -2.5e-7, .leastNonzeroMagnitude, 0.30000000000000004, chance() - 0.5]))
    case 4: return .string(text(upTo: 12))
    case 5, 6: return .array((0..<Int.random(in: 0...4, using: &self)).map { _ in json(depth: depth - 1) })
    default:
      return .object(fields(depth: depth - 1))
    }
  }

  mutating func fields(depth: Int) -> [String: JSONValue] {
    var fields: [String: JSONValue] = [:]
    for _ in 0..<Int.random(in: 0...4, using: &self) { fields[text(upTo: 6)] = json(depth: depth) }
    return fields
  }
}
