/// One submission that was begun.
public struct Attempt: Hashable, Codable, Sendable {
  /// What became of it.
  public enum Outcome: String, Codable, Sendable {
    /// The intent is written down; the request may be on its way.
    case begun
    /// The service accepted it.
    case accepted
    /// The service refused it: not paid.
    case refused
    /// The service refused it, for a reason that was the account's and not the prompt's: not paid, and tried once more.
    case refusedForAccount = "refused-for-account"
    /// The request provably never left.
    case notSent = "not-sent"
    /// Nobody knows.
    case unknown
  }

  /// From 1, over all attempts of the slot.
  public var n: Int
  /// Unique to the attempt.
  public var attemptID: String
  /// What became of it.
  public var outcome: Outcome
  /// The task's id, once known.
  public var taskID: String?
  /// The boot of the machine that it was made in: `/proc/sys/kernel/random/boot_id`.
  public var bootID: String
  /// When the intent was written down.
  public var startedAt: Timestamp
  /// When the answer was heard.
  public var endedAt: Timestamp?
  /// The hash of what was sent, SHA-256, hexadecimal.
  public var requestSHA: String?
  /// SHA-256 of the secret in the attempt's own callback URL, hexadecimal; nil where none was given. The secret itself
  /// is only in the request: who reads a journal or a sidecar cannot forge a callback.
  public var callbackSHA: String?
  /// Credits set aside for it, decimal; nil: nobody knew the price.
  public var reserved: String?

  /// Begins an attempt.
  public init(n: Int, attemptID: String, bootID: String, startedAt: Timestamp) {
    self.n = n
    self.attemptID = attemptID
    self.outcome = .begun
    self.bootID = bootID
    self.startedAt = startedAt
  }

  enum CodingKeys: String, CodingKey {
    case n, outcome
    case attemptID = "attempt_id"
    case taskID = "task_id"
    case bootID = "boot_id"
    case startedAt = "started_at"
    case endedAt = "ended_at"
    case requestSHA = "request_sha256"
    case callbackSHA = "callback_secret_sha256"
    case reserved
  }
}
