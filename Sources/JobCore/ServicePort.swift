/// A reference image as it is sent.
public enum ReferenceImage: Hashable, Sendable {
  /// Passed on.
  case url(String)
  /// Sent as a data URI.
  case data([UInt8], ImageInfo.Format)
}

/// What a POST carries.
public struct SubmitRequest: Sendable {
  /// The frozen request.
  public var snapshot: Snapshot
  /// The images, in order.
  public var images: [ReferenceImage]
  /// Where the service reports the task's end: this attempt's own URL; nil where no callbacks are received.
  public var callbackURL: String?
  /// Makes one.
  public init(snapshot: Snapshot, images: [ReferenceImage], callbackURL: String? = nil) {
    self.snapshot = snapshot
    self.images = images
    self.callbackURL = callbackURL
  }
}

/// The image service.
public protocol ImageService: Sendable {
  /// Sends one POST, once. Never repeats it. `willSend` is called right before the first byte may leave, with the
  /// connection up; where it says no, nothing is sent. It is called once at most, on any thread, and must not block.
  func submit(_ request: SubmitRequest, willSend: @escaping @Sendable () -> Bool) async -> SubmitOutcome
  /// Asks for a task. `sent`: the reference images that its submission carried, which may come back in the answer and are
  /// not what it made.
  func query(_ taskID: String, sent: [ImageInput]) async -> QueryOutcome
  /// Fetches a result, handing its bytes on as they come; no more than `limit` bytes.
  func fetch(
    _ item: ResultItem, limit: Int, into sink: @Sendable ([UInt8]) async throws(FetchFailure) -> Void
  ) async throws(FetchFailure)
  /// Ends all calls that are under way, each with what is known of it then. Nothing is called afterwards.
  func shutdown() async throws
}

extension ImageService {
  /// Asks for a task whose submission carried no reference images.
  public func query(_ taskID: String) async -> QueryOutcome { await query(taskID, sent: []) }
}

/// Marks that survive the process but not the machine's boot: they prove, after a kill, that not a byte of a request
/// was sent. A mark that is missing proves nothing.
public protocol SendMarks: Sendable {
  /// The attempt is about to be written down. Nothing of it was sent.
  func prepare(_ attemptID: String)
  /// Its first byte may leave from now on. False: that could not be marked, so it must not leave.
  func willSend(_ attemptID: String) -> Bool
  /// Its outcome is written down: the mark is not needed any more.
  func clear(_ attemptID: String)
  /// Whether an earlier process of this boot began the attempt and provably sent nothing of it.
  func wasNotSent(_ attemptID: String) -> Bool
}
