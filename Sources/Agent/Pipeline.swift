import JobCore

/// The agent: events of the folder, of time and of the service become transitions, each committed before its effects.
///
/// All state is this actor's. The journal is the truth of what happened, the folder the truth of what is wanted; what
/// is in memory is only what is under way.
public actor Pipeline {
  let settings: AgentSettings
  let roots: [RootID]
  let journal: any JobJournal
  let files: any RootFiles
  let reader: any PromptReading
  let service: any ImageService
  let watcher: any FolderWatching
  let marks: any SendMarks
  let surroundings: Surroundings
  let observer: any AgentObserver
  private let wantsTrace: Bool
  // Nil: there is one agent only, as in tests of other things.
  let identity: (any AgentIdentity)?
  // The absolute path of each root, for what people and commands say.
  let rootPaths: [RootID: [UInt8]]
  private let executor: any SerialExecutor

  // Files on their way in.
  var settling: Settling<FileKey>
  var examinations = 0
  var listsOnTheirWay: [FileKey: Set<[UInt8]>] = [:]
  // Prompts that wait for a list or for defaults that are still empty.
  var arriving: Set<FileKey> = []
  var awaitedBy: [FileKey: Set<FileKey>] = [:]
  var unscanned: Set<RootID>
  // Roots that cannot be looked through at present, and why.
  var unreadable: [RootID: JobError] = [:]
  // Roots that are new to the journal and have not been surveyed; sidecars found there that are being read; and whether
  // there are sidecars, so that everything is looked at before anything is paid for.
  var unsurveyed: Set<RootID> = []
  var readingStrays = 0
  var sidecarsAreNew = false
  // How many prompts the watcher told of.
  var told = 0
  var origins = OriginTracker()
  // Files that a program has open for writing, and when each is looked at next; those that a person lets go all the same, as
  // they stood then; and where nobody can tell.
  var writerLooks: [FileKey: Duration] = [:]
  var takenThoughOpen: [JobID: FileStamp] = [:]
  var toldBlindSpots: Set<BlindSpot> = []
  // Folders in which something is missing: looked through once that has lasted.
  var vanished: Set<Vanished> = []
  var looksForVanished = false
  // Jobs with pictures in the state folder.
  var keptJobs: Set<JobID> = []
  var isPuttingBack = false
  // Folders that sync tools keep on several machines, and roots where another machine's sidecars were seen.
  var syncMarks: Set<FileKey> = []
  /// Jobs whose sidecars were set back to an older state and are to be put right.
  var setBack: Set<JobID> = []
  var sharedWith: [RootID: String] = [:]
  var toldLeftOut: Set<FileKey> = []
  // Whose folders are, as was just looked up. The number counts what was heard that may have changed it.
  var owners: [FileKey: (Belonging, since: Duration)] = [:]
  var ownersGeneration = 0
  // Folders where nothing is taken because nobody has said whose they are, and why.
  var undecided: [FileKey: JobError] = [:]
  // Jobs whose sidecars say less than is known, because their folders are not this agent's.
  var unshown: Set<JobID> = []
  // Roots that were watched when exclude patterns had other rules.
  var formerExcludes: Set<RootID> = []
  // Files that a person wants made once more though their text is the same.
  var wantedAnew: Set<FileKey> = []
  // Jobs that a person let go although they say hold: true.
  var letGo: Set<JobID> = []
  // Files whose sidecar tells of a later text than the journal: it stays as it is until the file was looked at.
  var keptSidecars: Set<FileKey> = []
  let accepting = AsyncSemaphore(1)
  var burst: SubmissionPace

  let jobs: JobTable
  var lateTries = LateTries()
  var claims = TaskClaims()
  // Requests at once, and the memory of their reference images.
  let requests: AsyncSemaphore
  let referenceRoom = AsyncSemaphore(Ticket.referenceBytes)

  var backlog = Backlog()
  let dispatcher: Dispatcher

  let ledger: Ledger
  var catchUp = CatchUp()
  var callbacks = CallbackInbox()
  var queries = TaskQueries()
  var clock: ClockWatch

  let timetable = Timetable()
  let journalWriter: JournalWriter
  let tasks = TaskScope()

  // The end.
  var mode = AgentMode.watch
  var isStopping = false
  var ending: Ending?
  var onEnd: CheckedContinuation<Ending, Never>?
  var onQuiet: CheckedContinuation<Void, Never>?
  var onceDeadline: Duration?
  var isJudgingEnd = false
  var localTrouble: JobError?
  // Roots whose disk takes nothing at present.
  var diskTroubles: [Unwritten: JobError] = [:]
  private var isRecovering = false

  /// On an event loop's executor, network and pipeline share a thread and need no hops.
  public nonisolated var unownedExecutor: UnownedSerialExecutor {
    executor.asUnownedSerialExecutor()
  }

  /// Makes an agent of its parts. `roots`: the absolute path of each; `executor` must outlive it.
  public init(
    settings: AgentSettings, roots: [RootID: [UInt8]], journal: any JobJournal, files: any RootFiles,
    reader: any PromptReading, service: any ImageService, watcher: any FolderWatching, marks: any SendMarks,
    surroundings: Surroundings, observer: any AgentObserver, identity: (any AgentIdentity)? = nil,
    executor: any SerialExecutor
  ) {
    self.settings = settings
    self.roots = roots.keys.sorted { $0.number < $1.number }
    self.rootPaths = roots
    self.marks = marks
    self.journal = journal
    self.files = files
    self.reader = reader
    self.service = service
    self.watcher = watcher
    self.surroundings = surroundings
    self.observer = observer
    wantsTrace = observer.wantsTrace
    self.identity = identity
    self.executor = executor
    jobs = JobTable(journal)
    requests = AsyncSemaphore(settings.maxRequests)
    journalWriter = JournalWriter(journal, surroundings, pause: settings.policy.localTroubleDelay)
    settling = Settling(windows: settings.windows)
    dispatcher = Dispatcher(settings)
    burst = SubmissionPace(perMinute: settings.burstLimit)
    ledger = Ledger(settings.spending, self.roots, journal, surroundings)
    clock = ClockWatch(wall: surroundings.wallClock(), monotonic: surroundings.monotonic())
    unscanned = Set(roots.keys)
  }

  var now: Duration { surroundings.monotonic() }
  var wallClock: Timestamp { surroundings.wallClock() }

  /// Works until the end. Call it once.
  public func run(_ mode: AgentMode) async -> Ending {
    self.mode = mode
    if mode == .once { onceDeadline = settings.onceTimeout.map { now + $0 } }
    isRecovering = true
    do {
      try await recover()
    } catch {
      return ending ?? .fatal(describe(error))
    }
    isRecovering = false
    let (events, feed) = AsyncStream.makeStream(of: [FolderEvent].self)
    watcher.hasRoom(settings.settlingLimit, told: 0)
    watcher.start(surveying: unsurveyed) { feed.yield($0) }
    schedule(.backUp, at: now)
    let listening = start { for await batch in events { self.handle(batch) } }
    pump()
    let result = await withCheckedContinuation { continuation in
      if let ending { continuation.resume(returning: ending) } else { onEnd = continuation }
    }
    listening.cancel()
    watcher.stop()
    timetable.stop()
    await finishPosts()
    journalWriter.giveUp()
    await writeStaleSidecars()
    return result
  }

  /// No new submission begins; one that has begun may hear its answer, for a while; the rest stops at once.
  public func stop() {
    isStopping = true
    end(.stopped)
  }

  func end(_ ending: Ending) {
    guard self.ending == nil else { return }
    self.ending = ending
    isStopping = true
    onEnd?.resume(returning: ending)
    onEnd = nil
    if isRecovering { journalWriter.giveUp() }
  }

  /// Says one line of a trace, where one is wanted; it is not made otherwise.
  func trace(_ line: @autoclosure () -> String) {
    if wantsTrace { observer.trace(line()) }
  }

  func fail(_ error: any Error) { end(.fatal(describe(error))) }

  private func describe(_ error: any Error) -> String {
    switch error {
    case JournalError.broken(let why), JournalError.full(let why): "the journal cannot be used: \(why)"
    case let trouble as LocalTrouble: trouble.error.message
    default: "\(error)"
    }
  }

  // The answer of a POST that is under way is worth waiting for: without it the job would be held.
  private func finishPosts() async {
    guard jobs.isPosting else { return }
    let deadline = now + settings.stopTimeout
    let timeout = start { [self] in
      do { try await surroundings.sleep(deadline) } catch { return }  // Cancelled: they have ended.
      quiet()
    }
    await withCheckedContinuation { onQuiet = $0 }
    timeout.cancel()
  }

  func quiet() {
    onQuiet?.resume()
    onQuiet = nil
  }

  /// Does whatever can be done now, and sets the alarm for the next thing that is due.
  func pump() {
    guard ending == nil else { return }
    let now = now
    if let jump = clock.jump(wall: wallClock, monotonic: now) { clockWasSet(by: jump) }
    examineSettled(at: now)
    runAgenda(at: now)
    backlog.wake(upTo: now)
    startQueued(at: now)
    judgeOnce(at: now)
    setAlarm()
  }
}

extension AgentMode: Equatable {}
