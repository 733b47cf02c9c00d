import Agent
import CLinux
import DropFolder
import Foundation
import ImageAPI
import JobCore
import JobJournal
import NIOCore
import NIOPosix
import PromptFile

/// Puts an agent together. The only place that names concrete types.
struct Assembly {
  /// A refusal to start, with the exit code that says why.
  struct Refusal: Error {
    var message: String
    var code: Int32
    init(_ message: String, _ code: Int32) {
      self.message = message
      self.code = code
    }
  }

  /// The agent.
  let pipeline: Pipeline
  /// The state folder's absolute path.
  let statePath: String
  private let service: HTTPImageService
  private let workers: WorkerThreads

  /// Locks the state and the roots, and opens all parts. Throws `Refusal`.
  init(
    _ configuration: Configuration, key: APIKey, roots paths: [String], onceTimeout: Duration?, waitsForRoots: Bool,
    observer: any AgentObserver
  ) async throws(Refusal) {
    let state = try Self.lock(try Self.statePath(configuration))
    // `once` has nothing to wait for: a folder that is not there is a mistake.
    let folders = try Self.open(paths, mayBeMissing: waitsForRoots)
    try Self.checkPlaces(folders, state, configuration)
    try Self.checkExclude(folders, configuration)
    var settings = Self.agentSettings(configuration)
    settings.onceTimeout = onceTimeout
    let journal = try Self.openJournal(state)
    try await self.init(
      configuration, settings, key, state, journal, folders, known: [:], isOffline: false, observer)
  }

  /// For commands while no agent runs: nothing is submitted or asked for. `choose` says which roots are locked and
  /// opened, given those that the journal knows. Throws `Refusal`.
  init(
    offline configuration: Configuration, state path: String, choose: ([String]) -> [String]
  ) async throws(Refusal) {
    let state = try Self.lock(path)
    let journal = try Self.openJournal(state)
    let known: [RootID: [UInt8]]
    do { known = try await journal.roots() } catch { throw Self.refusal(error, state) }
    let folders = try Self.open(choose(known.values.map { String(decoding: $0, as: UTF8.self) }))
    try await self.init(
      configuration, Self.agentSettings(configuration), APIKey("offline"), state, journal, folders, known: known,
      isOffline: true, SilentObserver())
  }

  private static func openJournal(_ state: StateFolder) throws(Refusal) -> SQLiteJournal {
    do throws(JournalError) { return try SQLiteJournal(state) } catch { throw refusal(error, state) }
  }

  private static func refusal(_ error: any Error, _ state: StateFolder) -> Refusal {
    let why =
      switch error {
      case JournalError.broken(let why), JournalError.full(let why): why
      default: "\(error)"
      }
    return Refusal("The journal in \(state.path) cannot be used: \(why)", ExitCodes.inputOutput.rawValue)
  }

  private init(
    _ configuration: Configuration, _ settings: AgentSettings, _ key: APIKey, _ state: StateFolder,
    _ journal: SQLiteJournal, _ folders: [RootFolder], known: [RootID: [UInt8]], isOffline: Bool,
    _ observer: any AgentObserver
  ) async throws(Refusal) {
    // The process has one event loop, which runs Swift's tasks too (see `Entry`): what waits for the network, for a
    // time or for another task needs no change of threads, and no thread of Dispatch's wakes once a second to count the
    // others.
    let group = MultiThreadedEventLoopGroup.singleton
    let loop = group.next()
    // For some thousand jobs at once. Each block of it takes a page, used or not.
    if !isOffline { loop.execute { pd_prepare_heap(12 << 20) } }
    let surroundings = Surroundings.live(on: loop)
    statePath = state.path
    var settings = settings
    settings.identity.commandFlags = Self.commandFlags(configuration, state)
    workers = WorkerThreads(atMost: 8)
    let marks: SendMarkFile
    let identity: IdentityFile
    var roots: [RootID: RootFolder] = [:]
    var names = known
    do {
      identity = try await Self.identity(state, journal)
      marks = try SendMarkFile(state, bootID: surroundings.bootID)
      for (index, folder) in folders.enumerated() {
        let root: RootID
        if isOffline {
          // What is only looked at leaves no trace: a folder that the journal does not know has a number of its own.
          root = known.first { $0.value == folder.path }?.key ?? RootID(-1 - Int64(index))
        } else {
          root = try await journal.root(path: folder.path)
        }
        (roots[root], names[root]) = (folder, folder.path)
      }
      service = try HTTPImageService(
        Self.serviceSettings(configuration), key: key, on: group, wallClock: surroundings.wallClock)
    } catch let error as JobError {
      throw Refusal(error.message, ExitCodes.configuration.rawValue)
    } catch {
      throw Self.refusal(error, state)
    }
    let reader = PromptReader(
      .init(
        model: configuration.model, agentName: configuration.agentName ?? settings.identity.host,
        exclude: configuration.exclude, roots: names, isMine: { identity.isMine($0) }))
    let skipped = try Self.skippedFolders(configuration)
    let writers = FileWriters()
    let files = FolderFiles(
      roots: roots, workers: workers, loop: loop, check: ImageProbe.check, glance: ImageProbe.glance,
      run: String(surroundings.newID().suffix(8)), keptFolder: state.path + "/kept", writers: writers,
      skipped: skipped)
    pipeline = Pipeline(
      settings: settings, roots: names, journal: journal, files: files,
      reader: reader, service: service,
      watcher: FolderWatcher(
        roots: roots,
        options: .init(
          mode: Self.watchMode(configuration.watchMode),
          rescanInterval: configuration.rescan,
          pollInterval: configuration.pollInterval,
          maxDefaultsBytes: settings.files.maxPromptBytes, skipped: skipped, fingerprint: { reader.fingerprint($0) }),
        writers: writers, temporaries: files.temporaryPrefix),
      marks: marks, surroundings: surroundings, observer: observer, identity: identity,
      executor: loop.executor)
  }

  // A state that earlier versions worked with has no identity yet: what they called this machine stands for it too. One that
  // is new is nobody that was here before, whatever the machine is called.
  private static func identity(_ state: StateFolder, _ journal: SQLiteJournal) async throws -> IdentityFile {
    if let known = try IdentityFile(existingIn: state) { return known }
    let formerly = state.hasHistory ? try await journal.ownerWords().union([Machine.word]) : []
    return try IdentityFile(newIn: state, formerly: formerly)
  }

  private static func lock(_ path: String) throws(Refusal) -> StateFolder {
    do { return try StateFolder(path) } catch { throw refusal(error) }
  }

  private static func open(_ paths: [String], mayBeMissing: Bool = false) throws(Refusal) -> [RootFolder] {
    // Nothing is opened unsafely instead: there is nothing to wait for.
    do { _ = try Opening.here() } catch { throw Refusal("\(error)", ExitCodes.system.rawValue) }
    var folders: [RootFolder] = []
    for path in paths {
      do { folders.append(try RootFolder(path, mayBeMissing: mayBeMissing)) } catch { throw refusal(error, folders) }
    }
    return folders
  }

  /// Closes what `init` opened.
  func shutdown() async {
    // The process ends now in any case, and the kernel closes what is left. An agent that ran has ended its calls itself.
    do { try await service.shutdown() } catch {}
    await workers.end()
  }

  // A person's shell need not have what this process was given.
  private static func commandFlags(_ configuration: Configuration, _ state: StateFolder) -> String {
    let given = configuration.stateDir ?? ProcessInfo.processInfo.environment["STATE_DIRECTORY"]
    return given?.isEmpty == false ? " --state-dir \(ShellText.word(state.path))" : ""
  }

  /// Whether a URL's host is this machine.
  static func isThisMachine(_ url: String) -> Bool { ThisMachine.isMeant(by: url) }

  /// The folder of the journal, as it is configured. Throws `Refusal`.
  static func statePath(_ configuration: Configuration) throws(Refusal) -> String {
    do throws(ConfigurationError) {
      return try StatePlace.path(configuration)
    } catch {
      throw Refusal("\(error)", ExitCodes.configuration.rawValue)
    }
  }

  // The configuration is checked, but for what only the folders tell.
  private static func checkExclude(_ folders: [RootFolder], _ configuration: Configuration) throws(Refusal) {
    do throws(JobError) {
      for folder in folders { try PromptReader.checkExclude(configuration.exclude, root: folder.path) }
    } catch {
      throw Refusal("exclude: \(error.message) \(error.hint ?? "")", ExitCodes.configuration.rawValue)
    }
  }

  private static func skippedFolders(_ configuration: Configuration) throws(Refusal) -> SkippedFolders {
    do throws(JobError) {
      return try SkippedFolders(changes: configuration.skipFolders)
    } catch {
      throw Refusal("\(error.message) \(error.hint ?? "")", ExitCodes.configuration.rawValue)
    }
  }

  private static func checkPlaces(
    _ folders: [RootFolder], _ state: StateFolder, _ configuration: Configuration
  ) throws(Refusal) {
    for folder in folders {
      let name = String(decoding: folder.path, as: UTF8.self)
      if folder.contains(Array(state.path.utf8)) {
        throw Refusal(
          "The state folder \(state.path) lies below the watched folder \(name); whoever can write there could change it.",
          ExitCodes.configuration.rawValue)
      }
      let files = configuration.files + [configuration.apiKeyFile, configuration.caFile].compactMap { $0 }
      for file in files
      where folder.contains(Array(URL(fileURLWithPath: file).resolvingSymlinksInPath().path.utf8)) {
        throw Refusal(
          "The file \(file) lies below the watched folder \(name); whoever can write there could change it.",
          ExitCodes.configuration.rawValue)
      }
    }
  }

  private static func refusal(_ error: StateRefusal) -> Refusal {
    switch error {
    case .locked: Refusal("\(error)", ExitCodes.temporary.rawValue)
    case .unusable:
      Refusal(
        "\(error). Give it rights there, or name another folder with --state-dir.", ExitCodes.inputOutput.rawValue)
    }
  }

  private static func refusal(_ error: RootRefusal, _ mine: [RootFolder]) -> Refusal {
    switch error {
    case .locked(let path) where mine.contains(where: { $0.overlaps(Array(path.utf8)) }):
      Refusal("The folders given overlap at \(path); name the outer one only.", ExitCodes.configuration.rawValue)
    case .locked: Refusal("\(error)", ExitCodes.temporary.rawValue)
    case .unusable:
      Refusal("\(error). Name a folder that is there and that this user can read.", 66)  // EX_NOINPUT
    }
  }

  private static func watchMode(_ mode: WatchMode) -> FolderWatcher.Options.Mode {
    switch mode {
    case .auto: .auto
    case .inotify: .inotify
    case .poll: .poll
    }
  }

  private static func serviceSettings(_ configuration: Configuration) -> HTTPImageService.Settings {
    let environment = ProcessInfo.processInfo.environment
    var settings = HTTPImageService.Settings(
      baseURL: configuration.apiURL, userAgent: "promptdrop/\(Promptdrop.version)")
    settings.maxConnections = configuration.maxRequests
    settings.connectTimeout = configuration.connectTimeout
    settings.submitTimeout = configuration.submitTimeout
    settings.queryTimeout = configuration.queryTimeout
    settings.fetchTimeout = configuration.fetchTimeout
    settings.maxImageBytes = configuration.maxImageBytes
    settings.proxy = [environment["HTTPS_PROXY"], environment["https_proxy"]].compactMap { $0 }.first { !$0.isEmpty }
    settings.noProxy = (environment["NO_PROXY"] ?? environment["no_proxy"] ?? "").split(separator: ",").map {
      $0.trimmingCharacters(in: .whitespaces)
    }
    settings.certificateFile = configuration.caFile
    settings.allowsPrivateResults = configuration.allowPrivateResults == .yes
    return settings
  }

  private static func agentSettings(_ configuration: Configuration) -> AgentSettings {
    var settings = AgentSettings()
    settings.maxRequests = configuration.maxRequests
    settings.maxInFlight = configuration.maxInFlight
    settings.submissionsPerMinute = configuration.submissionsPerMinute
    settings.burstLimit = configuration.burstLimit
    if let settle = configuration.settle { settings.files.windows = .init(firstTake: settle, revision: settle) }
    settings.files.maxPromptBytes = configuration.maxPromptBytes
    settings.files.maxReferenceBytes = configuration.maxReferenceBytes
    settings.files.maxImageBytes = configuration.maxImageBytes
    settings.files.referenceWait = configuration.referenceWait
    settings.files.writerWait = configuration.writerWait
    settings.stopTimeout = configuration.stopTimeout
    settings.probeInterval = configuration.probeInterval
    settings.retention = configuration.retention
    settings.policy = RetryPolicy(
      firstQueryDelay: configuration.pollFirst,
      queryMin: configuration.pollMin,
      queryMax: configuration.pollMax,
      taskDeadline: configuration.taskDeadline,
      notFoundGrace: configuration.notFoundGrace,
      backOffBase: configuration.retryMin,
      backOffMax: configuration.retryMax,
      fetchPatience: configuration.fetchPatience,
      resultLifetime: configuration.resultLifetime,
      localTroubleDelay: configuration.localRetry, refusalBase: settings.probeInterval)
    settings.spending.submissions = configuration.dailySubmissions
    settings.spending.credits = configuration.dailyCredits
    settings.spending.rootSubmissions = configuration.rootDailySubmissions
    settings.spending.rootCredits = configuration.rootDailyCredits
    settings.spending.price = configuration.price
    if configuration.listen != nil, let url = configuration.publicURL {
      settings.callbackBase = url.hasSuffix("/") ? String(url.dropLast()) : url
      settings.policy = settings.policy.besideCallbacks
    }
    settings.identity.version = Promptdrop.version
    settings.identity.host = ProcessInfo.processInfo.hostName
    settings.identity.machine = Machine.word
    settings.files.copyGrace = configuration.copyGrace
    return settings
  }
}
