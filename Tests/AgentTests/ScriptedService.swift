import JobCore
import Synchronization
import TestKit

/// The image service, in memory, by a script. It keeps the ledger: which prompts it accepted, and how often.
final class ScriptedService: ImageService {
  /// What it does with a POST.
  enum Reply: Sendable {
    /// Accepts it; as the task named, or as a new one.
    case accept(as: String? = nil)
    /// The answer is lost, or says 5xx; whether it was accepted all the same.
    case lost(accepted: Bool = false)
    /// The answer cannot be read: nothing is wrong with the service as a whole.
    case garbled(accepted: Bool = false)
    /// Says no.
    case refuse(Failure)
    /// Cannot be reached: nothing is sent.
    case unreachable
    /// Waits for `release`, the request sent, or still connecting.
    case hang(sent: Bool = true)
  }
  struct Post: Sendable {
    var prompt: String
    /// How many reference images.
    var images: Int
    var at: Duration
    var day: Int64
    var secret: String?
  }
  struct MadeTask: Sendable {
    var id: String
    var prompt: String
    var number: Int
    var madeAt: Duration
    var takes: Duration
  }

  private struct State {
    var reply: @Sendable (Post, Int) -> Reply = { _, _ in .accept() }
    var query: (@Sendable (String, MadeTask?) -> QueryOutcome?)?
    var fetchFailure: (@Sendable (String) -> FetchFailure?)?
    var bytes: (@Sendable (MadeTask, Int) -> [UInt8]?)?
    var duration: Duration = .zero
    var price: String? = "0.5"
    var posts: [Post] = []
    var calls: [String: Int] = [:]
    var tasks: [String: MadeTask] = [:]
    var queries: [(id: String, at: Duration)] = []
    var fetches: [(id: String, at: Duration)] = []
    var hanging: [(prompt: String, isSent: Bool, continuation: CheckedContinuation<Reply, Never>)] = []
  }
  private let state = Mutex(State())
  private let clock: ManualClock
  private let records: Records
  private let activity = Mutex<Activity?>(nil)

  init(_ clock: ManualClock, _ records: Records) { (self.clock, self.records) = (clock, records) }

  /// The process that is being served.
  func serve(_ process: Activity) { activity.withLock { $0 = process } }

  // MARK: the script

  /// What becomes of POSTs, given the how-manieth call for its prompt each is, from 1. Nil: all are accepted.
  func onSubmit(_ reply: (@Sendable (Post, Int) -> Reply)?) {
    state.withLock { $0.reply = reply ?? { _, _ in .accept() } }
  }
  /// What queries are answered with; nil: the truth.
  func onQuery(_ answer: (@Sendable (String, MadeTask?) -> QueryOutcome?)?) { state.withLock { $0.query = answer } }
  /// Which fetches fail; nil: none.
  func onFetch(_ failure: (@Sendable (String) -> FetchFailure?)?) { state.withLock { $0.fetchFailure = failure } }
  /// What comes instead of a task's picture, given how often it was fetched with this; nil: the picture.
  func onPicture(_ bytes: (@Sendable (MadeTask, Int) -> [UInt8]?)?) { state.withLock { $0.bytes = bytes } }
  /// How long a task takes that is made from now on.
  func tasksTake(_ duration: Duration) { state.withLock { $0.duration = duration } }
  /// What one costs, as a query tells.
  func costs(_ price: String?) { state.withLock { $0.price = price } }

  /// The POST of this prompt that hangs goes on like this.
  func release(_ prompt: String? = nil, _ reply: Reply) {
    let freed = state.withLock { state in
      let freed = state.hanging.filter { prompt == nil || $0.prompt == prompt }
      state.hanging.removeAll { prompt == nil || $0.prompt == prompt }
      return freed
    }
    for hanging in freed { hanging.continuation.resume(returning: reply) }
  }
  /// Every POST that hangs ends, with what is known of it.
  func shutdown() {
    let freed = state.withLock { state in
      defer { state.hanging = [] }
      return state.hanging
    }
    for hanging in freed { hanging.continuation.resume(returning: hanging.isSent ? .lost() : .unreachable) }
  }
  var hanging: Int { state.withLock { $0.hanging.count } }

  // MARK: the ledger

  var posts: [Post] { state.withLock { $0.posts } }
  func posts(_ prompt: String) -> [Post] { posts.filter { $0.prompt == prompt } }
  var queries: [(id: String, at: Duration)] { state.withLock { $0.queries } }
  func queries(_ id: String) -> Int { queries.count { $0.id == id } }
  var fetches: [(id: String, at: Duration)] { state.withLock { $0.fetches } }
  var tasks: [MadeTask] { state.withLock { $0.tasks.values.sorted { $0.number < $1.number } } }
  func task(_ prompt: String) -> MadeTask? { tasks.last { $0.prompt == prompt } }
  /// Prompts that were accepted more than once.
  var paidTwice: Set<String> {
    Set(Dictionary(grouping: tasks, by: \.prompt).filter { $0.value.count > 1 }.keys)
  }

  /// A task that nobody's answer told of.
  @discardableResult
  func make(_ prompt: String, as id: String? = nil) -> String {
    state.withLock { state in
      let number = state.tasks.count + 1
      let id = id ?? "ta-\(number)"
      state.tasks[id] = MadeTask(id: id, prompt: prompt, number: number, madeAt: clock.monotonic, takes: state.duration)
      return id
    }
  }

  // MARK: the port

  func submit(_ request: SubmitRequest, willSend: @escaping @Sendable () -> Bool) async -> SubmitOutcome {
    let process = activity.withLock { $0 }
    await process?.livingOnly()
    process?.enter()
    let prompt = request.snapshot.prompt
    let post = Post(
      prompt: prompt, images: request.images.count, at: clock.monotonic, day: clock.wallClock.milliseconds / 86_400_000,
      secret: request.callbackURL.flatMap { $0.split(separator: "/").last.map(String.init) })
    var reply = state.withLock { state in
      state.calls[prompt, default: 0] += 1
      return state.reply(post, state.calls[prompt] ?? 1)
    }
    var isSent = false
    func send() -> Bool {
      if isSent { return true }
      guard willSend() else { return false }
      isSent = true
      records.post(prompt)
      state.withLock { $0.posts.append(post) }
      return true
    }
    if case .hang(let isSending) = reply {
      if isSending { _ = send() }
      process?.leave()
      reply = await withCheckedContinuation { continuation in
        state.withLock { $0.hanging.append((prompt, isSending, continuation)) }
        process?.changed()
      }
      await process?.livingOnly()
      process?.enter()
    }
    let outcome: SubmitOutcome
    if case .unreachable = reply {
      outcome = .notAccepted(Self.notReached, reached: false)
    } else if send() {
      outcome = answer(reply, prompt)
    } else {
      outcome = .notAccepted(Self.notReached, reached: false)
    }
    process?.leave()
    await process?.livingOnly()
    return outcome
  }

  private func answer(_ reply: Reply, _ prompt: String) -> SubmitOutcome {
    switch reply {
    case .accept(let id): return .accepted(taskID: make(prompt, as: id))
    case .lost(let isAccepted):
      if isAccepted { make(prompt) }
      return .unknown(JobError(code: "service-error-502", message: "The service answered HTTP 502."), serviceDown: true)
    case .garbled(let isAccepted):
      if isAccepted { make(prompt) }
      return .unknown(JobError(code: "answer-unreadable", message: "The answer cannot be read."), serviceDown: false)
    case .refuse(let failure): return .notAccepted(failure, reached: true)
    case .unreachable: return .notAccepted(Self.notReached, reached: false)
    case .hang:
      records.violation("a script let a POST hang twice")
      return .notAccepted(Self.notReached, reached: false)
    }
  }

  static let notReached = Failure(
    .transient(retryAfter: nil), JobError(code: "not-reached", message: "Nothing was sent.", retryable: true))
  static func rateLimited(_ after: Duration?) -> Failure {
    Failure(.transient(retryAfter: after), JobError(code: "rate-limited", message: "Fewer.", retryable: true))
  }
  static let serverError = Failure(
    .transient(retryAfter: nil), JobError(code: "service-error-503", message: "HTTP 503.", retryable: true))
  static func stopped(_ trouble: ServiceTrouble) -> Failure {
    Failure(
      .service(trouble), JobError(code: ErrorCode(rawValue: trouble.rawValue), message: "Not now.", retryable: true))
  }
  static func unclear(_ words: String = "Forbidden.") -> Failure { Failure(.unclear, .unclearRefusal(words)) }
  static func refused(_ words: String = "No such thing.") -> Failure {
    Failure(.permanent, JobError(code: "refused", message: words))
  }

  func query(_ taskID: String, sent: [ImageInput]) async -> QueryOutcome {
    let process = activity.withLock { $0 }
    await process?.livingOnly()
    process?.changed()
    return state.withLock { state in
      state.queries.append((taskID, clock.monotonic))
      let task = state.tasks[taskID]
      if let answer = state.query?(taskID, task) { return answer }
      guard let task else { return .notFound }
      guard clock.monotonic >= task.madeAt + task.takes else {
        return .report(TaskReport(phase: .running, status: "in_progress", consumed: nil))
      }
      return .report(Self.success(taskID, state.price))
    }
  }

  static func success(_ taskID: String, _ price: String?) -> TaskReport {
    TaskReport(phase: .succeeded([.url("https://pictures.example/\(taskID)")]), status: "success", consumed: price)
  }

  func fetch(
    _ item: ResultItem, limit: Int, into sink: @Sendable ([UInt8]) async throws(FetchFailure) -> Void
  ) async throws(FetchFailure) {
    let process = activity.withLock { $0 }
    await process?.livingOnly()
    guard case .url(let url) = item, let id = url.split(separator: "/").last.map(String.init) else {
      throw .unusable(JobError(code: "script", message: "Only URLs."))
    }
    let (failure, number, bytes) = state.withLock { state in
      state.fetches.append((id, clock.monotonic))
      let count = state.fetches.count { $0.id == id }
      let bytes = state.tasks[id].flatMap { state.bytes?($0, count) }
      return (state.fetchFailure?(id), state.tasks[id]?.number ?? 0, bytes)
    }
    if let failure { throw failure }
    try await sink(bytes ?? Self.picture(number))
  }

  /// The picture that the number-th task made.
  static func picture(_ number: Int) -> [UInt8] {
    SmallPNG.square([UInt8(truncatingIfNeeded: number), UInt8(truncatingIfNeeded: number >> 8), 77])
  }
}
