// Writing and reading `promptdrop.status/1`. Written by hand, because the order of the keys is part of the format: what
// a person looks for comes first.

extension StatusSidecar {
  /// The sidecar as JSON, with a final line feed. The same values give the same bytes.
  public func encoded() -> [UInt8] {
    var writer = JSONWriter(pretty: true)
    writer.object { w in
      w.field("schema", Self.schemaName)
      w.field("state", state.rawValue)
      w.field("reason", reason)
      w.field("source", source)
      w.field("job_id", jobID)
      w.key("revision")
      w.integer(revision)
      w.field("owner", owner)
      w.field("prompt_sha256", identity?.prompt)
      w.field("source_sha256", identity?.source)
      w.field("list_sha256", identity?.list)
      w.field("request_sha256", identity?.request)
      writeRequest(&w)
      w.key("attempts")
      w.array(attempts) { $0.attempt($1) }
      w.key("outputs")
      w.array(outputs) { $0.output($1) }
      if !resultURLs.isEmpty {
        w.key("result_urls")
        w.array(resultURLs) { $0.string($1) }
      }
      w.field("service_status", serviceStatus)
      w.field("consumed", consumed)
      w.key("may_have_been_paid_twice")
      w.bool(mayHaveBeenPaidTwice)
      w.key("inputs_changed")
      w.bool(inputsChanged)
      w.key("error")
      w.error(error)
      w.field("next_attempt_at", time: nextAttemptAt)
      w.key("times")
      w.object { w in
        w.field("created_at", time: createdAt)
        w.field("updated_at", time: updatedAt)
        w.field("submitted_at", time: submittedAt)
      }
      w.key("agent")
      w.object { w in
        w.field("version", agentVersion)
        w.field("host", agentHost)
        guard let writer = self.writer else { return }
        w.field("id", writer.id)
        w.field("run", writer.run)
        if let machine = writer.machine { w.field("machine", machine) }
      }
    }
    writer.endLine()
    return writer.finish()
  }

  private func writeRequest(_ w: inout JSONWriter) {
    w.field("model", snapshot?.model)
    w.key("parameters")
    w.object { w in
      guard let snapshot else { return }
      w.field("aspect_ratio", snapshot.aspectRatio)
      w.field("image_size", snapshot.imageSize)
      w.key("count")
      w.integer(count)
      w.key("extra")
      w.value(.object(snapshot.extra))
    }
    w.key("images")
    w.array(snapshot?.images ?? []) { w, image in
      w.object { w in
        if let url = image.url { w.field("url", url) }
        if let path = image.path {
          w.field("path", path)
          w.field("sha256", image.sha256)
          w.key("bytes")
          w.integer(image.bytes)
        }
      }
    }
  }
}

extension JSONWriter {
  /// Writes a field of text, or of `null`.
  public mutating func field(_ name: String, _ text: String?) {
    key(name)
    string(text)
  }

  /// Writes a field of a moment, in its RFC 3339 form, or of `null`.
  public mutating func field(_ name: String, time moment: Timestamp?) {
    key(name)
    time(moment)
  }

  /// Writes a field of a whole number.
  public mutating func field(_ name: String, _ value: Int) {
    key(name)
    integer(value)
  }

  /// Writes an attempt's fields, as the sidecar and the journal have them.
  public mutating func fields(of attempt: Attempt) {
    key("n")
    integer(attempt.n)
    field("attempt_id", attempt.attemptID)
    field("outcome", attempt.outcome.rawValue)
    field("task_id", attempt.taskID)
    field("boot_id", attempt.bootID)
    field("request_sha256", attempt.requestSHA)
    field("callback_secret_sha256", attempt.callbackSHA)
    field("reserved", attempt.reserved)
    field("started_at", time: attempt.startedAt)
    field("ended_at", time: attempt.endedAt)
  }

  fileprivate mutating func attempt(_ entry: StatusSidecar.AttemptEntry) {
    object { w in
      w.key("revision")
      w.integer(entry.revision)
      w.key("slot")
      w.integer(entry.slot)
      w.fields(of: entry.attempt)
    }
  }

  fileprivate mutating func output(_ output: StatusSidecar.OutputEntry) {
    object { w in
      w.field("file", output.file)
      w.field("revision", output.revision)
      w.field("slot", output.slot)
      w.field("sha256", output.sha256)
      w.field("bytes", output.bytes)
      w.field("width", output.width)
      w.field("height", output.height)
      w.field("media_type", output.mediaType)
      if let warning = output.warning { w.field("warning", warning) }
    }
  }

  /// Writes an error as an object, or `null`.
  public mutating func error(_ error: JobError?) {
    guard let error else { return string(nil) }
    object { w in
      w.field("code", error.code.rawValue)
      w.field("message", error.message)
      w.field("hint", error.hint)
      w.key("retryable")
      w.bool(error.retryable)
    }
  }
}

extension StatusSidecar: Decodable {
  private enum Key: String, CodingKey {
    case schema, state, reason, source, revision, owner, model, parameters, images, attempts, outputs, consumed, error
    case times, agent
    case jobID = "job_id"
    case promptSHA = "prompt_sha256"
    case sourceSHA = "source_sha256"
    case listSHA = "list_sha256"
    case requestSHA = "request_sha256"
    case resultURLs = "result_urls"
    case serviceStatus = "service_status"
    case paidTwice = "may_have_been_paid_twice"
    case inputsChanged = "inputs_changed"
    case nextAttemptAt = "next_attempt_at"
  }
  private struct Parameters: Decodable {
    var aspect_ratio: String?, image_size: String?, count: Int, extra: [String: JSONValue]?
  }
  private struct Times: Decodable {
    var created_at: Timestamp, updated_at: Timestamp, submitted_at: Timestamp?
  }
  private struct Agent: Decodable {
    var version: String, host: String, id: String?, run: String?, machine: String?
    var writer: SidecarWriter? {
      id.flatMap { id in run.map { SidecarWriter(id: id, run: $0, machine: machine) } }
    }
  }

  /// Reads a sidecar; throws `DecodingError` on anything that is not one.
  public init(from decoder: any Decoder) throws {
    let box = try decoder.container(keyedBy: Key.self)
    guard try box.decode(String.self, forKey: .schema) == Self.schemaName else {
      throw DecodingError.dataCorruptedError(forKey: .schema, in: box, debugDescription: "another schema")
    }
    state = try box.decode(StateName.self, forKey: .state)
    reason = try box.decodeIfPresent(String.self, forKey: .reason)
    source = try box.decode(String.self, forKey: .source)
    jobID = try box.decode(String.self, forKey: .jobID)
    revision = try box.decode(Int.self, forKey: .revision)
    owner = try box.decodeIfPresent(String.self, forKey: .owner)
    if let prompt = try box.decodeIfPresent(String.self, forKey: .promptSHA) {
      identity = Identity(
        prompt: prompt, source: try box.decode(String.self, forKey: .sourceSHA),
        list: try box.decodeIfPresent(String.self, forKey: .listSHA),
        request: try box.decode(String.self, forKey: .requestSHA))
      let parameters = try box.decode(Parameters.self, forKey: .parameters)
      let images = try box.decode([ImageInput].self, forKey: .images)
      guard images.allSatisfy({ ($0.url == nil) != ($0.path == nil) }) else {
        throw DecodingError.dataCorruptedError(forKey: .images, in: box, debugDescription: "neither URL nor path")
      }
      snapshot = Snapshot(
        prompt: "", model: try box.decode(String.self, forKey: .model), images: images,
        aspectRatio: parameters.aspect_ratio,
        imageSize: parameters.image_size, extra: parameters.extra ?? [:], owner: owner)
      count = parameters.count
    } else {
      (identity, snapshot, count) = (nil, nil, 0)
    }
    attempts = try box.decode([AttemptEntry].self, forKey: .attempts)
    outputs = try box.decode([OutputEntry].self, forKey: .outputs)
    resultURLs = try box.decodeIfPresent([String].self, forKey: .resultURLs) ?? []
    serviceStatus = try box.decodeIfPresent(String.self, forKey: .serviceStatus)
    consumed = try box.decodeIfPresent(String.self, forKey: .consumed)
    mayHaveBeenPaidTwice = try box.decodeIfPresent(Bool.self, forKey: .paidTwice) ?? false
    inputsChanged = try box.decodeIfPresent(Bool.self, forKey: .inputsChanged) ?? false
    error = try box.decodeIfPresent(JobError.self, forKey: .error)
    nextAttemptAt = try box.decodeIfPresent(Timestamp.self, forKey: .nextAttemptAt)
    let times = try box.decode(Times.self, forKey: .times)
    (createdAt, updatedAt, submittedAt) = (times.created_at, times.updated_at, times.submitted_at)
    let agent = try box.decode(Agent.self, forKey: .agent)
    (agentVersion, agentHost, writer) = (agent.version, agent.host, agent.writer)
  }
}

extension StatusSidecar.AttemptEntry: Decodable {
  private enum Key: String, CodingKey { case revision, slot }
  /// Reads an entry of `attempts`.
  public init(from decoder: any Decoder) throws {
    let box = try decoder.container(keyedBy: Key.self)
    revision = try box.decode(Int.self, forKey: .revision)
    slot = try box.decode(Int.self, forKey: .slot)
    attempt = try Attempt(from: decoder)
  }
}
