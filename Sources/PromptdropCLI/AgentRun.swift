import Agent
import ArgumentParser
import Foundation
import Glibc
import JobCore
import Logging

/// Runs an agent in the foreground: what `watch`, `once` and `demo` have in common.
struct AgentRun {
  var configuration: Configuration
  var roots: [String]
  var mode: AgentMode
  var onceTimeout: Duration?
  /// Receives what happens, besides the log or the terminal.
  var extraObserver: (any AgentObserver)?

  /// The log as it is configured.
  static func logger(_ configuration: Configuration) -> Logger {
    let form: LogOutput.Form =
      configuration.logFormat == .json ? .json : LogOutput.isUnderJournal ? .journal : .text
    let level = logLevel(configuration.logLevel)
    return Logger(label: "promptdrop") { _ in LogOutput(form: form, logLevel: level) }
  }

  private static func logLevel(_ level: LogLevel) -> Logger.Level {
    switch level {
    case .trace: .trace
    case .debug: .debug
    case .info: .info
    case .warning: .warning
    case .error: .error
    }
  }

  /// Works until the end. Throws `Assembly.Refusal` and `ConfigurationError`.
  func run() async throws -> Ending {
    let hangUp = HangUp.decide(runsOn: mode == .watch)
    let logger = Self.logger(configuration)
    for warning in configuration.warnings { logger.warning("\(warning)") }
    try OpenFiles.raise(requests: configuration.maxRequests)
    let key = try KeySource.find(configuration)
    let wantsView = TerminalView.isPossible && configuration.logFormat == .text
    let view = wantsView ? TerminalView(usesColour: TerminalView.wantsColour) : nil
    var observer: any AgentObserver = view ?? LogObserver(logger: logger)
    if let extraObserver { observer = BothObservers(first: observer, second: extraObserver) }
    // A terminal or pipe that goes away must not end the agent.
    signal(SIGPIPE, SIG_IGN)
    let assembly = try await Assembly(
      configuration, key: key, roots: roots, onceTimeout: onceTimeout, waitsForRoots: mode == .watch, observer: observer
    )
    let signals = await Stopping.signals(hangUp)
    let listening = Task { [observer] in await Stopping.listen(signals, hangUp, assembly.pipeline, observer) }
    let endpoints: AgentEndpoints
    do {
      endpoints = try await AgentEndpoints(configuration, assembly, roots: roots)
    } catch {
      await assembly.shutdown()
      throw error
    }
    if let complaint = endpoints.complaint {
      observer.notice(.warning, JobError(code: .noControlSocket, message: complaint))
    }
    if view == nil { logger.info("promptdrop \(Promptdrop.version) watches \(roots.joined(separator: ", "))") }
    let ending = await assembly.pipeline.run(mode)
    listening.cancel()
    view?.finish()
    say(ending, logger, view == nil)
    await endpoints.close()
    await assembly.shutdown()
    return ending
  }

  private func say(_ ending: Ending, _ logger: Logger, _ isLog: Bool) {
    switch ending {
    case .finished(let done, let needUser):
      if isLog { logger.info("finished: \(done) done, \(needUser) failed or held") }
    case .needsTime(let waiting, let why): logger.warning("\(waiting > 0 ? "\(waiting) files are left: " : "")\(why)")
    case .cannotWrite(let error), .service(_, let error): logger.error("\(error.message) \(error.hint ?? "")")
    case .stopped: if isLog { logger.info("stopped") }
    case .fatal(let why): logger.critical("cannot go on: \(why)")
    }
  }

  /// Runs, and ends the process with the code that says how it went.
  func runAndExit() async throws {
    do {
      let ending = try await run()
      throw ExitCodes.code(for: ending, mode)
    } catch let refusal as Assembly.Refusal {
      Self.complain(refusal.message)
      throw ExitCode(refusal.code)
    } catch let error as ConfigurationError {
      Self.complain("\(error)")
      throw ExitCodes.configuration
    }
  }

  static func complain(_ message: String) {
    Output.complain("promptdrop: \(message)\n")
  }
}

extension SettingsOptions {
  /// The configuration that these flags lead to; ends the program where it cannot be used.
  func resolve() throws -> Configuration {
    do {
      return try Configuration(flags: given, file: config)
    } catch {
      AgentRun.complain("\(error)")
      throw ExitCodes.configuration
    }
  }
}
