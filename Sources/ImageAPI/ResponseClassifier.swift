import Foundation
import JobCore
import NIOCore
import NIOHTTP1

/// Sorts what came back from the service, or did not, by its consequence.
struct ResponseClassifier {
  /// For `Retry-After` given as a date.
  var now: Timestamp
  /// Applied to all words of the service's.
  var scrub = Scrubbing()
  /// What refusals are read with.
  var refusals = RefusalWords()

  // MARK: submit

  func submitted(_ answer: Exchange.Answer) -> SubmitOutcome {
    switch answer.status {
    case 200..<300:
      if let why = answer.unreadable { return garbled("it cannot be decoded: \(why)") }
      switch Wire.accepted(from: answer.body) {
      case .success(let envelope):
        let id = envelope.payload?.task_id ?? ""
        // An id goes into URLs, logs and sidecars.
        guard id.utf8.count <= 200, id.utf8.allSatisfy({ $0 > 32 && $0 < 127 }), !scrub.finds(in: id) else {
          return garbled("its task id is not valid")
        }
        if envelope.code == 0, !id.isEmpty { return .accepted(taskID: id) }
        // A no with a task id may have been accepted all the same.
        if envelope.code != 0, !id.isEmpty { return garbled("it has an error and the task \(id.prefix(80))") }
        if envelope.code != 0 { return .notAccepted(refusal(envelope, answer), reached: true) }
        return garbled("it has no task id")
      case .failure: return garbled("it is not the documented JSON")
      }
    // A no with a task id may have been accepted all the same, whatever its status is.
    case 300..<500 where namesTask(answer): return garbled("it has HTTP \(answer.status) and a task")
    case 300..<400, 404, 405, 410:
      return .notAccepted(wrongAddress(answer.status), reached: true)
    case 401: return .notAccepted(unauthorized(), reached: true)
    case 402: return .notAccepted(account(texts(of: answer).first ?? "HTTP 402"), reached: true)
    case 413: return .notAccepted(tooLargeToSend(texts(of: answer).first ?? "HTTP 413"), reached: true)
    case 429: return .notAccepted(tooMany(answer), reached: true)
    // 408 and 499 come from proxies that gave up on somebody: whether on us or on the service behind them is not said.
    case 408, 499, 500...:
      return .unknown(
        JobError(
          code: .serviceError(status: answer.status),
          message: "The service answered HTTP \(answer.status) to the submission; it may have accepted it all the same."
        ),
        serviceDown: true)
    default:
      guard case .success(let envelope) = Wire.accepted(from: answer.body) else {
        return .notAccepted(unclear("HTTP \(answer.status)"), reached: true)
      }
      return .notAccepted(refusal(envelope, answer), reached: true)
    }
  }

  func submitBroke(_ broken: Exchange.Broken) -> SubmitOutcome {
    let why = Self.explain(broken.underlying)
    if broken.permit == .given {
      return .unknown(
        JobError(
          code: .answerLost, message: "The answer to the submission was lost: \(why). The service may have accepted it."
        ),
        serviceDown: true)
    }
    if broken.permit == .calledOff {
      return .notAccepted(
        Failure(
          .transient(retryAfter: nil),
          JobError(
            code: .calledOff, message: "The submission was called off before it was sent.",
            hint: "promptdrop tries again by itself.", retryable: true)), reached: false)
    }
    return .notAccepted(
      Failure(
        .transient(retryAfter: nil),
        JobError(
          code: .notReached, message: "The service could not be reached: \(why). Nothing was sent.",
          hint: "Check the network and api-url. promptdrop tries again by itself.", retryable: true)), reached: false)
  }

  private func namesTask(_ answer: Exchange.Answer) -> Bool {
    guard answer.unreadable == nil, case .success(let envelope) = Wire.accepted(from: answer.body)
    else { return false }
    return envelope.payload?.task_id.isEmpty == false
  }

  private func garbled(_ what: String) -> SubmitOutcome {
    .unknown(
      JobError(
        code: .answerUnreadable, message: "The service may have accepted it, but its answer cannot be read: \(what)."),
      serviceDown: false)
  }

  // Who is meant: the key and the account by documented codes and whole phrases, the prompt by the service's own no with
  // status 200 and by the documented words. Any other refusal may be about either, or be a gateway's page.
  private func refusal(_ envelope: Wire.Envelope<Wire.Accepted>, _ answer: Exchange.Answer) -> Failure {
    let texts = envelope.texts.map(scrub.callAsFunction)
    let words = texts.first ?? (answer.status < 300 ? "no reason given" : "HTTP \(answer.status)")
    switch envelope.code {
    case 401: return unauthorized()
    case 402: return account(words)
    case 429: return tooMany(answer)
    default: break
    }
    let mayBeAccounts = answer.status < 300 || answer.status == 400 || answer.status == 403
    if mayBeAccounts, let words = texts.first(where: refusals.speakOfAccount) { return account(words) }
    let isPrompts = answer.status < 300 || answer.status != 403 && texts.contains(where: refusals.speakOfPrompt)
    guard isPrompts else { return unclear(words) }
    return Failure(
      .permanent,
      JobError(
        code: .refused, message: "The service refused it: \(words)",
        hint: "Change the text of the prompt: a changed text is submitted again. Nothing was paid."))
  }

  private func unclear(_ words: String) -> Failure { Failure(.unclear, .unclearRefusal(words)) }

  private func tooLargeToSend(_ words: String) -> Failure {
    Failure(
      .permanent,
      JobError(
        code: .requestTooLarge, message: "The service finds the request too large: \(words)",
        hint: "Use smaller reference images, then run `promptdrop retry FILE`. Nothing was paid."))
  }

  // MARK: query

  func queryBroke(_ error: any Error) -> QueryOutcome {
    // A page of a gateway's may be of any size; an answer of the service's will be as large the next time.
    if let error = error as? TooLarge, error.isAnswer { return .failed(tooLarge("\(error)")) }
    let code: ErrorCode = error is NoRoom ? .memoryTaken : .notReached
    return .failed(trouble(code, "The service could not be asked: \(Self.explain(error))."))
  }

  func tooLarge(_ why: String) -> Failure {
    Failure(
      .permanent,
      JobError(
        code: .answerTooLarge, message: "The service's answer about the task cannot be used: \(why).",
        hint: "It is paid for. The service's own list of tasks may show the picture."))
  }

  // Not any "not found": a gateway's own page says that of a path.
  func isNotFound(_ texts: [String]) -> Bool {
    texts.contains { $0.lowercased().contains("task") && $0.lowercased().contains("not found") }
  }

  func trouble(_ code: ErrorCode, _ message: String, _ answer: Exchange.Answer? = nil) -> Failure {
    Failure(
      .transient(retryAfter: answer.flatMap { retryAfter($0.headers) }),
      JobError(code: code, message: message, hint: "promptdrop asks again by itself.", retryable: true))
  }

  // MARK: common

  func unauthorized() -> Failure {
    Failure(
      .service(.unauthorized),
      JobError(
        code: .keyRefused, message: "The service refuses the API key.",
        hint: "Provide a valid key (--api-key-file or PROMPTDROP_API_KEY), and restart promptdrop.", retryable: true)
    )
  }

  private func account(_ words: String) -> Failure {
    Failure(
      .service(.account),
      JobError(
        code: .account, message: "The service accepts no submissions from this account: \(words)",
        hint: "Check the account's credits and state at the service. promptdrop goes on by itself.", retryable: true))
  }

  func wrongAddress(_ status: Int) -> Failure {
    Failure(
      .service(.wrongAddress),
      JobError(
        code: .wrongAddress, message: "There is no image API at this address (HTTP \(status)).",
        hint: "Correct --api-url, and restart promptdrop.", retryable: true))
  }

  func tooMany(_ answer: Exchange.Answer) -> Failure {
    Failure(
      .transient(retryAfter: retryAfter(answer.headers)),
      JobError(
        code: .rateLimited, message: "The service asks for fewer requests.",
        hint: "promptdrop sends it again by itself.",
        retryable: true))
  }

  private func texts(of answer: Exchange.Answer) -> [String] {
    if case .success(let envelope) = Wire.accepted(from: answer.body) {
      return envelope.texts.map(scrub.callAsFunction)
    }
    return ["HTTP \(answer.status)"]
  }

  /// Seconds, or an HTTP date (RFC 9110 §10.2.3).
  func retryAfter(_ headers: HTTPHeaders) -> Duration? {
    guard let value = headers.first(name: "Retry-After")?.trimmingCharacters(in: .whitespaces), !value.isEmpty else {
      return nil
    }
    let year = 31_536_000
    if let seconds = Int(value) { return .seconds(min(max(seconds, 0), year)) }
    return HTTPDate.parse(value).map { min(max(.zero, $0 - now), .seconds(year)) }
  }

  static func explain(_ error: any Error) -> String {
    error is NoRoom ? "other answers take all the memory for pictures at the moment" : ConnectionTrouble.words(error)
  }
}
