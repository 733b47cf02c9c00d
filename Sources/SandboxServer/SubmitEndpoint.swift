import Foundation
import NIOCore

/// `POST /api/image/gen`.
extension Service {
  func submit(_ request: Request) -> Reply {
    if request.isTooLarge { return Self.refusal(413, onSubmit: true) }
    let form = SubmitForm(body: request.body, contentType: request.headers.first(name: "Content-Type"))
    guard keyIsGood(request.headers) else { return enter(Self.refusal(401, onSubmit: true), form, request) }
    let written: FaultScript
    do {
      written = try FaultScript.embedded(in: form.prompt ?? "")
    } catch {
      return enter(.json(Envelope.error("failed", detail: "\(error)"), status: 400), form, request)
    }
    if let problem = form.problem {
      return enter(.json(Envelope.error("failed", detail: problem), status: 400), form, request)
    }
    let reply = accept(form, request, written)
    if let id = reply.taskID, let callback = form.callback, !callback.isEmpty {
      scheduleWebhook(callback, taskID: id, authority: request.authority)
    }
    return reply
  }

  /// Puts a refused submit into the ledger.
  private func enter(_ reply: Reply, _ form: SubmitForm, _ request: Request) -> Reply {
    var reply = reply
    reply.ledgerNumber = state.withLock { $0.ledger.record(form, request: request, options: options) }
    return reply
  }

  private func accept(_ form: SubmitForm, _ request: Request, _ written: FaultScript) -> Reply {
    let now = NIODeadline.now()
    let hash = Mixer.hash(form.prompt ?? "")
    let createdAt = Timestamp.now()
    return state.withLock { store in
      let number = store.ledger.record(form, request: request, options: options)
      var prompt = store.prompts.use(
        hash, retention: TimeAmount(options.retention), faults: written, now: now)
      let early = prompt.faults.take(.early)
      let slow = prompt.faults.take(.submitDelay) ?? store.take(.submitDelay)
      let encoding = prompt.faults.take(.submitEncoding) ?? store.take(.submitEncoding)
      let fault = early == nil ? prompt.faults.take(.submit) ?? store.take(.submit) : nil
      var answer: Reply
      if early != nil {
        answer = .ending(.reset)
      } else if let refusal = Self.refusal(for: fault) {
        answer = refusal
      } else {
        let record = TaskRecord(
          id: "ta" + UUID().uuidString.lowercased(), created: now, final: now + TimeAmount(options.statusDelay),
          createdAt: createdAt,
          picture: PictureRequest(form, hash: hash, revision: prompt.tasks, number: number, options: options),
          faults: written)
        prompt.tasks += 1
        store.tasks.insert(record, retention: TimeAmount(options.retention))
        store.ledger.accepted(number, taskID: record.id)
        let isSame = fault?.kind == .submitSameTask
        answer = Self.accepted(isSame ? store.lastTask ?? record.id : record.id, fault)
        store.lastTask = record.id
      }
      store.prompts[hash] = prompt
      answer.ledgerNumber = number
      answer.delay = slow?.number ?? 0
      return answer.applying(early).applying(slow).applying(fault).compressed(by: encoding)
    }
  }

  /// The answer of a fault that accepts nothing; `nil` when the task is to be accepted.
  private static func refusal(for fault: Fault?) -> Reply? {
    guard let fault else { return nil }
    switch fault.kind {
    case .submitStatus: return refusal(fault.number, onSubmit: true)
    case .submitHTML: return .html(fault.number)
    case .submitRetryAfter: return tooManyRequests(retryAfter: fault.argument)
    case .submitCode: return .json(Envelope.error(fault.argument ?? "failed"))
    case .submitRefused: return .json(Envelope.error("failed", detail: fault.argument), status: 400)
    case .submitForbidden: return .json(Envelope.error("failed", detail: fault.argument), status: 403)
    case .submitRedirect:
      var reply = Reply.html(307)
      reply.headers = [("Location", fault.argument ?? "/")]
      return reply
    default: return nil
    }
  }

  private static func accepted(_ id: String, _ fault: Fault?) -> Reply {
    var reply: Reply
    switch fault?.kind {
    case .submitNoAnswer: reply = .ending(.close)
    case .submitReset: reply = .ending(.reset)
    case .submitHang: reply = .ending(.hang)
    case .submitAccept500: reply = refusal(500, onSubmit: true)
    case .submitGarbage: reply = .json(ByteBuffer(string: "<<<upstream says hello, and no more"))
    default:
      var body = ByteBufferAllocator().buffer(capacity: 96)
      body.writeString("{\"code\":0,\"message\":\"ok\",\"data\":{\"task_id\":\"")
      body.writeString(id)
      body.writeString("\"}}")
      reply = .json(body)
    }
    reply.taskID = id
    return reply
  }
}
