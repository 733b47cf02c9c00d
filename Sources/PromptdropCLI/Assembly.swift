import Agent
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
  private let service: HTTPImageService
  private let workers: NIOThreadPool

  /// Locks the state and the roots, and opens all parts. Throws `Refusal`.
  init(
    _ configuration: Configuration, key: APIKey, roots paths: [String], onceTimeout: Duration?,
    observer: any AgentObserver
  ) async throws(Refusal) {
    let state: StateFolder
    do { state = try StateFolder(Self.statePath(configuration)) } catch { throw Self.refusal(error) }
    var folders: [RootFolder] = []
    for path in paths {
      do { folders.append(try RootFolder(path)) } catch { throw Self.refusal(error, folders) }
    }
    try Self.checkPlaces(folders, state, configuration)

    // The process has one event loop, which runs Swift's tasks too (see `Entry`): what waits for the network, for a
    // time or for another task needs no change of threads, and no thread of Dispatch's wakes once a second to count the
    // others.
    let group = MultiThreadedEventLoopGroup.singleton
    let loop = group.next()
    let surroundings = Surroundings.live(on: loop)
    workers = NIOThreadPool(numberOfThreads: 8)
    workers.start()
    let journal: SQLiteJournal
    var roots: [RootID: RootFolder] = [:]
    do {
      journal = try SQLiteJournal(state)
      for folder in folders { roots[try await journal.root(path: folder.path)] = folder }
      service = try HTTPImageService(
        Self.serviceSettings(configuration), key: key, on: group, wallClock: surroundings.wallClock)
    } catch let error as JobError {
      throw Refusal(error.message, ExitCodes.configuration.rawValue)
    } catch {
      throw Refusal("The journal in \(state.path) cannot be used: \(error)", ExitCodes.inputOutput.rawValue)
    }
    var settings = Self.agentSettings(configuration)
    settings.onceTimeout = onceTimeout
    pipeline = Pipeline(
      settings: settings, roots: roots.keys.sorted { $0.number < $1.number }, journal: journal,
      files: FolderFiles(
        roots: roots, workers: workers, check: ImageProbe.check, run: String(surroundings.newID().prefix(8))),
      reader: PromptReader(
        .init(
          model: configuration.text("model") ?? "", agentName: configuration.text("agent-name") ?? settings.host,
          exclude: configuration.list("exclude"))),
      service: service, watcher: FolderWatcher(roots: roots, rescanInterval: configuration.duration("rescan") ?? .zero),
      surroundings: surroundings, observer: observer, executor: loop.executor)
  }

  /// Closes what `init` opened.
  func shutdown() async {
    do {
      try await service.shutdown()
      try await workers.shutdownGracefully()
    } catch {
      // The process ends now in any case, and the kernel closes what is left.
    }
  }

  private static func statePath(_ configuration: Configuration) -> String {
    let environment = ProcessInfo.processInfo.environment
    if let path = configuration.text("state-dir") { return path }
    if let path = environment["STATE_DIRECTORY"] { return path }
    if let path = environment["XDG_STATE_HOME"] { return path + "/promptdrop" }
    return (environment["HOME"] ?? NSHomeDirectory()) + "/.local/state/promptdrop"
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
      for file in configuration.files
      where folder.contains(Array(URL(fileURLWithPath: file).resolvingSymlinksInPath().path.utf8)) {
        throw Refusal(
          "The configuration file \(file) lies below the watched folder \(name); whoever can write there could change it.",
          ExitCodes.configuration.rawValue)
      }
    }
  }

  private static func refusal(_ error: StateRefusal) -> Refusal {
    switch error {
    case .locked: Refusal("\(error)", ExitCodes.temporary.rawValue)
    case .unusable: Refusal("\(error)", ExitCodes.inputOutput.rawValue)
    }
  }

  private static func refusal(_ error: RootRefusal, _ mine: [RootFolder]) -> Refusal {
    switch error {
    case .locked(let path) where mine.contains(where: { $0.overlaps(Array(path.utf8)) }):
      Refusal("The folders given overlap at \(path); name the outer one only.", ExitCodes.configuration.rawValue)
    case .locked: Refusal("\(error)", ExitCodes.temporary.rawValue)
    case .unusable: Refusal("\(error)", 66)  // EX_NOINPUT
    }
  }

  private static func serviceSettings(_ configuration: Configuration) -> HTTPImageService.Settings {
    let environment = ProcessInfo.processInfo.environment
    var settings = HTTPImageService.Settings(
      baseURL: configuration.text("api-url") ?? "", userAgent: "promptdrop/\(Promptdrop.version)")
    settings.maxConnections = configuration.integer("max-requests")
    settings.connectTimeout = configuration.duration("connect-timeout") ?? settings.connectTimeout
    settings.submitTimeout = configuration.duration("submit-timeout") ?? settings.submitTimeout
    settings.queryTimeout = configuration.duration("query-timeout") ?? settings.queryTimeout
    settings.fetchTimeout = configuration.duration("fetch-timeout") ?? settings.fetchTimeout
    settings.maxImageBytes = configuration.integer("max-image-bytes")
    settings.proxy = environment["HTTPS_PROXY"] ?? environment["https_proxy"]
    settings.noProxy = (environment["NO_PROXY"] ?? environment["no_proxy"] ?? "").split(separator: ",").map {
      $0.trimmingCharacters(in: .whitespaces)
    }
    settings.certificateFile = configuration.text("ca-file")
    return settings
  }

  private static func agentSettings(_ configuration: Configuration) -> AgentSettings {
    var settings = AgentSettings()
    settings.maxRequests = configuration.integer("max-requests")
    settings.maxInFlight = configuration.integer("max-in-flight")
    settings.submissionsPerMinute = configuration.integer("submissions-per-minute")
    settings.burstLimit = configuration.integer("burst-limit")
    if let settle = configuration.duration("settle") { settings.windows = .init(firstTake: settle, revision: settle) }
    settings.maxPromptBytes = configuration.integer("max-prompt-bytes")
    settings.maxReferenceBytes = configuration.integer("max-reference-bytes")
    settings.maxImageBytes = configuration.integer("max-image-bytes")
    settings.referenceWait = configuration.duration("reference-wait") ?? settings.referenceWait
    settings.stopTimeout = configuration.duration("stop-timeout") ?? settings.stopTimeout
    settings.probeInterval = configuration.duration("probe-interval") ?? settings.probeInterval
    settings.retention = configuration.duration("retention") ?? settings.retention
    settings.policy = RetryPolicy(
      firstQueryDelay: configuration.duration("poll-first") ?? .seconds(8),
      queryMin: configuration.duration("poll-min") ?? .seconds(2),
      queryMax: configuration.duration("poll-max") ?? .seconds(30),
      taskDeadline: configuration.duration("task-deadline") ?? .seconds(7200),
      notFoundGrace: configuration.duration("not-found-grace") ?? .seconds(120),
      backOffBase: configuration.duration("retry-min") ?? .seconds(2),
      backOffMax: configuration.duration("retry-max") ?? .seconds(300),
      localTroubleDelay: configuration.duration("local-retry") ?? .seconds(30))
    settings.version = Promptdrop.version
    settings.host = ProcessInfo.processInfo.hostName
    return settings
  }
}
