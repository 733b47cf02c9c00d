import JobCore

// Jobs in hand and slots under way, as the rest of the pipeline takes and leaves them.
extension Pipeline {
  /// Has a job in hand while `body` works on it. Nil: the journal does not know it.
  @discardableResult
  func withJob<T>(_ id: JobID, _ body: (ActiveJob) async throws -> T) async throws -> T? {
    guard let lease = try await jobs.lease(id) else { return nil }
    let result = try await body(lease.job)
    lease.release()
    return result
  }

  /// Nothing came of having the slot in hand: one that was waiting for its turn still is.
  func letBe(_ key: SlotKey) {
    guard !isFollowed(key) else { return }
    let isQueued = jobs.slot(key)?.state.name == .queued
    leave(key)
    if isQueued { requeued(notBefore: nil) }
  }

  /// Whether somebody made a task of the slot, or is about to, and follows that: it stays under way.
  func isFollowed(_ key: SlotKey) -> Bool {
    guard let state = jobs.slot(key)?.state.name else { return false }
    return state != .queued && !state.isSettled
  }

  /// The slot is no longer under way.
  func leave(_ key: SlotKey) {
    if let entry = jobs[key.job] { dropRequest(key, entry) }
    queries.forget(key)
    jobs.leave(key)
    liftWhenIdle()
  }
}
