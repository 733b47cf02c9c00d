import JobCore
import TestKit

/// What can be seen of a prompt: the truth that an observation tells a part of.
struct FileScene {
  var file: FileKey
  var prompt: Sighting = .missing
  var list: Sighting = .missing
  var isListNear = false
  var inputs: UInt64 = 1
  var isFull = true
  var isUnreadable = false
  var beingWritten = false
  var unclear: [UnclearControl] = []
  var hasEmptyList = false
  var sidecar: Result<StatusSidecar?, JobError> = .success(nil)
  var belonging = Belonging.own
  var wasExcluded = false
  var isOfFormerExcludes = false
  var isListOnItsWay = false
  var isSettled = true
  var isRevisionSettled = true
  var isPlainNameThere = false
  var isOriginalThere = false
  var isOriginUnclear = false
  var isSidecarsJobKnown = false
  var references = ReferencesSeen.missing([])
  var understood: Result<PromptRequest, JobError> = .failure(trouble())
  var understoodExactly: PromptRequest?
  private var version: Int64 = 1
  private var text = 0
  private var listText: Int?
  private var count = 1

  private static let names = [
    "a/cat.prompt", "a/cat.prompt", "a/cat.PROMPT", "a/cat.sync-conflict-20260131-101500-ABCDEFG.prompt",
    "a/cat (conflict).prompt", "a/\(String(repeating: "x", count: 240)).prompt",
  ]

  init(_ random: inout SplitMix64) {
    file = FileKey(root: RootID(1), path: DropPath(random.one(of: Self.names)))
    // One that was held for its name is approved sooner or later; one without a place for its sidecar never is.
    change(&random, nil, start)
  }

  /// A prompt at rest with nothing against it.
  init(text: Int, count: Int = 1) {
    file = FileKey(root: RootID(1), path: DropPath("a/cat.prompt"))
    ask(text, count)
  }

  /// It has this text now.
  mutating func ask(_ text: Int, _ count: Int = 1, hold: Bool = false, doubts: [Doubt] = []) {
    version += 1
    (self.text, self.count) = (text, count)
    prompt = .file(stamp(7, version), age: .seconds(3600))
    understood = .success(
      PromptRequest(
        snapshot: Snapshot(prompt: "text \(text)", model: "m"), images: [], promptSHA: "p\(text)",
        sourceSHA: "s\(text)", listSHA: nil, count: count, hold: hold, requireImages: false, doubts: doubts))
    references = .complete(.init(images: [], requestSHA: "r s\(text)", inputs: inputs))
  }

  private func stamp(_ inode: UInt64, _ version: Int64) -> FileStamp {
    FileStamp(device: 1, inode: inode, size: 10 + version % 7, modified: version, changed: version)
  }

  /// Something happens to it, or nothing does.
  mutating func change(_ random: inout SplitMix64, _ job: Job?, _ now: Timestamp) {
    if random.percent(50) {
      version += 1
      text = random.one(of: [0, 0, 0, 1, 2])
      count = random.one(of: [1, 1, 1, 2, 3])
    }
    if random.percent(20) { listText = random.one(of: [nil, 0, 1]) }
    if random.percent(10) { inputs += 1 }
    isFull = random.percent(70)
    isListNear = random.percent(20)
    isUnreadable = random.percent(4)
    beingWritten = random.percent(6)
    isListOnItsWay = random.percent(5)
    hasEmptyList = random.percent(5)
    (isSettled, isRevisionSettled) = (random.percent(90), random.percent(90))
    (isPlainNameThere, isOriginalThere) = (random.percent(30), random.percent(50))
    isOriginUnclear = random.percent(10)
    (wasExcluded, isOfFormerExcludes) = (random.percent(5), random.percent(10))
    isSidecarsJobKnown = random.percent(30)
    belonging =
      random.percent(90) ? .own : random.one(of: [.other(owner(.otherOwner)), .undecided(owner(.sharedFolder))])
    unclear = random.percent(5) ? [UnclearControl(.defaults, [file.sibling(Array("x.yaml".utf8))], .name)] : []
    place(&random)
    understand(&random)
    look(&random)
    sidecar = random.percent(5) ? .failure(trouble(.tooManyFiles)) : .success(sidecar(&random, job, now))
  }

  private enum Code { case otherOwner, sharedFolder }
  private func owner(_ code: Code) -> JobError {
    trouble(code == .otherOwner ? .otherOwner : .sharedFolder)
  }

  private mutating func place(_ random: inout SplitMix64) {
    let age: Duration = random.one(of: [.zero, .seconds(1), .seconds(3600)])
    switch Int.random(in: 0..<40, using: &random) {
    case 0, 1: prompt = .missing
    case 2: prompt = .notAFile("a folder")
    case 3: prompt = .unreadable(trouble(random.one(of: [.tooManyFiles, .noPermission])))
    default: prompt = .file(stamp(7, version), age: age)
    }
    list = listText.map { .file(stamp(8, Int64($0) + 1), age: age) } ?? .missing
  }

  private mutating func understand(_ random: inout SplitMix64) {
    if random.percent(6) {
      let codes: [ErrorCode] = [
        .empty, .excluded, .settings(.frontMatter, .unknownKey), .badExclude, .settings(.folderDefaults, .invalid),
      ]
      understood = .failure(trouble(random.one(of: codes)))
      return understoodExactly = nil
    }
    let own = count
    let doubts: [Doubt] =
      random.percent(6)
      ? [random.one(of: [.wrong(trouble("odd-value")), .unclear(.frontMatterUnclear, message: "Odd.", hint: "")])] : []
    let request = PromptRequest(
      snapshot: Snapshot(prompt: "text \(text)", model: "m"), images: [], promptSHA: "p\(text)",
      sourceSHA: "s\(text)", listSHA: hasEmptyList ? nil : listText.map { "l\($0)" },
      count: random.percent(80) ? own : own + 1, hold: random.percent(10), requireImages: random.percent(4),
      ownCount: own, doubts: doubts)
    understood = .success(request)
    var exact = request
    exact.listSHA = nil
    understoodExactly = isListNear ? exact : nil
  }

  private mutating func look(_ random: inout SplitMix64) {
    guard case .success(let request) = understood else { return }
    let complete = ReferencesSeen.Complete(
      images: [], requestSHA: "r \(request.sourceSHA) \(inputs)", inputs: inputs, isFoundByLookalike: random.percent(10)
    )
    references =
      random.percent(88)
      ? .complete(complete)
      : random.one(of: [
        .missing(["fur.png"]), .beingWritten(file.sibling(Array("fur.png".utf8))), .refused(trouble(.imageNotAnImage)),
        .moving,
      ])
  }

  // None, the job's own, an older one of it, or one that came from elsewhere.
  private func sidecar(_ random: inout SplitMix64, _ job: Job?, _ now: Timestamp) -> StatusSidecar? {
    guard case .success(let request) = understood, random.percent(60) else { return nil }
    if let job, random.percent(70) { return StatusSidecar(of: job, now: now, agentVersion: "1", agentHost: "h") }
    guard random.percent(30) else { return nil }
    let id = JobID(random.percent(20) ? job?.id.text ?? Self.elsewhere : Self.elsewhere)
    let number = random.one(of: [1, 1, 2, 5])
    let identity = Identity(
      prompt: request.promptSHA, source: random.percent(70) ? request.sourceSHA : "s9", list: request.listSHA,
      request: "r")
    var slots: [SlotKey: Slot] = [:]
    for index in 1...request.count {
      var slot = Slot(key: SlotKey(job: id, revision: number, number: index))
      for _ in 0..<Int.random(in: 0..<5, using: &random) {
        slot = slot.on(random.likelyEvent(for: slot), now: now, policy: RetryPolicy(), jitter: 0.5)?.slot ?? slot
      }
      slots[slot.key] = slot
    }
    let revision = Revision(
      number: number, identity: identity, snapshot: request.snapshot, count: request.count, takenAt: now)
    let other = Job(
      id: id, file: file, current: number, latest: number, stamp: nil, revisions: [number: revision], slots: slots,
      outputs: [], createdAt: now)
    return StatusSidecar(of: other, now: now, agentVersion: "1", agentHost: "h")
  }

  private static let elsewhere = "7f3e0000-0000-4000-8000-00000000000e"

  /// What is seen of it.
  var observation: Observation {
    let known = !isUnreadable && prompt.stamp != nil
    return Observation(
      file: file, prompt: prompt, list: list,
      listFile: list.stamp == nil
        ? nil : isListNear ? file.sibling(Array("CAT.IMAGES".utf8)) : DropNames.list(of: file),
      inputs: inputs, isRead: (known && isFull, known && isFull), isFull: isFull,
      beingWritten: beingWritten ? file : nil, unclear: unclear,
      emptyControls: (hasEmptyList && list.stamp != nil ? DropNames.list(of: file) : nil, []), sidecar: sidecar,
      belonging: belonging, isSidecarPerhapsOurs: true, wasExcluded: wasExcluded && isOfFormerExcludes,
      isListOnItsWay: isListOnItsWay)
  }
}
