import Foundation

/// A status sidecar as any script reads it: its JSON, nothing of the program's own types.
public struct Sidecar: Sendable {
  /// A picture.
  public struct Output: Sendable {
    /// Its name beside the prompt.
    public let file: String
    /// The hash of its bytes, hexadecimal.
    public let sha256: String
    /// Its size.
    public let bytes: Int
    /// In pixels.
    public let width: Int
    /// In pixels.
    public let height: Int
    /// Such as `image/png`.
    public let mediaType: String
    /// Of the prompt, from 1.
    public let revision: Int
    /// Counts from 1.
    public let slot: Int
  }
  /// A submission.
  public struct Attempt: Sendable {
    /// Such as `accepted`; see the README.
    public let outcome: String
    /// What the service called it, if it was accepted.
    public let taskID: String?
    /// Of the prompt, from 1.
    public let revision: Int
    /// Counts from 1.
    public let slot: Int
  }
  /// Why it cannot be read.
  public struct Trouble: Error, CustomStringConvertible {
    /// What is wrong with it.
    public let description: String
  }

  /// All of it.
  public let text: String
  /// The field `state`.
  public let state: String
  /// The field `reason`.
  public let reason: String?
  /// The field `revision`.
  public let revision: Int
  /// The field `service_status`.
  public let serviceStatus: String?
  /// The field `consumed`.
  public let consumed: String?
  /// The field `inputs_changed`.
  public let inputsChanged: Bool
  /// The field `may_have_been_paid_twice`.
  public let mayHaveBeenPaidTwice: Bool
  /// The field `error.code`.
  public let code: String?
  /// The field `error.message`.
  public let message: String?
  /// The field `error.hint`.
  public let hint: String?
  /// The field `next_attempt_at`.
  public let nextAttemptAt: String?
  /// The field `outputs`.
  public let outputs: [Output]
  /// The field `attempts`.
  public let attempts: [Attempt]
  /// The field `times`.
  public let times: [String: String]
  /// The field `agent`.
  public let agent: [String: String]
  /// The field `schema`.
  public let schema: String
  /// The field `job_id`.
  public let jobID: String
  /// The field `model`.
  public let model: String?
  /// The field `images`.
  public let images: [[String: String]]

  /// Reads a sidecar's bytes. Throws `Trouble`, or the JSON reader's error.
  public init(_ bytes: [UInt8]) throws {
    text = String(decoding: bytes, as: UTF8.self)
    guard let top = try JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any] else {
      throw Trouble(description: "not an object: \(text)")
    }
    func word(_ value: Any?) -> String? { value as? String }
    guard let state = word(top["state"]), let schema = word(top["schema"]), let jobID = word(top["job_id"]),
      let revision = top["revision"] as? Int, let outputs = top["outputs"] as? [[String: Any]],
      let attempts = top["attempts"] as? [[String: Any]]
    else { throw Trouble(description: "something is missing: \(text)") }
    (self.state, self.schema, self.jobID, self.revision) = (state, schema, jobID, revision)
    reason = word(top["reason"])
    serviceStatus = word(top["service_status"])
    consumed = word(top["consumed"])
    inputsChanged = top["inputs_changed"] as? Bool ?? false
    mayHaveBeenPaidTwice = top["may_have_been_paid_twice"] as? Bool ?? false
    let error = top["error"] as? [String: Any]
    (code, message, hint) = (word(error?["code"]), word(error?["message"]), word(error?["hint"]))
    nextAttemptAt = word(top["next_attempt_at"])
    model = word(top["model"])
    times = (top["times"] as? [String: Any] ?? [:]).compactMapValues { $0 as? String }
    agent = (top["agent"] as? [String: Any] ?? [:]).compactMapValues { $0 as? String }
    images = (top["images"] as? [[String: Any]] ?? []).map { $0.compactMapValues { value in value as? String } }
    self.outputs = outputs.map { output in
      Output(
        file: word(output["file"]) ?? "", sha256: word(output["sha256"]) ?? "", bytes: output["bytes"] as? Int ?? -1,
        width: output["width"] as? Int ?? -1, height: output["height"] as? Int ?? -1,
        mediaType: word(output["media_type"]) ?? "", revision: output["revision"] as? Int ?? -1,
        slot: output["slot"] as? Int ?? -1)
    }
    self.attempts = attempts.map { attempt in
      Attempt(
        outcome: word(attempt["outcome"]) ?? "", taskID: word(attempt["task_id"]),
        revision: attempt["revision"] as? Int ?? -1, slot: attempt["slot"] as? Int ?? -1)
    }
  }

  /// The files of the pictures, sorted.
  public var files: [String] { outputs.map(\.file).sorted() }
  /// Whether it says what is wrong, why, and what to do.
  public var explains: Bool { [code, message, hint].allSatisfy { $0?.isEmpty == false } }
}
