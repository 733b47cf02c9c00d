/// A result that is not understood. It may hold a picture that is paid for.
public struct OddResult: Hashable, Sendable {
  /// What is odd about it, to follow "The task succeeded, but": "its result has no picture …".
  public var why: String
  /// The whole answer, without secrets; no larger than the limit of an answer.
  public var answer: [UInt8]
  /// Where the answer is kept, in words that follow a sentence; nil: it was not put anywhere yet.
  public var whereKept: String?

  /// Makes one.
  public init(why: String, answer: [UInt8], whereKept: String? = nil) {
    self.why = why
    self.answer = answer
    self.whereKept = whereKept
  }
}

extension OddResult: CustomStringConvertible {
  /// Never the answer: it may have megabytes.
  public var description: String { "(not understood: \(why))" }
}

extension Held {
  /// Holds a slot whose result is not understood.
  init(_ odd: OddResult, of task: TaskRef) {
    let reason = HeldReason.paidNotUnderstood
    let error = JobError(
      code: .held(reason),
      message: "The task succeeded, but \(odd.why)." + (odd.whereKept.map { " \($0)" } ?? ""),
      hint:
        "It is paid for; its task id is \(task.taskID). Look into the answer: a picture may be in it. "
        + Slot.retryOrResolve("ask for it again, at no cost"))
    self.init(reason: reason, error: error, task: task)
  }
}

extension JobError {
  /// Whether its task succeeded, and made no picture: the service may have been paid for that.
  public var isNoPicture: Bool { code == .noPicture }

  /// What is said where a task made no picture, and perhaps words.
  static func noPicture(_ results: [ResultItem]) -> JobError {
    let words = results.compactMap { if case .text(let text) = $0 { text } else { nil } }.joined(separator: " ")
    let message =
      words.isEmpty
      ? "The task succeeded, but the service returned no picture."
      : "The model answered in words instead of a picture: \(words.prefix(500))"
    return JobError(
      code: .noPicture, message: message,
      hint: "Change the text so that it asks for a picture more clearly: a changed text is submitted again.")
  }
}
