import Foundation
import Glibc
import JobCore

/// The program's own output, unbuffered: what is said is there, also when the process is killed next.
enum Output {
  /// Standard output.
  static func print(_ text: String) { write(text, to: 1) }
  /// Standard error.
  static func complain(_ text: String) { write(text, to: 2) }

  /// One line for people. What the service or a file says in it must not move the cursor or look like another line.
  static func plain(_ line: String) -> String { DropPath.display(Array(line.utf8)) }

  /// A value as readable JSON, keys sorted, with a final line feed.
  static func json(_ value: some Encodable) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(value), as: UTF8.self) + "\n"
  }

  // A stream that is gone has nobody left to tell, so a failure ends the writing and nothing else.
  private static func write(_ text: String, to descriptor: Int32) {
    var bytes = Array(text.utf8)[...]
    while !bytes.isEmpty {
      let written = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
      if written < 0 && errno != EINTR { return }
      bytes = bytes.dropFirst(max(0, written))
    }
  }
}
