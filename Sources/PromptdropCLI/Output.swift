import Foundation
import Glibc
import JobCore
import Synchronization

/// The program's own output, unbuffered: what is said is there, also when the process is killed next.
enum Output {
  /// Standard output. What cannot be written is remembered: see `failure`.
  static func print(_ text: String) {
    let isTerminal = isTerminal
    if let error = write(text, to: 1), error != EIO || !isTerminal { lost.withLock { $0 = $0 ?? error } }
  }
  /// Standard error. Where it is gone there is nobody left to tell.
  static func complain(_ text: String) { _ = write(text, to: 2) }

  private static let lost = Mutex<Int32?>(nil)
  // Found out with the first output: one that was closed is none any more.
  private static let isTerminal = isatty(1) == 1

  /// Why something could not be written to standard output, for people; nil where all of it was. A reader that has gone, as
  /// `head` does once it has seen enough, and a terminal that was closed are no failures.
  static var failure: String? {
    lost.withLock { $0 }.map { "Standard output cannot be written: \(String(cString: strerror($0)))." }
  }

  /// One line for people. What the service or a file says in it must not move the cursor or look like another line.
  static func plain(_ line: String) -> String { DropPath.display(Array(line.utf8)) }

  /// A value as readable JSON, keys sorted, with a final line feed.
  static func json(_ value: some Encodable) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(value), as: UTF8.self) + "\n"
  }

  // The error that ended the writing; nil: none that anybody has to know of.
  private static func write(_ text: String, to descriptor: Int32) -> Int32? {
    var bytes = Array(text.utf8)[...]
    while !bytes.isEmpty {
      let written = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
      if written < 0 && errno != EINTR { return errno == EPIPE ? nil : errno }
      bytes = bytes.dropFirst(max(0, written))
    }
    return nil
  }
}
