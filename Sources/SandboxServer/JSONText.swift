import NIOCore

/// JSON written by hand: the answers are few and small, and a benchmark asks for thousands a second.
extension ByteBuffer {
  /// Writes `text` as a JSON string with its quotes.
  mutating func writeJSON(_ text: String) {
    writeInteger(UInt8(ascii: "\""))
    if text.utf8.contains(where: { $0 < 0x20 || $0 == 0x22 || $0 == 0x5C }) {
      for byte in text.utf8 {
        switch byte {
        case 0x22, 0x5C:
          writeInteger(UInt8(ascii: "\\"))
          writeInteger(byte)
        case 0x0A: writeString("\\n")
        case 0..<0x20: writeString("\\u00" + (byte < 16 ? "0" : "") + String(byte, radix: 16))
        default: writeInteger(byte)
        }
      }
    } else {
      writeString(text)
    }
    writeInteger(UInt8(ascii: "\""))
  }

  /// Writes `text` as a JSON string, or `null`.
  mutating func writeJSON(_ text: String?) {
    if let text { writeJSON(text) } else { writeString("null") }
  }
}

/// The envelopes of the contract that carry no data.
enum Envelope {
  static func error(code: Int = 1, _ message: String, detail: String? = nil) -> ByteBuffer {
    var body = ByteBuffer()
    body.writeString("{\"code\":\(code),\"message\":")
    body.writeJSON(message)
    if let detail {
      body.writeString(",\"detail\":")
      body.writeJSON(detail)
    }
    body.writeString("}")
    return body
  }

  static func html(_ status: Int) -> ByteBuffer {
    ByteBuffer(
      string: """
        <!DOCTYPE html>
        <html><head><title>\(status)</title></head>
        <body><center><h1>\(status)</h1></center><hr><center>sandbox</center></body></html>

        """)
  }
}
