import JobCore

/// A job that is being worked on, as the pipeline has it in hand.
final class ActiveJob {
  var job: Job
  /// Slots of it that are under way.
  var running: Set<SlotKey> = []
  /// Requests that are ready to be sent.
  var requests: [SlotKey: SubmitRequest] = [:]
  /// When its sidecar was last written, monotonic.
  var sidecarWrittenAt: Duration?
  /// Whether its sidecar says less than is known.
  var sidecarIsStale = false
  /// Whether a delayed write of the sidecar is on the agenda.
  var sidecarIsDue = false

  private var isLocked = false
  private var waiting: [CheckedContinuation<Void, Never>] = []

  init(_ job: Job) { self.job = job }

  /// One writer of the job's files at a time: its slots run side by side.
  func lock(isolation: isolated (any Actor)? = #isolation) async {
    if isLocked {
      await withCheckedContinuation { waiting.append($0) }
    } else {
      isLocked = true
    }
  }

  func unlock() {
    if waiting.isEmpty {
      isLocked = false
    } else {
      waiting.removeFirst().resume()
    }
  }
}
