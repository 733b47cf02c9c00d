import Foundation
import JobCore
import NIOCore
import Synchronization
import TestKit
import Testing

@testable import ImageAPI

/// The reader of answers against Foundation's decoder, which is the lenient reading that was promised.
@Suite struct JSONScannerTests {
  private static let samples = [
    "{\"code\":0,\"message\":\"ok\",\"data\":{\"task_id\":\"ta1\"}}",
    "{\"code\":1,\"message\":\"failed\",\"detail\":\"prompt is \\u0022required\\u0022\",\"data\":null}",
    "{\"code\":0,\"message\":\"ok\",\"data\":{\"task_id\":\"ta1\",\"status\":\"success\",\"result\":[{\"image\":"
      + "\"https://i.example/a.png\"},{\"text\":\"n\\u00f6 \\ud83e\\udd8a\"}],\"consumed\":\"0.500000\",\"created_at\":\"2026\","
      + "\"status_reason\":{\"message\":null}}}",
    "{ \"data\" : { \"status\" : \"failed\" , \"status_reason\" : \"too rude\", \"consumed\": -1.5e-3, \"task_id\": 17 } ,"
      + " \"code\" : 0.0 }\n",
    "{\"code\":0,\"data\":{\"status\":\"success\",\"result\":{\"b\":[1,true,null],\"a\":{\"x\":\"\"},\"b\":2}}}",
  ]
  private static let pieces = [
    "null", "0", "-1", "1e999", "1.5", "01", "-", "1.", "1e", "99999999999999999999", "\"\"", "\"\\ud800\"", "\"\\x\"",
    "[]",
    "{}", "[[", ",", ":", "}", "]", "\"", "\\", "true", "tru", "nulll", "\"code\":0,", "\"data\":null,",
    "\"code\":\"0\",",
    "\"status\":\"success\",", "\"task_id\":[],", " ", "\t", "\u{1}", "é",
  ]

  /// An answer in one line, for comparing; nil: it cannot be read.
  private static func words<Payload>(_ envelope: Wire.Envelope<Payload>) -> String { "\(envelope)" }

  private func compare(_ bytes: [UInt8], sourceLocation: SourceLocation = #_sourceLocation) {
    // Foundation takes NULs for UTF-16, which nobody sends.
    if bytes.contains(0) { return }
    let text = String(decoding: bytes, as: UTF8.self)
    let task = try? Self.words(Wire.task(in: bytes))
    #expect(task == Reference.task(bytes), "\(text)", sourceLocation: sourceLocation)
    let accepted = try? Self.words(Wire.accepted(from: ByteBuffer(bytes: bytes)).get())
    #expect(accepted == Reference.accepted(bytes), "\(text)", sourceLocation: sourceLocation)
  }

  @Test(arguments: SplitMix64.seeds(6))
  func `Damaged answers are read as Foundation reads them`(seed: UInt64) async {
    var random = SplitMix64(seed: seed)
    for sample in Self.samples { compare(Array(sample.utf8)) }
    for round in 0..<2000 {
      if round % 50 == 0 { await Task.yield() }
      var bytes = Array(random.one(of: Self.samples).utf8)
      for _ in 0...Int.random(in: 0..<3, using: &random) where !bytes.isEmpty {
        let at = Int.random(in: bytes.indices, using: &random)
        switch Int.random(in: 0..<4, using: &random) {
        case 0: bytes[at] = UInt8.random(in: 0x20...0xFF, using: &random)
        case 1: bytes.remove(at: at)
        case 2: bytes.removeSubrange(at...)
        default: bytes.insert(contentsOf: random.one(of: Self.pieces).utf8, at: at)
        }
      }
      compare(bytes)
    }
  }

  @Test(arguments: [511, 512, 513, 600, 100_000])
  func `Nesting has an end`(depth: Int) {
    let nested = String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
    var scanner = JSONScanner(Array(nested.utf8))
    #expect((try? scanner.skip()) == nil ? depth > 512 : depth <= 512)
  }

  @Test func `Only the first of two fields with one name counts`() throws {
    let twice = "{\"code\":0,\"code\":1,\"data\":{\"task_id\":\"a\",\"task_id\":\"b\"},\"data\":{\"task_id\":\"c\"}}"
    #expect(try Wire.accepted(from: ByteBuffer(string: twice)).get().payload?.task_id == "a")
    compare(Array(twice.utf8))
  }
}

/// How answers were read with Foundation's decoder.
private enum Reference {
  static func task(_ bytes: [UInt8]) -> String? {
    guard let read = try? Tree.decoder().decode(Envelope<Task>.self, from: Data(bytes)) else { return nil }
    let task = read.payload.map {
      Wire.Task(
        taskID: $0.taskID, status: $0.status, result: $0.result?.tree, isTooMuch: $0.isTooMuch, consumed: $0.consumed,
        reason: $0.reason)
    }
    return "\(Wire.Envelope(code: read.code, texts: read.texts, payload: task))"
  }

  static func accepted(_ bytes: [UInt8]) -> String? {
    guard let read = try? JSONDecoder().decode(Envelope<Accepted>.self, from: Data(bytes)) else { return nil }
    let payload = read.payload.map { Wire.Accepted(task_id: $0.task_id) }
    return "\(Wire.Envelope(code: read.code, texts: read.texts, payload: payload))"
  }

  private struct Accepted: Decodable { var task_id: String }

  private struct Envelope<Payload: Decodable>: Decodable {
    var code: Int
    var texts: [String]
    var payload: Payload?

    private enum Key: CodingKey { case code, message, detail, data }
    init(from decoder: any Decoder) throws {
      let box = try decoder.container(keyedBy: Key.self)
      code = try box.decode(Int.self, forKey: .code)
      // Texts beside the code are for people: of whatever type they are, they must not make the answer unreadable.
      let message = try? box.decodeIfPresent(String.self, forKey: .message)
      let detail = try? box.decodeIfPresent(String.self, forKey: .detail)
      texts = [detail, message].compactMap { $0 }.filter { !$0.isEmpty }
      // Beside an error the data may be anything; what can be read of it is kept all the same.
      payload =
        code == 0 ? try box.decodeIfPresent(Payload.self, forKey: .data) : try? box.decode(Payload.self, forKey: .data)
    }
  }

  private struct Task: Decodable {
    var taskID: String?
    var status: String
    /// Of a finished task; nil: it has none.
    var result: Tree?
    /// Whether the result has more in it than is read.
    var isTooMuch = false
    var consumed: String?
    var reason: String?

    private enum Key: CodingKey { case task_id, status, result, consumed, status_reason }
    private struct Reason: Decodable { var message: String? }

    init(from decoder: any Decoder) throws {
      let box = try decoder.container(keyedBy: Key.self)
      // A text by contract; a number names a task as well.
      taskID =
        (try? box.decodeIfPresent(String.self, forKey: .task_id))
        ?? (try? box.decodeIfPresent(Int64.self, forKey: .task_id)).map { "\($0)" }
      status = try box.decode(String.self, forKey: .status)
      // A decimal string by contract; a number is not exact, but better than nothing.
      if let text = try? box.decodeIfPresent(String.self, forKey: .consumed) {
        consumed = text
      } else {
        consumed = try? box.decodeIfPresent(Double.self, forKey: .consumed).map { "\($0)" }
      }
      reason =
        (try? box.decodeIfPresent(String.self, forKey: .status_reason))
        ?? (try? box.decodeIfPresent(Reason.self, forKey: .status_reason))?.message
      guard status == "success" else { return }
      do {
        result = try box.decodeIfPresent(Tree.self, forKey: .result)
      } catch is Tree.TooMany {
        isTooMuch = true
      }
    }
  }

  private indirect enum Tree: Decodable {
    case nothing, other
    case text(String)
    case list([Tree])
    case fields([(key: String, value: Tree)])
    struct TooMany: Error {}

    var tree: ResultTree {
      switch self {
      case .nothing: .nothing
      case .other: .other
      case .text(let text): .text(text)
      case .list(let values): .list(values.map(\.tree))
      case .fields(let fields): .fields(fields.map { ($0.key, $0.value.tree) })
      }
    }

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
            (key.stringValue, try box.decode(Tree.self, forKey: key))
          })
      } else if var list = try? decoder.unkeyedContainer() {
        var values: [Tree] = []
        while !list.isAtEnd { values.append(try list.decode(Tree.self)) }
        self = .list(values)
      } else {
        self = .other
      }
    }
  }
}
