import Foundation

/// A status sidecar as any script reads it: its JSON, nothing of the program's own types.
struct Sidecar {
  struct Output {
    let file: String
    let sha256: String
    let bytes: Int
    let width: Int
    let height: Int
    let mediaType: String
    let revision: Int
    let slot: Int
  }
  struct Attempt {
    let outcome: String
    let taskID: String?
    let revision: Int
    let slot: Int
  }
  struct Trouble: Error, CustomStringConvertible {
    let description: String
  }

  let text: String
  let state: String
  let reason: String?
  let revision: Int
  let serviceStatus: String?
  let consumed: String?
  let inputsChanged: Bool
  let code: String?
  let message: String?
  let hint: String?
  let nextAttemptAt: String?
  let outputs: [Output]
  let attempts: [Attempt]
  let times: [String: String]
  let agent: [String: String]
  let schema: String
  let jobID: String
  let model: String?
  let images: [[String: String]]

  init(_ bytes: [UInt8]) throws {
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
  var files: [String] { outputs.map(\.file).sorted() }
  /// Whether it says what is wrong, why, and what to do.
  var explains: Bool { [code, message, hint].allSatisfy { $0?.isEmpty == false } }
}
