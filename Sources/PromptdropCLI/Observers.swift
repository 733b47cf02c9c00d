import Agent
import Glibc
import JobCore
import Logging
import Synchronization

/// Logs what happens.
final class LogObserver: AgentObserver {
  private let logger: Logger
  private let lowest: Logger.Level
  private let places = Mutex<PlaceNames?>(nil)
  // What was said last of each file that is under way: several pictures of one file must not say it several times.
  private let said = Mutex<[JobID: String]>([:])

  init(logger: Logger) {
    self.logger = logger
    lowest = logger.logLevel
  }

  func willName(_ places: PlaceNames) { self.places.withLock { $0 = places } }

  func changed(_ job: Job) {
    // No word is put together that nobody reads: this is called with each step of each job.
    guard wantsSteps || job.note != nil || job.slots.values.contains(where: \.state.isNotable) else { return }
    let state = job.state
    let (level, words) = Self.words(job, places.withLock { $0 })
    guard level >= lowest else { return }
    let isNews = said.withLock { said in
      guard said[job.id] != words else { return false }
      // What is held may be tried again, and then held again: that is no news.
      said[job.id] = state.isSettled && state != .held ? nil : words
      return true
    }
    guard isNews else { return }
    var fields: Logger.Metadata = [
      "file": "\(job.file.path.display)", "state": "\(state.rawValue)", "job_id": "\(job.id.text)",
    ]
    if let consumed = job.consumed, state == .done { fields["consumed"] = "\(consumed)" }
    logger.log(level: level, "\(job.file.path.display): \(words)", metadata: fields)
  }

  func notice(_ level: NoticeLevel, _ error: JobError) {
    let level: Logger.Level =
      switch level {
      case .info: .info
      case .warning: .warning
      case .error: .error
      }
    logger.log(
      level: level, "\(error.message)\(error.hint.map { " " + $0 } ?? "")", metadata: ["code": "\(error.code)"])
  }

  var wantsSteps: Bool { lowest <= .info }

  var wantsTrace: Bool { lowest == .trace }

  func trace(_ line: String) { logger.trace("\(line)") }

  /// A job's state in words, and how much it matters. `places`: how the prompt is named in commands.
  static func words(_ job: Job, _ places: PlaceNames?) -> (Logger.Level, String) {
    let found = job.note?.error ?? job.currentSlots.lazy.compactMap(\.state.error).first
    let error = found.map { places?.naming(job.file, in: $0) ?? $0 }
    switch job.state {
    case .done:
      let names = job.outputs.filter { $0.slot.revision == job.current && $0.isInPlace }
        .sorted { $0.number < $1.number }.map { DropPath.display($0.file) }
      let cost = job.consumed.map { ", \($0) credits" } ?? ""
      return (.info, "done: \(names.joined(separator: ", "))\(cost)")
    case .failed: return (.warning, "failed: \(error?.message ?? "") \(error?.hint ?? "")")
    case .held: return (.warning, "held: \(error?.message ?? "") \(error?.hint ?? "")")
    case .queued where job.currentSlots.contains { $0.state.blame != nil }:
      return (.warning, "waits: \(error?.message ?? "") \(error?.hint ?? "")")
    case .queued: return (error == nil ? .debug : .info, error.map { "waits: \($0.message)" } ?? "queued")
    case .submitted where error != nil:
      return (.info, "finished, and its picture is late: \(error?.message ?? "")")
    case .submitted:
      return (.info, "at the service: \(job.currentSlots.lazy.compactMap(\.serviceStatus).first ?? "accepted")")
    case .submitting: return (.debug, "being submitted")
    case .fetching where job.currentSlots.contains { $0.state.isLate }: return (.debug, "being fetched again")
    case .fetching: return (.info, "finished, being fetched")
    case .cancelled: return (.info, "cancelled")
    }
  }
}

/// Reports to both.
struct BothObservers: AgentObserver {
  let first: any AgentObserver
  let second: any AgentObserver
  func willName(_ places: PlaceNames) {
    first.willName(places)
    second.willName(places)
  }
  func changed(_ job: Job) {
    first.changed(job)
    second.changed(job)
  }
  func notice(_ level: NoticeLevel, _ error: JobError) {
    first.notice(level, error)
    second.notice(level, error)
  }
  var wantsSteps: Bool { first.wantsSteps || second.wantsSteps }
  var wantsTrace: Bool { first.wantsTrace || second.wantsTrace }
  func trace(_ line: String) {
    if first.wantsTrace { first.trace(line) }
    if second.wantsTrace { second.trace(line) }
  }
}

/// Reports nothing.
struct SilentObserver: AgentObserver {
  var wantsSteps: Bool { false }
  func changed(_ job: Job) {}
  func notice(_ level: NoticeLevel, _ error: JobError) {}
}
