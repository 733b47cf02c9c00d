import JobCore

/// Files on their way in: what has been heard of them, until they have come to rest and are decided on. Times are monotonic.
struct Arrivals {
  // Two batches at once keep the disk and the journal busy; more would only grow the memory.
  private static let batch = 64
  private static let batchesAtOnce = 2
  // Beyond many it is a whole folder, and said enough.
  private static let mostReported = 10_000

  private var settling: Settling<FileKey>
  private var batches = 0
  private var searches = 0
  private var moves = 0
  /// How many prompts the watcher has reported.
  private(set) var heardOf = 0
  // Temporary forms of prompts' lists, by the prompt.
  private var listsOnTheirWay: [FileKey: Set<[UInt8]>] = [:]
  // Prompts that wait for a list or for defaults that are still empty.
  private var awaitingControls: Set<FileKey> = []
  // Which files a prompt waits for, and which prompts wait for a file.
  private var awaited: [FileKey: [FileKey]] = [:]
  private var waiting: [FileKey: Set<FileKey>] = [:]
  // Excluded prompts that were reported.
  private var reportedLeftOut: Set<FileKey> = []
  /// How many new prompts go without asking.
  var burst: SubmissionPace
  /// Roots that were watched when exclude patterns had other rules.
  var formerExcludes: Set<RootID> = []

  init(_ settings: AgentSettings) {
    settling = Settling(windows: settings.files.windows)
    burst = SubmissionPace(perMinute: settings.burstLimit)
  }

  /// How many files have been noticed and are not decided on.
  var count: Int { settling.count }
  /// Whether nothing has been noticed that is not decided on.
  var isAtRest: Bool { settling.count == 0 && !isExamining }
  /// Whether files are being decided on.
  var isExamining: Bool { batches > 0 || searches > 0 || moves > 0 }
  /// Whether a prompt waits for a list or for defaults that are still empty.
  var awaitsControls: Bool { !awaitingControls.isEmpty }

  // MARK: what is heard

  /// The watcher reported a prompt.
  mutating func heard() { heardOf += 1 }

  /// Something may have happened to a file.
  mutating func noticed(_ file: FileKey, _ hint: Hint, at now: Duration) { settling.noticed(file, hint, at: now) }

  /// A file that waited for another one is looked at now. What is known of its rest stays.
  mutating func hasItsTurn(_ file: FileKey, at now: Duration) { settling.lookAgain(file, at: now, now: now) }

  /// When the file was first noticed; nil where that was by looking.
  func arrival(of file: FileKey) -> Duration? { settling.arrival(of: file) }

  /// A temporary form of the prompt's list came or went.
  mutating func list(of prompt: FileKey, hasTemporary name: [UInt8], _ isPresent: Bool) {
    if isPresent {
      listsOnTheirWay[prompt, default: []].insert(name)
    } else {
      listsOnTheirWay[prompt]?.remove(name)
      if listsOnTheirWay[prompt]?.isEmpty == true { listsOnTheirWay[prompt] = nil }
    }
  }

  /// The temporary forms of the prompt's list.
  func temporaryLists(of prompt: FileKey) -> Set<[UInt8]> { listsOnTheirWay[prompt] ?? [] }

  /// The prompt waits for these files, and for no others; whether that is news.
  mutating func awaits(_ wanted: [FileKey], for prompt: FileKey) -> Bool {
    guard awaited[prompt] ?? [] != wanted else { return false }
    for file in awaited.removeValue(forKey: prompt) ?? [] {
      waiting[file]?.remove(prompt)
      if waiting[file]?.isEmpty == true { waiting[file] = nil }
    }
    if !wanted.isEmpty { awaited[prompt] = wanted }
    for file in wanted { waiting[file, default: []].insert(prompt) }
    return true
  }

  /// All files that prompts wait for.
  var awaitedFiles: Set<FileKey> { Set(waiting.keys) }
  /// The prompts that wait for a file.
  func prompts(waitingFor file: FileKey) -> Set<FileKey> { waiting[file] ?? [] }

  // MARK: batches

  /// Whether another batch may begin.
  var hasRoomForBatch: Bool { batches < Self.batchesAtOnce && moves == 0 }
  /// When the next file is due.
  var nextDue: Duration? { settling.nextDue }

  /// The files that are due, whose end `endBatch` takes; nil where there are none, or enough is under way.
  mutating func beginBatch(at now: Duration) -> [FileKey]? {
    guard hasRoomForBatch else { return nil }
    let due = settling.takeDue(at: now, limit: Self.batch)
    guard !due.isEmpty else { return nil }
    batches += 1
    return due
  }

  /// Files are looked at that nobody noticed.
  mutating func beginBatch() { batches += 1 }

  /// Files are searched for that may have gone. That keeps no batch from beginning: it may last as long as a file server
  /// takes to answer.
  mutating func beginSearch() { searches += 1 }

  mutating func endSearch() { searches -= 1 }

  /// A folder was renamed. Until the journal knows, no file is decided on: under its new path it would be new.
  mutating func beginMove() { moves += 1 }

  mutating func endMove() { moves -= 1 }

  mutating func endBatch() { batches -= 1 }

  // MARK: decisions

  /// Whether a file has been still for long enough to be read.
  mutating func isSettled(_ seen: Observation, at now: Duration) -> Bool {
    guard let stamp = seen.settlingStamp else { return false }
    return settling.observed(seen.file, stamp, age: seen.stillFor, at: now) == .settled
  }

  /// Whether it has been still for long enough for a change to a file that was taken before.
  mutating func isRevisionSettled(_ seen: Observation, at now: Duration) -> Bool {
    settling.isRevision(seen.file, age: seen.stillFor, at: now) == .settled
  }

  /// A file is decided on anew: what it waited for is looked at again.
  mutating func looked(at file: FileKey) { awaitingControls.remove(file) }

  /// A file was decided on.
  mutating func decided(_ outcome: FileOutcome, on file: FileKey, at now: Duration) {
    switch outcome.next {
    case .whenItChanges: settling.finishedUnlessNoticed(file)
    case .whenSettled: break
    case .at(let due): settling.lookAgain(file, at: due, now: now)
    case .soon: settling.noticed(file, .touched, at: now)
    }
    if let pace = outcome.burst { burst = pace }
    if outcome.memos.contains(.awaitsControlFile) { awaitingControls.insert(file) }
  }

  /// Whether it is to be reported that a prompt is excluded: once, because every rescan looks at it again.
  mutating func isLeftOut(_ file: FileKey) -> Bool {
    reportedLeftOut.count < Self.mostReported && reportedLeftOut.insert(file).inserted
  }

  /// The defaults below a folder have changed: what is left out is said anew.
  mutating func changed(below folder: FileKey) {
    reportedLeftOut = reportedLeftOut.filter { $0.root != folder.root || !$0.path.isBelowOrEqual(folder.path) }
  }
}
