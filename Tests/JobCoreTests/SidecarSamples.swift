import JobCore
import TestKit

extension SplitMix64 {
  mutating func timestamp() -> Timestamp {
    Timestamp(milliseconds: Int64.random(in: 0..<253_402_300_800_000, using: &self))
  }

  private mutating func image() -> ImageInput {
    percent(50)
      ? ImageInput(url: "https://images.example/\(text(upTo: 4))")
      : ImageInput(path: text(upTo: 6), sha256: "ab12", bytes: Int.random(in: 0...9_000_000, using: &self))
  }

  private mutating func snapshot() -> Snapshot {
    Snapshot(
      prompt: text(upTo: 20), model: text(upTo: 5),
      images: (0..<Int.random(in: 0...4, using: &self)).map { _ in image() }, aspectRatio: optional { _ in "16:9" },
      imageSize: optional { _ in "2k" }, extra: fields(depth: 2),
      owner: optional { $0.text(upTo: 5) })
  }

  /// A slot with a history, in any state.
  private mutating func slot(_ key: SlotKey) -> Slot {
    var slot = Slot(key: key, serviceStatus: optional { _ in "pending" }, consumed: optional { _ in "0.5" })
    var now = start
    for _ in 0..<Int.random(in: 0..<12, using: &self) {
      let event = likelyEvent(for: slot)
      slot = slot.on(event, now: now, policy: RetryPolicy(), jitter: chance())?.slot ?? slot
      now = now + milliseconds(0...60_000)
    }
    return slot
  }

  /// A job with several revisions and pictures.
  mutating func job() -> Job {
    let current = Int.random(in: 0...3, using: &self)
    var revisions: [Revision] = []
    var slots: [Slot] = []
    var outputs: [Output] = []
    for number in 1...max(1, current) where current > 0 {
      let count = Int.random(in: 1...3, using: &self)
      let identity = Identity(
        prompt: "p\(number)", source: "s\(number)", list: optional { _ in "l\(number)" }, request: "r\(number)")
      revisions.append(
        Revision(number: number, identity: identity, snapshot: snapshot(), count: count, takenAt: timestamp()))
      for index in 1...count {
        let key = SlotKey(job: slotKey.job, revision: number, number: index)
        slots.append(slot(key))
        outputs.append(
          Output(
            slot: key, part: 1, number: index, file: Array("cat-\(index).png".utf8), sha256: "cd\(index)",
            bytes: Int.random(in: 1...9_000_000, using: &self),
            image: ImageInfo(format: one(of: ImageInfo.Format.allCases), width: 1024, height: 768),
            temporary: optional { _ in Array(".promptdrop-1.tmp".utf8) }))
      }
    }
    var job = makeJob(
      slots, revisions: revisions, current: current, path: DropPath("a/\(text(upTo: 6)).prompt"), outputs: outputs,
      note: percent(20) ? FileNote(state: .failed, error: error(), since: timestamp()) : nil,
      inputsChanged: percent(30))
    job.createdAt = timestamp()
    return job
  }
}
