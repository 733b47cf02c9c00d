import Foundation
import Glibc
import JobCore
import Logging

/// Writes log lines to standard error: text with a time, text with a priority for journald, or JSON.
struct LogOutput: LogHandler {
  /// The form of a line.
  enum Form: Sendable {
    case text
    /// No time (journald has its own), and `<n>` before the line as sd-daemon(3) says.
    case journal
    case json
  }

  let form: Form
  var logLevel: Logger.Level
  var metadata: Logger.Metadata = [:]

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) {
    let fields = metadata.merging(event.metadata ?? [:]) { $1 }.sorted { $0.key < $1.key }
    var line: String
    switch form {
    case .json:
      var writer = JSONWriter()
      writer.object { w in
        w.field("time", Self.now)
        w.field("level", event.level.rawValue)
        w.field("message", "\(event.message)")
        for (name, value) in fields { w.field(name, "\(value)") }
      }
      line = String(decoding: writer.bytes, as: UTF8.self)
    case .text, .journal:
      line = Output.plain("\(event.message)")
      line = form == .journal ? "<\(Self.priority(event.level))>\(line)" : "\(Self.now) \(event.level) \(line)"
    }
    Output.complain(line + "\n")
  }

  private static var now: String {
    Timestamp(milliseconds: Int64(Date().timeIntervalSince1970 * 1000)).rfc3339
  }

  private static func priority(_ level: Logger.Level) -> Int {
    switch level {
    case .trace, .debug: 7
    case .info: 6
    case .notice: 5
    case .warning: 4
    case .error: 3
    case .critical: 2
    }
  }

  /// Whether standard error goes to journald: it tells by the device and inode of the stream.
  static var isUnderJournal: Bool {
    guard let stream = ProcessInfo.processInfo.environment["JOURNAL_STREAM"] else { return false }
    var status = stat()
    return fstat(2, &status) == 0 && stream == "\(status.st_dev):\(status.st_ino)"
  }
}
