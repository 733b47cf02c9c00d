import Foundation
import NIOCore

/// `POST /api/image/gen`.
extension Service {
  func submit(_ request: Request) -> Reply {
    if request.isTooLarge { return Self.refusal(413, onSubmit: true) }
    let form = SubmitForm(body: request.body, contentType: request.headers.first(name: "Content-Type"))
    let written: FaultScript
    do {
      written = try FaultScript.embedded(in: form.prompt ?? "")
    } catch {
      return enter(.json(Envelope.error("failed", detail: "\(error)"), status: 400), form, request)
    }
    guard keyIsGood(request.headers) else { return enter(Self.refusal(401, onSubmit: true), form, request) }
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
      let fault = early == nil ? prompt.faults.take(.submit) ?? store.take(.submit) : nil
      var reply = early == nil ? Self.refusal(for: fault) : .ending(.reset)
      if reply == nil {
        let record = TaskRecord(
          id: "ta" + UUID().uuidString.lowercased(), created: now, final: now + TimeAmount(options.statusDelay),
          createdAt: createdAt,
          picture: PictureRequest(
            form, hash: hash, revision: prompt.tasks, number: number,
            options: options),
          faults: written)
        prompt.tasks += 1
        store.tasks.insert(record, retention: TimeAmount(options.retention))
        store.ledger.accepted(number, taskID: record.id)
        reply = Self.accepted(record.id, fault)
      }
      store.prompts[hash] = prompt
      var answer = reply ?? .html(500)
      answer.ledgerNumber = number
      answer.delay = slow?.number ?? 0
      return answer.applying(early).applying(slow).applying(fault)
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

/// The time of day as the service writes it.
enum Timestamp {
  /// ISO 8601, UTC, with milliseconds.
  static func now() -> String {
    let milliseconds = Int(Date().timeIntervalSince1970 * 1000)
    let days = milliseconds / 86_400_000
    let inDay = milliseconds % 86_400_000
    // Howard Hinnant's civil_from_days: a formatter costs more than the rest of a submit.
    let shifted = days + 719_468
    let era = shifted / 146_097
    let dayOfEra = shifted % 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let month = (5 * dayOfYear + 2) / 153
    let day = dayOfYear - (153 * month + 2) / 5 + 1
    let calendarMonth = month < 10 ? month + 3 : month - 9
    let year = yearOfEra + era * 400 + (calendarMonth <= 2 ? 1 : 0)
    return "\(year)-\(pad(calendarMonth))-\(pad(day))T\(pad(inDay / 3_600_000)):\(pad(inDay / 60_000 % 60)):"
      + "\(pad(inDay / 1000 % 60)).\(inDay % 1000 < 100 ? "0" : "")\(pad(inDay % 1000))Z"
  }

  private static func pad(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
}
