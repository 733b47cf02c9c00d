import JobCore

/// The memory that the reference images of all requests may take at once: eight requests with four large photographs each
/// would take more than a small machine has. A request that is larger than all of it goes alone.
struct ReferenceRoom {
  /// In bytes.
  static let capacity = 67_108_864

  private var shares: [SlotKey: Int] = [:]
  private var used = 0
  private var waiting: [(key: SlotKey, bytes: Int, continuation: CheckedContinuation<Void, Never>)] = []

  /// Whether there is room now, and nobody before.
  mutating func take(_ bytes: Int, for key: SlotKey) -> Bool {
    guard waiting.isEmpty, used == 0 || used + bytes <= Self.capacity else { return false }
    give(bytes, to: key)
    return true
  }

  mutating func wait(_ bytes: Int, for key: SlotKey, _ continuation: CheckedContinuation<Void, Never>) {
    waiting.append((key, bytes, continuation))
  }

  /// The slot's share is free again, and those who waited for it go on.
  mutating func giveBack(_ key: SlotKey) {
    guard let share = shares.removeValue(forKey: key) else { return }
    used -= share
    while let first = waiting.first, used == 0 || used + first.bytes <= Self.capacity {
      waiting.removeFirst()
      give(first.bytes, to: first.key)
      first.continuation.resume()
    }
  }

  private mutating func give(_ bytes: Int, to key: SlotKey) {
    used += bytes - (shares.updateValue(bytes, forKey: key) ?? 0)
  }
}

extension Pipeline {
  /// Returns once the images of this request may be read: whether it had to wait for that. Others use its permit for a
  /// request meanwhile.
  func takeReferenceRoom(for key: SlotKey, _ job: Job) async -> Bool {
    let images = job.revisions[key.revision]?.snapshot.images ?? []
    let bytes = images.reduce(0) { $0 + ($1.path == nil ? 0 : $1.bytes ?? 0) }
    guard bytes > 0, !referenceRoom.take(bytes, for: key) else { return false }
    releasePermit()
    pump()
    await withCheckedContinuation { referenceRoom.wait(bytes, for: key, $0) }
    await permit()
    return true
  }

  func giveReferenceRoomBack(_ key: SlotKey) { referenceRoom.giveBack(key) }
}
