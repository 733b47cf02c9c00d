import FoundationEssentials
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
      json = body.withUnsafeReadableBytes { Array($0) }
      return
    }
    let fits = body.withUnsafeReadableBytes { split($0, depth: 2) }
    guard fits else { throw TooLarge(limit: Self.limit, isWithoutPictures: true) }
  }

  // JSON that stands in a text, `pictures` being those that were cut out before it.
  private init?(_ json: [UInt8], after pictures: [String], depth: Int) {
    self.pictures = pictures
    let fits = json.withUnsafeBytes { split($0, depth: depth) }
    guard fits else { return nil }
  }

  /// The picture that a text stands for, or the text itself.
  func whole(_ text: String) -> String {
    guard let mark = text.utf8.dropFirst(5).first, mark == 0, let index = Int(text.utf8.dropFirst(6).text),
      pictures.indices.contains(index)
    else { return text }
    return pictures[index]
  }

  private mutating func split(_ bytes: UnsafeRawBufferPointer, depth: Int) -> Bool {
    var at = 0
    while at < bytes.count {
      guard let open = Self.find(0x22, in: bytes, from: at) else { return keep(bytes[at...]) }
      let close = Self.end(of: open + 1, in: bytes)
      guard keep(bytes[at...open]), take(bytes[(open + 1)..<close], depth) else { return false }
      at = close
      if close < bytes.count {
        guard keep(bytes[close...close]) else { return false }
        at = close + 1
      }
    }
    return true
  }

  // A string, without its quotes: one that is large may be a picture, or have one in it.
  private mutating func take(_ content: Slice<UnsafeRawBufferPointer>, _ depth: Int) -> Bool {
    guard content.count >= Self.least else { return keep(content) }
    let head = Self.text(content.prefix(1024)).drop { $0.isWhitespace }
    if head.lowercased().hasPrefix("data:") {
      let text = Self.text(content)
      return cut(text.first?.isWhitespace == true ? text.trimmed : text)
    }
    if PictureText.beginsAsPicture(String(head)) {
      let text = Self.text(content)
      return PictureText.isBase64(text.utf8) ? cut(PictureText.bareHead + text) : keep(content)
    }
    if depth > 0, let first = head.first, "{[\"".contains(first) { return takeNested(content, depth) }
    return keep(content)
  }

  private mutating func cut(_ picture: String) -> Bool {
    pictures.append(picture)
    return keep("\(Self.mark)\(pictures.count - 1)".utf8)
  }

  // JSON within a string: it is read, and written again without its pictures.
  private mutating func takeNested(_ content: Slice<UnsafeRawBufferPointer>, _ depth: Int) -> Bool {
    let quote = [UInt8(ascii: "\"")]
    // What is no string is not read here: it stays as it is, and whoever reads the whole says what is wrong.
    guard let text = try? JSONDecoder().decode(String.self, from: Data(quote + content + quote)),
      let inner = AnswerText(Array(text.utf8), after: pictures, depth: depth - 1),
      inner.pictures.count > pictures.count,
      let written = try? JSONEncoder().encode(String(decoding: inner.json, as: UTF8.self))
    else { return keep(content) }
    pictures = inner.pictures
    return keep(written.dropFirst().dropLast())
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
