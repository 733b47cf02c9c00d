/// What a user is shown about something that went wrong: what, why, and what to do.
public struct JobError: Hashable, Codable, Sendable {
  /// A stable, machine-readable word such as `front-matter-unknown-key`.
  public var code: ErrorCode
  /// What happened, one sentence.
  public var message: String
  /// What the user can do about it; nil where nothing needs doing.
  public var hint: String?
  /// Whether promptdrop goes on by itself.
  public var retryable: Bool

  /// Makes an error.
  public init(code: ErrorCode, message: String, hint: String? = nil, retryable: Bool = false) {
    self.code = code
    self.message = message
    self.hint = hint
    self.retryable = retryable
  }
}

extension JobError {
  /// Whether it is about the machine as a whole, and not about a file or its permissions: it ends without the file being
  /// touched.
  public var isOfMachine: Bool { code.subject == .machine || code.subject == .root }
  /// Whether it is about a place that is not there: nothing can be done there before it is back.
  public var isOfPlace: Bool { code.subject == .place || code.subject == .root }
  /// Whether the whole disk takes nothing: it is full, or mounted read-only.
  public var isOfDisk: Bool { code.subject == .disk }
  /// Whether it is about a file beside the prompt: the prompt's own stamp says nothing about when it is over.
  public var isOfCompanion: Bool { code.subject == .companion }
  /// Whether it is about a folder that is not this agent's, or may not be: nothing is written there.
  public var isOfOwner: Bool { code.subject == .owner }
  /// Whether it says that the folder, or a part of it, is not this agent's to take: nothing is wrong with the file.
  public var isOfFolder: Bool { isOfOwner || code.subject == .leftOut }

  /// The same as the reason why nothing is submitted at present.
  public var whileDown: JobError {
    JobError(
      code: code, message: message,
      hint: "promptdrop asks the service from time to time, and goes on by itself when it answers.", retryable: true)
  }
}

/// A failure of the service or of the way to it, sorted by its consequence for a job. The fourth consequence, a submit
/// whose fate nobody knows, is a case of `SubmitOutcome`, so that no other call can have it.
public struct Failure: Error, Hashable, Sendable {
  /// The consequence.
  public enum Consequence: Hashable, Sendable {
    /// Goes away by itself: try again, not before `retryAfter` where the service named a time.
    case transient(retryAfter: Duration?)
    /// This job is wrong and stays wrong until its text changes.
    case permanent
    /// Refused in words that may be about this job or about the account: what other prompts meet shows which. It waits.
    case unclear
    /// Nothing is wrong with the job: the key, the account, the address or the whole service is. Submitting stops.
    case service(ServiceTrouble)
  }

  /// The consequence.
  public var consequence: Consequence
  /// What the user is shown.
  public var error: JobError

  /// Makes a failure.
  public init(_ consequence: Consequence, _ error: JobError) {
    self.consequence = consequence
    self.error = error
  }
}

/// What stops all submissions, and so what ends the stop.
public enum ServiceTrouble: String, Hashable, Codable, Sendable {
  /// 401: the key is refused. Over when a query is let in.
  case unauthorized
  /// 402, a whole phrase about credits or a suspended account, or several prompts refused in a row. Only a submit can tell
  /// that it is over; a refused one is free.
  case account
  /// The address has no such endpoint: the base URL is wrong. Over when a query is understood.
  case wrongAddress = "wrong-address"
  /// 5xx on a submit: the service is down. Over when a query is answered.
  case down
}

/// What became of one POST. The API has no idempotency key, so the third case exists.
public enum SubmitOutcome: Hashable, Sendable {
  /// 2xx with a task id: accepted and paid for.
  case accepted(taskID: String)
  /// 2xx with the id of a task that belongs to another submission: accepted or not, nobody knows.
  case taskOfAnother(JobError)
  /// A documented refusal, or a request that provably never left: not paid for. `reached`: whether the service saw it.
  case notAccepted(Failure, reached: Bool)
  /// Timeout, reset, 5xx, an answer that cannot be read: accepted or not, nobody knows. `serviceDown`: further submits
  /// would likely end the same way.
  case unknown(JobError, serviceDown: Bool)
}

extension SubmitOutcome {
  /// What it says of the service as a whole, and why nothing more is submitted for now. A 5xx or a lost answer says that it
  /// is down: an outage must hold a handful of jobs, not thousands.
  public var serviceTrouble: (ServiceTrouble, JobError)? {
    switch self {
    case .unknown(let error, serviceDown: true): (.down, error.whileDown)
    case .notAccepted(let failure, _):
      if case .service(let trouble) = failure.consequence { (trouble, failure.error) } else { nil }
    case .accepted, .taskOfAnother, .unknown: nil
    }
  }
}

/// What a query says of a task.
public struct TaskReport: Hashable, Sendable {
  /// How far the task is.
  public enum Phase: Hashable, Sendable {
    /// Not final. Also for every word that this version does not know.
    case running
    /// Finished, with what it made: pictures, words, or both. Empty: the service says that it made nothing (`[]`).
    case succeeded([ResultItem])
    /// Finished, and the result is null, or missing, or has nothing in it: not there yet, or never.
    case withoutResult
    /// Finished, with a result that this version does not understand: there may be a picture in it.
    case notUnderstood(OddResult)
    /// The service gave up, in its words.
    case failed(String)
  }
  /// How far it is.
  public var phase: Phase
  /// The service's own word.
  public var status: String
  /// Credits used, the service's decimal string, exact.
  public var consumed: String?

  /// Makes a report.
  public init(phase: Phase, status: String, consumed: String?) {
    self.phase = phase
    self.status = status
    self.consumed = consumed
  }
}

extension TaskReport.Phase {
  /// Whether it ended with something that may be a picture.
  public var mayHavePicture: Bool {
    switch self {
    case .succeeded, .withoutResult, .notUnderstood: true
    case .running, .failed: false
    }
  }
}

/// One thing that a task made.
public enum ResultItem: Hashable, Sendable {
  /// An image to fetch.
  case url(String)
  /// An image that came with the answer, as a data URI. Too large for the journal, which keeps `inlineElsewhere`.
  case inline(dataURI: String)
  /// An inline image that has to be asked for again, after a restart.
  case inlineElsewhere
  /// The model answered in words.
  case text(String)
}

/// What became of a query.
public enum QueryOutcome: Hashable, Sendable {
  /// The service knows the task.
  case report(TaskReport)
  /// 404 "task not found": not yet, or lost.
  case notFound
  /// An answer came, and it says nothing of this task: it names another one, or cannot be read. This says nothing of the
  /// service as a whole.
  case unusable(JobError)
  /// No usable answer. Never a reason to submit again.
  case failed(Failure)
}

/// Why an image could not be fetched or put in place.
public enum FetchFailure: Error, Hashable, Sendable {
  /// What the URL leads to is not the picture: a query gives a new URL.
  case expired(JobError)
  /// The network, the host of the image or a short read: again later.
  case transient(JobError, retryAfter: Duration?)
  /// An image of a known format came whole, and is damaged: again later; the same bytes again are what was made.
  case damaged(Damage, JobError)
  /// Nothing that time mends: the URL must not be fetched, or the picture is larger than allowed.
  case unusable(JobError)
  /// The disk or the folder: nothing is wrong with the picture.
  case local(JobError)

  /// What the user is shown.
  public var error: JobError {
    switch self {
    case .expired(let error), .transient(let error, _), .damaged(_, let error), .unusable(let error), .local(let error):
      error
    }
  }
}
