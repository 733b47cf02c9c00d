import JobCore

/// What there is to see when `once` looks whether anything is left that it can do. Times are monotonic.
struct OnceJudge {
  /// What it does then.
  enum Verdict {
    /// There is something to do, or to wait for.
    case goOn
    /// It ends like this.
    case end(Ending)
    /// It counts what is left, and ends because of this.
    case conclude(why: String)
  }

  var now: Duration
  /// When it is given up; nil: never.
  var deadline: Duration?
  /// Set while the service takes nothing.
  var closed: ServiceGate.Closed?
  /// Whether refusals are being decided again.
  var isRuling = false
  /// Whether every root was looked through.
  var isScanned = false
  /// Whether files are being examined, or wait for that.
  var isExamining = false, isSettling = false
  /// Whether slots are under way, and whether one of them has a task.
  var isRunning = false, hasTask = false
  /// Whether nothing else is left to be done at once.
  var isIdle = false
  /// When the next submission may begin, where it is held back.
  var heldBackUntil: Duration?
  /// Why nothing begins until a price is known.
  var priceWait: JobError?
  /// Why nothing begins until a picture arrives.
  var pictureWait: JobError?
  /// Whether what was set aside and is free again may make room today.
  var wantsLift = false
  /// When the next of those begins that wait for a time.
  var nextStart: Duration?
  /// What cannot be written.
  var localTrouble: JobError?

  /// What is to be done.
  func verdict() -> Verdict {
    if isRuling { return .goOn }
    if let closed, closed.trouble != .down, isScanned, !isExamining, !hasTask {
      return .end(.service(closed.trouble, closed.error))
    }
    if let deadline, now >= deadline {
      // Why the tasks could not be asked for says more than that time is over.
      if let closed, closed.trouble != .down { return .end(.service(closed.trouble, closed.error)) }
      return .conclude(why: "the time limit is over")
    }
    if isScanned, !isRunning {
      if let heldBackUntil, let deadline, heldBackUntil > deadline {
        return .conclude(why: "the service asks to wait beyond the time limit")
      }
      if let priceWait { return .conclude(why: priceWait.message) }
      // What is late is tried until it is held; then nothing is left that could bring a picture.
      if let pictureWait, !isExamining, !isSettling { return .conclude(why: pictureWait.message) }
    }
    guard isIdle, !wantsLift else { return .goOn }
    guard let nextStart else { return .conclude(why: "files wait for something") }
    if let localTrouble { return .end(.cannotWrite(localTrouble)) }
    guard nextStart > deadline ?? now + RetryPolicy.longestWait / 2 else { return .goOn }
    return .conclude(why: "the next try is later than the time limit")
  }
}
