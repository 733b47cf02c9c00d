import Glibc
import NIOCore

/// An answer taken apart: its JSON without the pictures in it, and the pictures.
///
/// A JSON reader keeps about twelve times the size of what it reads where that is made of small values, and copies what
/// is large. So the pictures are cut out before, and what is left has a limit of its own.
struct AnswerText {
  /// What may be left without the pictures, in bytes.
  static let limit = 1_048_576
  /// Data URIs of this many bytes and more are cut out.
  static let least = 16_384
  // A NUL cannot stand in JSON text, and in a data URI it means nothing.
  private static let mark = "data:\\u0000"

  var json: [UInt8] = []
  var pictures: [String] = []

  /// Throws `TooLarge` for what is too large without its pictures.
  init(_ body: ByteBuffer) throws(TooLarge) {
    guard body.readableBytes > Self.least else {
      json = Array(body.readableBytesView)
      return
    }
    let fits = body.withUnsafeReadableBytes { split($0) }
    guard fits else { throw TooLarge(limit: Self.limit, isWithoutPictures: true) }
  }

  /// The picture that a text stands for, or the text itself.
  func whole(_ text: String) -> String {
    guard let mark = text.utf8.dropFirst(5).first, mark == 0, let index = Int(text.utf8.dropFirst(6).text),
      pictures.indices.contains(index)
    else { return text }
    return pictures[index]
  }

  private mutating func split(_ bytes: UnsafeRawBufferPointer) -> Bool {
    var at = 0
    while at < bytes.count {
      guard let open = Self.find(0x22, in: bytes, from: at) else { return keep(bytes[at...]) }
      let close = Self.end(of: open + 1, in: bytes)
      let content = bytes[(open + 1)..<close]
      if content.count >= Self.least, content.prefix(5).map({ $0 | 0x20 }) == Array("data:".utf8) {
        guard keep(bytes[at...open]), keep("\(Self.mark)\(pictures.count)".utf8) else { return false }
        pictures.append(Self.text(content))
        at = close
        guard close < bytes.count else { return true }
        guard keep(bytes[close...close]) else { return false }
        at = close + 1
      } else {
        let next = min(close + 1, bytes.count)
        guard keep(bytes[at..<next]) else { return false }
        at = next
      }
    }
    return true
  }

  private mutating func keep(_ part: some Collection<UInt8>) -> Bool {
    guard json.count + part.count <= Self.limit else { return false }
    json += part
    return true
  }

  private static func find(_ byte: Int32, in bytes: UnsafeRawBufferPointer, from start: Int) -> Int? {
    guard start < bytes.count, let base = bytes.baseAddress else { return nil }
    return memchr(base + start, byte, bytes.count - start).map { UnsafeRawPointer($0) - base }
  }

  // The quote that ends a string: one with an even number of backslashes before it; else the end of all.
  private static func end(of start: Int, in bytes: UnsafeRawBufferPointer) -> Int {
    var from = start
    while let quote = find(0x22, in: bytes, from: from) {
      var before = quote
      while before > start, bytes[before - 1] == 0x5C { before -= 1 }
      if (quote - before) % 2 == 0 { return quote }
      from = quote + 1
    }
    return bytes.count
  }

  // Some writers escape "/", some "+" and "=": `\/`, `\u002B`; some break base64 into lines. What an escape stands for
  // that is no character of a data URI becomes white space, which its decoder skips.
  private static func text(_ content: Slice<UnsafeRawBufferPointer>) -> String {
    let raw = UnsafeRawBufferPointer(rebasing: content)
    guard find(0x5C, in: raw, from: 0) != nil else { return String(decoding: raw, as: UTF8.self) }
    return String(unsafeUninitializedCapacity: raw.count) { target in
      var (at, count) = (0, 0)
      while at < raw.count {
        var byte = raw[at]
        at += 1
        if byte == 0x5C, at < raw.count {
          byte = raw[at]
          at += 1
          if byte == UInt8(ascii: "u") {
            let digits = raw[at..<min(at + 4, raw.count)]
            byte = UInt8(String(decoding: digits, as: UTF8.self), radix: 16) ?? UInt8(ascii: "?")
            at += digits.count
          } else if byte != UInt8(ascii: "/"), byte != UInt8(ascii: "\\"), byte != UInt8(ascii: "\"") {
            byte = UInt8(ascii: " ")
          }
        }
        target[count] = byte < 0x80 ? byte : UInt8(ascii: "?")
        count += 1
      }
      return count
    }
  }
}

extension Sequence<UInt8> {
  fileprivate var text: String { String(decoding: Array(self), as: UTF8.self) }
}
