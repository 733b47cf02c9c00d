import Foundation
import JobCore
import PromptFile
import Testing

@Suite struct ExtraTests {
  private func extra(_ yaml: String) throws -> [String: JSONValue] {
    try understand("---\nextra: \(yaml)\n---\nfox").snapshot.extra
  }

  @Test func `Fields are passed on with their types`() throws {
    let fields = try extra(
      "{int: 7, neg: -3, frac: 0.25, exp: 1e3, yes: true, no: false, none: ~, text: red fox, list: [1, a, [2]], "
        + "deep: {a: {b: c}}, ratio: 16:9, date: 2026-01-31, quoted: \"7\", single: 'true', empty: \"\"}")
    #expect(
      fields == [
        "int": .integer(7), "neg": .integer(-3), "frac": .number(0.25), "exp": .number(1000), "yes": .bool(true),
        "no": .bool(false), "none": .null, "text": .string("red fox"),
        "list": .array([.integer(1), .string("a"), .array([.integer(2)])]),
        "deep": .object(["a": .object(["b": .string("c")])]), "ratio": .string("16:9"), "date": .string("2026-01-31"),
        "quoted": .string("7"), "single": .string("true"), "empty": .string(""),
      ])
  }

  @Test func `The largest whole numbers are kept, and what is no JSON number stays text`() throws {
    let fields = try extra("{max: 9223372036854775807, min: -9223372036854775808, nan: .nan, inf: .inf, word: nan}")
    #expect(fields["max"] == .integer(.max))
    #expect(fields["min"] == .integer(.min))
    for (name, value) in fields where name != "max" && name != "min" {
      if case .number(let number) = value { #expect(number.isFinite, "\(name)") }
    }
  }

  @Test func `A seed of 64 bits without a sign is not rounded`() throws {
    let value = try extra("{seed: 18446744073709551615}")["seed"]
    #expect(value == .string("18446744073709551615"), "or refused, but never another number")
  }

  @Test(arguments: ["model", "prompt", "images", "callback_url"])
  func `A field that promptdrop sets is refused`(name: String) throws {
    let error = try refusal("---\nextra: {fine: 1, \(name): x}\n---\nfox")
    #expect(error.code == "front-matter-reserved-field")
    #expect(error.message.contains("\"\(name)\""))
    #expect(error.hint != nil)
    #expect(try refusal("---\nextra: {\(name): ~}\n---\nfox").code == "front-matter-reserved-field")
    #expect(try extra("{inner: {\(name): x}}") == ["inner": .object([name: .string("x")])])
    let folder = try Understanding("fox").under(("", "extra: {\(name): x}")).refusal()
    #expect(folder.code == "folder-defaults-reserved-field")
  }

  @Test func `Nested doubles are refused`() throws {
    #expect(try refusal("---\nextra: {a: {b: 1, b: 2}}\n---\nfox").code.rawValue.hasPrefix("front-matter-"))
  }

  @Test func `Depth is limited`() throws {
    let nested = { (depth: Int) in
      "{a: " + String(repeating: "[", count: depth) + String(repeating: "]", count: depth) + "}"
    }
    #expect(try extra(nested(8))["a"] != nil)
    #expect(try refusal("---\nextra: \(nested(40))\n---\nfox").code == "front-matter-extra-too-large")
    #expect(try refusal("---\nextra: \(nested(500))\n---\nfox").code == "front-matter-extra-too-large")
    let braces = String(repeating: "{a: ", count: 60) + "1" + String(repeating: "}", count: 60)
    #expect(try refusal("---\nextra: \(braces)\n---\nfox").code == "front-matter-extra-too-large")
  }

  @Test func `Size is limited`() throws {
    let many = (0..<2000).map { "k\($0): 1" }.joined(separator: ", ")
    #expect(try refusal("---\nextra: {\(many)}\n---\nfox").code == "front-matter-extra-too-large")
    let some = (0..<500).map { "k\($0): 1" }.joined(separator: ", ")
    #expect(try extra("{\(some)}").count == 500)
  }
}

/// YAML that is small and means much. Ten levels of nine aliases are 3.5 billion values.
@Suite struct BombTests {
  private static func bomb(_ levels: Int, of width: Int = 9) -> String {
    var yaml = "l0: &l0 [x]\n"
    for level in 1...levels {
      yaml += "l\(level): &l\(level) [\(Array(repeating: "*l\(level - 1)", count: width).joined(separator: ", "))]\n"
    }
    return yaml
  }
  private static func indented(_ yaml: String) -> String {
    yaml.split(separator: "\n").map { "  \($0)\n" }.joined()
  }

  private func quickly(
    _ yaml: String, within limit: Duration = .seconds(2), sourceLocation: SourceLocation = #_sourceLocation
  ) throws -> JobError {
    var error: JobError?
    let cost = try cost {
      error = try Understanding("---\n\(yaml)\n---\nfox").refusal(sourceLocation: sourceLocation)
    }
    #expect(cost < limit, sourceLocation: sourceLocation)
    return try #require(error, sourceLocation: sourceLocation)
  }

  @Test func `An alias bomb in extra is refused at once`() throws {
    #expect(try quickly("extra:\n" + Self.indented(Self.bomb(10))).code == "front-matter-invalid")
  }

  @Test func `An alias bomb in mappings is refused at once`() throws {
    var yaml = "  m0: &m0 {k: v}\n"
    for level in 1...12 {
      yaml += "  m\(level): &m\(level) {\((0..<9).map { "k\($0): *m\(level - 1)" }.joined(separator: ", "))}\n"
    }
    #expect(try quickly("extra:\n" + yaml).code == "front-matter-invalid")
  }

  @Test func `An alias bomb outside extra is refused at once`() throws {
    #expect(try quickly(Self.bomb(10)).code == "front-matter-invalid")
  }

  @Test func `An alias bomb among the images is refused at once`() throws {
    let images = "images:\n" + (1...9).map { "  - &i\($0) [\($0 == 1 ? "x" : "*i\($0 - 1), *i\($0 - 1)")]\n" }.joined()
    #expect(try quickly(images).code == "front-matter-bad-value")
  }

  // Finding doubled keys means hashing them. Six levels are enough to tell: half a million values.
  @Test func `An alias bomb as a key is refused at once`() throws {
    let yaml = "extra:\n" + Self.indented(Self.bomb(6)) + "  ? *l6\n  : 1\n"
    #expect(try quickly(yaml, within: .milliseconds(150)).code.rawValue.hasPrefix("front-matter-"))
  }

  @Test func `A bomb in a folder's defaults is refused at once`() throws {
    let cost = try cost {
      let error = try Understanding("fox").under(("", "extra:\n" + Self.indented(Self.bomb(10)))).refusal()
      #expect(error.code == "folder-defaults-invalid")
    }
    #expect(cost < .seconds(2))
  }

  @Test(arguments: ["extra: &a [*a]", "extra: &a {b: *a}", "model: *a", "extra: {a: &x 1, b: *y}"])
  func `An alias to itself or to nothing is refused`(yaml: String) throws {
    #expect(try quickly(yaml).code.rawValue.hasPrefix("front-matter-"))
  }

  @Test(arguments: ["[", "{a: ", "- ", "? ", "!!x ", "[{a: "])
  func `Nesting without end is refused, not followed into the ground`(part: String) async {
    await #expect(processExitsWith: .success) { [part] in
      for count in [900, 1100, 20_000] {
        let yaml = String(repeating: part, count: count)
        for prefix in ["", "extra: ", "extra:\n  "] {
          let understanding = Understanding("---\n\(prefix)\(yaml)\n---\nfox")
          do throws(JobError) { _ = try understanding.result() } catch {
            precondition(error.code.rawValue.hasPrefix("front-matter-"))
          }
        }
      }
    }
  }

  @Test(arguments: [("[", "]"), ("{a: ", "}")])
  func `Closed nesting as deep as the parser goes does not crash`(open: String, close: String) async {
    await #expect(processExitsWith: .success) { [open, close] in
      for count in [100, 900, 990, 5000] {
        let yaml = String(repeating: open, count: count) + String(repeating: close, count: count)
        _ = try? Understanding("---\nextra: {a: \(yaml)}\n---\nfox").result()
      }
    }
  }

  @Test func `A thousand keys and a thousand images take no time`() throws {
    let keys = (0..<5000).map { "k\($0): 1" }.joined(separator: "\n")
    #expect(try quickly(keys).code == "front-matter-unknown-key")
    let images = "images: [" + (0..<5000).map { "\($0).png" }.joined(separator: ", ") + "]"
    #expect(!(try quickly(images).code.rawValue.isEmpty))
  }
}
