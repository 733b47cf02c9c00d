import JobCore
import NIOCore

// What the answer to a query says of the task that it was about.
extension ResponseClassifier {
  func queried(_ answer: Exchange.Answer, of asked: ResultReading.Asked = .init()) -> QueryOutcome {
    switch answer.status {
    case 200..<300: answered(answer, asked)
    case 401: .failed(unauthorized())
    case 402, 403: .failed(trouble(.queryRefused, "The service answers queries with HTTP \(answer.status)."))
    case 404: saysNotFound(answer) ? .notFound : .failed(wrongAddress(404))
    case 300..<400, 405, 410: .failed(wrongAddress(answer.status))
    case 429: .failed(tooMany(answer))
    default:
      .failed(
        trouble(.serviceError(status: answer.status), "The service answers queries with HTTP \(answer.status).", answer)
      )
    }
  }

  private func saysNotFound(_ answer: Exchange.Answer) -> Bool {
    if case .success(let read) = Wire.task(from: answer.body) { isNotFound(read.envelope.texts) } else { false }
  }

  private func answered(_ answer: Exchange.Answer, _ asked: ResultReading.Asked) -> QueryOutcome {
    if let why = answer.unreadable {
      return .unusable(unusable("The service's answer to a query cannot be decoded: \(why)."))
    }
    switch Wire.task(from: answer.body) {
    case .success(let read):
      guard let task = read.envelope.payload else { return withoutTask(read.envelope) }
      if let wanted = asked.taskID, let named = task.taskID, named != wanted {
        return .unusable(
          unusable(
            "promptdrop asked about the task \(scrub(wanted)), and the service answered about another one, \(scrub(named)).",
            code: .answerOfAnother))
      }
      return .report(report(task, read.text, answer, asked))
    case .failure(let error as TooLarge): return .failed(tooLarge("\(error)"))
    case .failure:
      let message = "The service's answer to a query is not the documented JSON."
      // A page, or no answer at all, is not about this task: somebody else speaks for the service.
      let isObject = answer.body.readableBytesView.first { ![9, 10, 13, 32].contains($0) } == UInt8(ascii: "{")
      return isObject ? .unusable(unusable(message)) : .failed(trouble(.queryUnreadable, message))
    }
  }

  private func withoutTask(_ envelope: Wire.Envelope<Wire.Task>) -> QueryOutcome {
    if isNotFound(envelope.texts) { return .notFound }
    if envelope.code == 401 { return .failed(unauthorized()) }
    if envelope.code == 0 { return .unusable(unusable("The service's answer to a query says nothing of the task.")) }
    return .failed(trouble(.queryRefused, "The service answered the query with: \(scrub(envelope.words))"))
  }

  private func report(
    _ task: Wire.Task, _ text: AnswerText, _ answer: Exchange.Answer, _ asked: ResultReading.Asked
  ) -> TaskReport {
    TaskReport(
      phase: phase(task, text, answer, asked), status: scrub(task.status),
      consumed: task.consumed.map(scrub.callAsFunction))
  }

  private func phase(
    _ task: Wire.Task, _ text: AnswerText, _ answer: Exchange.Answer, _ asked: ResultReading.Asked
  ) -> TaskReport.Phase {
    switch task.status {
    case "failed": return .failed(scrub(task.reason ?? "no reason given"))
    case "success": break
    // A word that is not known means: not final.
    default: return .running
    }
    switch task.read(ResultReading(asked: asked, whole: text.whole)) {
    case .items(let items):
      return .succeeded(items.map { item in if case .text(let words) = item { .text(scrub(words)) } else { item } })
    case .nothing: return .withoutResult
    case .notUnderstood(let why):
      return .notUnderstood(OddResult(why: why, answer: scrub(Array(answer.body.readableBytesView))))
    }
  }

  // Not a trouble of the service's: it answers, and other tasks may be answered as they should.
  private func unusable(_ message: String, code: ErrorCode = .queryUnreadable) -> JobError {
    JobError(code: code, message: message, hint: "promptdrop asks again by itself.", retryable: true)
  }
}
