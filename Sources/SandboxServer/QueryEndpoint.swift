import NIOCore

/// `GET /api/task/query?task_id=`.
extension Service {
  func query(_ request: Request) -> Outcome {
    guard keyIsGood(request.headers) else {
      state.withLock { $0.counters.queries += 1 }
      return .now(Self.refusal(401, onSubmit: false))
    }
    guard let id = request.parameter("task_id"), !id.isEmpty else {
      state.withLock { $0.counters.queries += 1 }
      return .now(.json(Envelope.error("failed", detail: "task_id is required"), status: 400))
    }
    let found = state.withLock { store in
      store.counters.queries += 1
      return look(up: id, in: &store)
    }
    switch found {
    case .reply(let reply): return .now(reply)
    case .task(let view, let reply):
      guard view.needsPicture else { return .now(reply.with(view.answer(authority: request.authority, pictures: []))) }
      return .later(
        pictures.pngs(view.picture, count: view.images, on: eventLoop).map { pngs in
          reply.with(view.answer(authority: request.authority, pictures: pngs))
        })
    }
  }

  private enum Found: Sendable {
    case reply(Reply)
    /// The task, and the reply that wants only its body.
    case task(TaskView, Reply)
  }

  private func look(up id: String, in store: inout SandboxState.Store) -> Found {
    let slow = store.take(.queryDelay, task: id)
    var reply = Reply.json(ByteBuffer()).applying(slow).compressed(by: store.take(.queryEncoding, task: id))
    reply.delay = slow?.number ?? 0
    reply.taskID = id
    let record = store.tasks[id]
    if record?.isLost == true { return .reply(reply.with(Self.refusal(404, onSubmit: false))) }
    let fault = store.take(.query, task: id) { fault in
      switch fault.kind {
      case .queryNotFound: record.map { $0.notFoundServed < fault.remaining ?? .max } ?? false
      case .queryNoResult:
        record.map { $0.final <= .now() && $0.noResultServed < fault.remaining ?? .max } ?? false
      case .queryLost, .queryUnknownStatus, .queryOtherTask: record != nil
      default: true
      }
    }
    reply = reply.applying(fault)
    if fault?.kind == .queryNotFound { store.tasks[id]?.notFoundServed += 1 }
    if fault?.kind == .queryNoResult { store.tasks[id]?.noResultServed += 1 }
    if fault?.kind == .queryLost { store.tasks[id]?.isLost = true }
    if let fault, let answer = Self.queryAnswer(of: fault) { return .reply(reply.with(answer)) }
    guard var view = view(of: id, in: &store) else {
      return .reply(reply.with(Self.refusal(404, onSubmit: false)))
    }
    if fault?.kind == .queryUnknownStatus { view.status = .other(fault?.argument ?? "unknown") }
    if fault?.kind == .queryNoResult { view.shape = .null }
    let shape = store.take(.statusShape, task: id)
    view.reasonIsString = shape != nil
    if fault?.kind == .queryOtherTask { view.answersAs = "ta-of-another-\(id.suffix(12))" }
    if fault?.kind == .queryCut { reply.body = .half(ByteBuffer()) }
    return .task(view, reply.applying(shape).applying(view.settledBy))
  }

  /// The answer of a fault that does not look at the task.
  private static func queryAnswer(of fault: Fault) -> Reply? {
    switch fault.kind {
    case .queryStatus: refusal(fault.number, onSubmit: false)
    case .queryHTML: .html(fault.number)
    case .queryRetryAfter: tooManyRequests(retryAfter: fault.argument)
    case .queryNotFound, .queryLost: refusal(404, onSubmit: false)
    case .queryGarbage: .json(ByteBuffer(string: "{\"code\":0,\"message\":\"ok\",\"data\":{\"task_"))
    case .queryReset: .ending(.reset)
    case .queryHang: .ending(.hang)
    default: nil
    }
  }

  /// The task as it is now; its end is settled here when it has come.
  func view(of id: String, in store: inout SandboxState.Store) -> TaskView? {
    guard let record = store.tasks[id] else { return nil }
    var view = TaskView(record, consumed: options.consumed, now: .now())
    guard view.isFinal else { return view }
    if let end = record.end {
      view.settle(end)
    } else {
      let fault = store.take(.outcome, task: id)
      let end = Self.end(fault, options)
      store.tasks[id]?.end = end
      view.settle(end)
      view.settledBy = fault
    }
    return view
  }

  private static func end(_ fault: Fault?, _ options: SandboxOptions) -> TaskEnd {
    let images = max(1, options.imagesPerTask)
    switch fault?.kind {
    case .taskFailed: return .failed(fault?.argument ?? "failed")
    case .resultImages: return .success(options.resultShape, images: fault?.number ?? images)
    default: return .success(fault.flatMap(shape) ?? options.resultShape, images: images)
    }
  }

  private static func shape(of fault: Fault) -> ResultShape? {
    switch fault.kind {
    case .resultText: .text(fault.argument ?? "")
    case .resultEmpty: .empty
    case .resultNull: .null
    case .resultObject: .object
    case .resultString: .string
    case .resultDataURI: .dataURI
    case .resultMissing: .missing
    case .resultKey: .key(fault.argument ?? "image")
    case .resultJSONString: .jsonString
    case .resultNullElement: .nullElement
    case .resultBlanks: .blanks
    case .resultRelative: .relative
    case .resultBase64: .base64
    case .resultPreview: .preview
    case .resultTwo: .two
    case .resultOdd: .odd
    default: nil
    }
  }
}

extension Reply {
  /// This reply's delay, task and faults with another's answer; a body already meant to be halved stays so.
  fileprivate func with(_ answer: Reply) -> Reply {
    var reply = answer
    reply.delay = delay
    reply.taskID = taskID
    reply.faults = faults
    reply.compression = compression
    if case .half = body, case .whole(let bytes) = answer.body { reply.body = .half(bytes) }
    return reply
  }

  fileprivate func with(_ body: ByteBuffer) -> Reply { with(.json(body)) }
}
