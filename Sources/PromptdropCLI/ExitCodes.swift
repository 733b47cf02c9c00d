import Agent
import ArgumentParser

/// How the program ends, after sysexits(3).
enum ExitCodes {
  /// Some file failed or is held.
  static let needsUser = ExitCode(1)
  /// EX_UNAVAILABLE: the service takes nothing from this account.
  static let unavailable = ExitCode(69)
  /// EX_OSERR: the system does not give what the agent needs.
  static let system = ExitCode(71)
  /// EX_CANTCREAT: nothing can be written beside the prompts, so nothing was submitted.
  static let cannotWrite = ExitCode(73)
  /// EX_IOERR: what is on the disk is no longer known.
  static let inputOutput = ExitCode(74)
  /// EX_TEMPFAIL: only time is missing, or another agent holds the folder.
  static let temporary = ExitCode(75)
  /// EX_NOPERM: the service refuses the key.
  static let noPermission = ExitCode(77)
  /// EX_CONFIG: the configuration cannot be used.
  static let configuration = ExitCode(78)

  /// What an ending means to the caller.
  static func code(for ending: Ending, _ mode: AgentMode) -> ExitCode {
    switch ending {
    case .finished(_, let needUser): needUser > 0 ? needsUser : .success
    case .needsTime: temporary
    case .cannotWrite: cannotWrite
    case .service(.unauthorized, _): noPermission
    case .service(.wrongAddress, _): configuration
    case .service(.account, _): unavailable
    case .service(.down, _): temporary
    case .stopped: mode == .watch ? .success : temporary
    case .fatal: inputOutput
    }
  }
}
