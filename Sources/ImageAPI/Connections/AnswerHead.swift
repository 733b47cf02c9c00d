import Glibc
import NIOHTTP1

/// The head of an answer: its status, how its body is framed, and those of its fields that somebody reads.
struct AnswerHead: Equatable, Sendable {
  /// 100 to 999.
  var status: Int
  /// Whether the connection can carry another request afterwards.
  var isKept = true
  /// `Content-Length`, in bytes; nil: the head has none.
  var length: Int?
  /// Whether the body comes in chunks.
  var isChunked = false
  /// The fields named in `Field`, in the order in which they came.
  var headers = HTTPHeaders()

  /// What ends the body (RFC 9112 §6.3).
  enum Framing: Equatable { case none, length(Int), chunks, endOfConnection }

  var framing: Framing {
    // Whatever the fields say. Requests with HEAD or CONNECT are not sent.
    if status < 200 || status == 204 || status == 304 { return .none }
    if isChunked { return .chunks }
    return length.map { .length($0) } ?? .endOfConnection
  }
}

// How a head is read. No text is made of a field that nobody reads: an answer has five to twenty of them.
extension AnswerHead {
  /// What is no HTTP/1 answer. What is wrong, for people.
  struct Malformed: Error, Equatable {
    var what: String
    init(_ what: String) { self.what = what }
  }

  /// The fields that are read.
  private enum Field {
    case length, transferEncoding, connection, contentType
    /// Kept as text under this name.
    case text(StaticString)

    private static let all: [(name: StaticString, field: Field)] = [
      ("content-length", .length), ("transfer-encoding", .transferEncoding), ("connection", .connection),
      ("keep-alive", .text("Keep-Alive")), ("retry-after", .text("Retry-After")), ("location", .text("Location")),
      ("content-encoding", .text("Content-Encoding")), ("content-range", .text("Content-Range")),
      ("content-type", .contentType),
    ]

    init?(_ name: UnsafeRawBufferPointer) {
      for (known, field) in Self.all where Bytes.isEqual(name, ignoringCase: known) {
        self = field
        return
      }
      return nil
    }
  }

  /// Reads the head that `bytes` begin with, and tells its length; nil: it is not all there. `searched` is where the search
  /// for its end goes on when there is more, so that one that comes byte by byte is not looked through each time.
  static func read(
    _ bytes: UnsafeRawBufferPointer, searched: inout Int
  ) throws(Malformed) -> (head: AnswerHead, length: Int)? {
    var start = 0
    while start < bytes.count, bytes[start] == 0x0D || bytes[start] == 0x0A { start += 1 }
    let version = UnsafeRawBufferPointer(rebasing: bytes[start...].prefix(7))
    // Another protocol's bytes may have no end of a head.
    guard Bytes.isBeginning(version, of: "HTTP/1.") else { throw Malformed("it begins with something else") }
    searched = max(searched, start)
    guard let end = end(bytes, &searched) else { return nil }
    var reader = LineReader(bytes: UnsafeRawBufferPointer(rebasing: bytes[start..<end]))
    guard let line = reader.next() else { return nil }
    var head = try AnswerHead(statusLine: line)
    // HTTP/1.0 keeps a connection only where it says so.
    var isOld = line[7] == UInt8(ascii: "0")
    var hasTransferEncoding = false
    var isBeforeFold = false
    while let line = reader.next(), !line.isEmpty {
      if line[0] == 0x20 || line[0] == 0x09 {
        // A line that goes on (RFC 9112 §5.2) is passed over together with a field that nobody reads.
        guard isBeforeFold else { throw Malformed("a field is folded") }
        continue
      }
      guard let colon = Bytes.find(UInt8(ascii: ":"), in: line), colon > 0 else {
        throw Malformed("a field has no name")
      }
      let name = UnsafeRawBufferPointer(rebasing: line[..<colon])
      let value = Bytes.trimmed(UnsafeRawBufferPointer(rebasing: line[(colon + 1)...]))
      guard name.allSatisfy({ (0x21...0x7E).contains($0) }) else { throw Malformed("a field's name is none") }
      guard value.allSatisfy({ $0 >= 0x20 && $0 != 0x7F || $0 == 0x09 }) else {
        throw Malformed("a field has control characters")
      }
      let field = Field(name)
      isBeforeFold = field == nil
      switch field {
      case nil: break
      case .length?:
        // Two of them, even if they are the same, are what attacks are made of.
        guard head.length == nil else { throw Malformed("it has two lengths") }
        guard let length = Bytes.decimal(value) else { throw Malformed("its length is no number") }
        head.length = length
      case .transferEncoding?:
        hasTransferEncoding = true
        // The last coding is what counts (RFC 9112 §6.1).
        let last = value.lastIndex(of: UInt8(ascii: ",")).map { value[($0 + 1)...] } ?? value[...]
        let coding = Bytes.trimmed(UnsafeRawBufferPointer(rebasing: last))
        head.isChunked = Bytes.isEqual(coding, ignoringCase: "chunked")
      case .connection?:
        for token in Bytes.tokens(value) {
          if Bytes.isEqual(token, ignoringCase: "close") { head.isKept = false }
          if Bytes.isEqual(token, ignoringCase: "keep-alive") { isOld = false }
        }
      case .contentType?:
        // Every answer has one, and it is asked for only where several parts may be in it.
        if head.status == 206 { head.add("Content-Type", value) }
      case .text(let name)?: head.add(name, value)
      }
    }
    if hasTransferEncoding, head.length != nil { throw Malformed("it has a length, and a transfer coding") }
    if isOld || head.framing == .endOfConnection { head.isKept = false }
    return (head, end)
  }

  private mutating func add(_ name: StaticString, _ value: UnsafeRawBufferPointer) {
    headers.add(name: "\(name)", value: String(decoding: value, as: UTF8.self))
  }

  // `HTTP/1.1 200 OK`; the words for the status may be missing.
  private init(statusLine line: UnsafeRawBufferPointer) throws(Malformed) {
    guard line.count >= 12, Bytes.isDigit(line[7]), line[8] == 0x20, line.count == 12 || line[12] == 0x20,
      let status = Bytes.decimal(UnsafeRawBufferPointer(rebasing: line[9..<12])), status >= 100
    else { throw Malformed("its first line has no status") }
    self.init(status: status)
  }

  // Where the head ends: behind the first empty line.
  private static func end(_ bytes: UnsafeRawBufferPointer, _ from: inout Int) -> Int? {
    while let at = Bytes.find(0x0A, in: bytes, from: from) {
      // Whether the line behind is empty may not be there yet: it is looked at from here again.
      from = at
      guard at + 1 < bytes.count else { return nil }
      if bytes[at + 1] == 0x0A { return at + 2 }
      if bytes[at + 1] == 0x0D {
        guard at + 2 < bytes.count else { return nil }
        if bytes[at + 2] == 0x0A { return at + 3 }
      }
      from = at + 1
    }
    from = bytes.count
    return nil
  }
}

/// Lines that end with LF or CRLF, without their ends.
private struct LineReader {
  let bytes: UnsafeRawBufferPointer
  private var at = 0

  init(bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

  mutating func next() -> UnsafeRawBufferPointer? {
    guard let end = Bytes.find(0x0A, in: bytes, from: at) else { return nil }
    let start = at
    at = end + 1
    let isCRLF = end > start && bytes[end - 1] == 0x0D
    return UnsafeRawBufferPointer(rebasing: bytes[start..<(isCRLF ? end - 1 : end)])
  }
}
