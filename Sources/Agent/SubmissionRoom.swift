import JobCore

/// What a submission takes from others, from its start until it is sent or turns out not to be: one of the requests at
/// once, and the memory that its reference images need. It is given back with the last reference to it, at the latest.
final class SubmissionRoom {
  private var request: AsyncSemaphore.Permit?
  private var references: AsyncSemaphore.Permit?

  /// The reference images of all requests may take this much memory at once, in bytes: eight requests with four large
  /// photographs each would take more than a small machine has. A request that is larger than all of it goes alone.
  static let referenceBytes = 67_108_864

  init(_ request: consuming AsyncSemaphore.Permit) { self.request = consume request }

  /// Gives everything back.
  func release() {
    request = nil
    references = nil
  }

  /// Waits for the memory for so many bytes: whether it had to. Others use its place for a request meanwhile.
  func takeReferences(
    _ bytes: Int, from room: AsyncSemaphore, requests: AsyncSemaphore, whileWaiting: () -> Void
  ) async -> Bool {
    guard bytes > 0 else { return false }
    if let permit = room.tryAcquire(bytes) {
      references = consume permit
      return false
    }
    request = nil
    whileWaiting()
    references = await room.acquire(bytes)
    request = await requests.acquire()
    return true
  }
}

extension Job {
  /// How many bytes the reference images of a slot's request take, in its root.
  func referenceBytes(_ key: SlotKey) -> Int {
    let images = revisions[key.revision]?.snapshot.images ?? []
    return images.reduce(0) { $0 + ($1.path == nil ? 0 : $1.bytes ?? 0) }
  }
}
