import Foundation

/// One submit the sandbox received in full, whatever became of it.
public struct LedgerEntry: Sendable {
  /// Counts from 1, in the order the bodies were complete.
  public let number: Int
  /// When its body was complete.
  public let receivedAt: ContinuousClock.Instant
  /// The body as received; empty when ``SandboxOptions/keepBodies`` is off.
  public internal(set) var body: Data
  /// The size of the body in bytes, also when it was not kept.
  public let bodySize: Int
  /// `model` of the body, when that was JSON and had one.
  public let model: String?
  /// `prompt` of the body.
  public let prompt: String?
  /// `images` of the body; empty when bodies are not kept, for they can be data URIs of megabytes.
  public internal(set) var images: [String]
  /// The HTTP status that was sent; `nil`: none (yet), or the connection was cut.
  public internal(set) var status: Int?
  /// The id of the task that was accepted, and so is paid for; `nil`: refused.
  public internal(set) var taskID: String?
  /// Whether an `Authorization` header came with it.
  public let hasAuthorization: Bool
  /// The names of the request's headers as received, in order; never their values.
  public let headerNames: [String]
}

/// What a ``Sandbox`` has counted since it was made.
public struct SandboxCounters: Sendable, Equatable {
  /// Requests to `/api/task/query`.
  public internal(set) var queries = 0
  /// Requests to `/images/…`.
  public internal(set) var fetches = 0
  /// Fetches of a picture that carried an `Authorization` header: the key went to where it does not belong.
  public internal(set) var leakedKeys = 0
  /// Webhooks that were answered with 2xx.
  public internal(set) var webhooks = 0
}
