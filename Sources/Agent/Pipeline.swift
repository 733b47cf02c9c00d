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
  private let wantsSteps: Bool
  // Nil: there is one agent only, as in tests of other things.
  let identity: (any AgentIdentity)?
  // The absolute path of each root, and how they are named in texts.
  let rootPaths: [RootID: [UInt8]]
  let places: PlaceNames
  private let executor: any SerialExecutor

  // Files on their way in.
  var arrivals: Arrivals
  var survey: Survey
  var origins = OriginTracker()
  var writerLooks = WriterLooks()
  var overrides = Overrides()
  var vanished = VanishedPlaces()
  let ownership: FolderOwnership
  let accepting = AsyncSemaphore(1)

  let jobs: JobTable
  var lateTries = LateTries()
  // Requests at once, and the memory of their reference images.
  let requests: AsyncSemaphore
  let referenceRoom = AsyncSemaphore(Ticket.referenceBytes)

  var backlog = Backlog()
  let dispatcher: Dispatcher

  let ledger: Ledger
  var catchUp = CatchUp()
  var callbacks = CallbackInbox()
  var queries = TaskQueries()

  let timetable: Timetable
  let journalWriter: JournalWriter
  let tasks = TaskScope()

  var lifecycle = Lifecycle()
  var sidecars = SidecarStates()
  var keptPictures = KeptPictures()
  var diskTroubles = DiskTroubles()
  private let ended = Milestone()
  private let postsEnded = Milestone()

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
    places = PlaceNames(roots: roots, flags: settings.identity.commandFlags)
    self.marks = marks
    self.journal = journal
    self.files = files
    self.reader = reader
    self.service = service
    self.watcher = watcher
    self.surroundings = surroundings
    self.observer = observer
    wantsTrace = observer.wantsTrace
    wantsSteps = observer.wantsSteps
    self.identity = identity
    self.executor = executor
    jobs = JobTable(journal)
    requests = AsyncSemaphore(settings.maxRequests)
    journalWriter = JournalWriter(journal, surroundings, pause: settings.policy.localTroubleDelay)
    arrivals = Arrivals(settings)
    survey = Survey(self.roots)
    dispatcher = Dispatcher(settings)
    ledger = Ledger(settings.spending, self.roots, journal, surroundings)
    timetable = Timetable(ClockWatch(wall: surroundings.wallClock(), monotonic: surroundings.monotonic()))
    ownership = FolderOwnership(reader, files, journal, identity, settings, places, surroundings)
    observer.willName(places)
  }

  var now: Duration { surroundings.monotonic() }
  var wallClock: Timestamp { surroundings.wallClock() }

  // MARK: its life

  /// For how long it works.
  var mode: AgentMode { lifecycle.mode }
  /// How it ends; nil while it does not.
  var ending: Ending? { lifecycle.ending }
  /// Whether nothing new begins any more.
  var isStopping: Bool { lifecycle.ending != nil }

  /// Works until the end; nothing of it goes on when this returns. Cancelling the task stops it, as `stop` does. Call it
  /// once.
  public func run(_ mode: AgentMode) async -> Ending {
    let (cancellations, cancelled) = AsyncStream.makeStream(of: Void.self)
    // A task of its own that is not cancelled: what is under way is brought to its end, not cut.
    let life = Task { await self.live(mode, cancellations) }
    return await withTaskCancellationHandler {
      await life.value
    } onCancel: {
      cancelled.yield()
    }
  }

  private func live(_ mode: AgentMode, _ cancellations: AsyncStream<Void>) async -> Ending {
    let deadline = mode == .once ? settings.onceTimeout.map { now + $0 } : nil
    if lifecycle.start(mode, deadline: deadline) {
      let stopping = start { for await _ in cancellations { self.stop() } }
      do { try await recover() } catch { fail(error) }
      lifecycle.started()
      if ending == nil { await work() }
      stopping.cancel()
      await finish()
    }
    return ending ?? .stopped
  }

  private func work() async {
    let (events, feed) = AsyncStream.makeStream(of: [FolderEvent].self)
    watcher.hasRoom(settings.files.settlingLimit, reported: 0)
    watcher.start(surveying: survey.fresh) { feed.yield($0) }
    schedule(.backUp, at: now)
    start { for await batch in events { self.handle(batch) } }
    pump()
    await ended.wait()
    watcher.stop()
    feed.finish()
  }

  // Everything is brought to its end. The answer of a POST that is under way is worth waiting for: without it the job would
  // be held.
  private func finish() async {
    timetable.stop()
    if jobs.isPosting {
      let deadline = now + settings.stopTimeout
      let timeout = start { [self] in
        do { try await surroundings.sleep(deadline) } catch { return }  // Cancelled: they have ended.
        postsEnded.reach()
      }
      await postsEnded.wait()
      timeout.cancel()
    }
    journalWriter.giveUp()
    do {
      try await service.shutdown()
    } catch {
      observer.notice(.warning, JobError(code: .stopped, message: "The connections could not be closed: \(error)"))
    }
    await tasks.finish()
    await writeStaleSidecars()
    await showAllWaiting()
  }

  /// No new submission begins; one that has begun may hear its answer, for a while; the rest stops at once.
  public func stop() { end(.stopped) }

  func end(_ ending: Ending) {
    let wasStarting = lifecycle.isStarting
    guard lifecycle.end(ending) else { return }
    // Who waits for its turn goes on, and finds that it is over.
    requests.open()
    referenceRoom.open()
    if wasStarting { journalWriter.giveUp() }
    ended.reach()
  }

  /// Says one line of a trace, where one is wanted; it is not made otherwise.
  func trace(_ line: @autoclosure () -> String) {
    if wantsTrace { observer.trace(line()) }
  }

  /// Reports a step of a job. Where steps are not wanted the job, with all that is in it, is not even handed on.
  func report(_ entry: ActiveJob) {
    if wantsSteps || entry.job.note != nil || entry.job.slots.values.contains(where: \.state.isNotable) {
      observer.changed(entry.job)
    }
  }

  func fail(_ error: any Error) { end(.fatal(describe(error))) }

  private func describe(_ error: any Error) -> String {
    switch error {
    case JournalError.broken(let why), JournalError.full(let why): "the journal cannot be used: \(why)"
    case let trouble as LocalTrouble: trouble.error.message
    default: "\(error)"
    }
  }

  /// What a POST's answer led to is written down: a stop need not wait for this one any longer.
  func postEnded() {
    if isStopping, !jobs.isPosting { postsEnded.reach() }
  }

  /// Does whatever can be done now, and sets the alarm for the next thing that is due.
  func pump() {
    guard ending == nil else { return }
    let now = now
    if let jump = timetable.clockJump(wall: wallClock, monotonic: now) { clockWasSet(by: jump) }
    examineSettled(at: now)
    runAgenda(at: now)
    backlog.wake(upTo: now)
    startQueued(at: now)
    evaluateOnce(at: now)
    setAlarm()
  }
}

extension AgentMode: Equatable {}
