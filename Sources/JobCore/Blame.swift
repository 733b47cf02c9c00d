/// Whose a refusal is that a slot waits with, as long as its words do not say.
public enum Blame: String, Hashable, Codable, Sendable {
  /// The prompt's own, or the account's: it shows when another prompt, submitted after it was refused, is accepted.
  case unclear
  /// The account's: several prompts were refused, with none accepted between. It is tried again when one is accepted.
  case account
}

/// One POST, as what is learned from its outcome needs it.
public struct Submission: Hashable, Sendable {
  /// The attempt's id.
  public let attemptID: String
  /// The slot that it is for.
  public let slot: SlotKey
  /// The hash of the prompt's text: several pictures of one text are one prompt.
  public let prompt: String

  /// Names a POST.
  public init(attemptID: String, slot: SlotKey, prompt: String) {
    self.attemptID = attemptID
    self.slot = slot
    self.prompt = prompt
  }
}

extension JobError {
  /// A refusal that may be the prompt's own or the account's. `words`: the service's.
  public static func unclearRefusal(_ words: String) -> JobError {
    JobError(
      code: .refusalUnclear, message: "The service refused it: \(words)",
      hint:
        "The reason may be this prompt or the account; promptdrop knows when another prompt is accepted. Until then it "
        + "tries this one again at growing intervals. To try it now, run `promptdrop retry FILE`. A changed text is "
        + "submitted again. Nothing was paid.",
      retryable: true)
  }

  /// The same, now that it is known to be about the prompt.
  public var asOwnRefusal: JobError {
    JobError(
      code: .refused, message: message,
      hint:
        "Another prompt was accepted after this one was refused, so the reason is this prompt. Change its text: a changed "
        + "text is submitted again. Nothing was paid.")
  }
}

extension SlotState {
  /// Whose the refusal is that it waits with, if it does.
  public var blame: Blame? { if case .queued(let queued) = self { queued.blame } else { nil } }
}
