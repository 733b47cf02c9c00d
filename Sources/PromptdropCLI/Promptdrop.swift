import ArgumentParser

/// The command `promptdrop`.
public struct Promptdrop: AsyncParsableCommand {
  /// The program's version.
  public static let version = "0.1.0"

  /// What the command is and which commands it has.
  public static let configuration = CommandConfiguration(
    commandName: "promptdrop",
    abstract: "Drop NAME.prompt into a folder; NAME.png appears beside it.",
    discussion:
      "Exit codes: 0 done, 1 a file failed or is held, 2 there is something to submit (plan), 64 wrong usage, 66 no such "
      + "folder, 69 the service accepts nothing from the account, 71 the system lacks what is needed, 73 nothing can be "
      + "written beside the prompts, 74 the disk fails, 75 something still waits or another agent has the folder, 77 the "
      + "key is refused, 78 the configuration cannot be used.",
    version: version,
    subcommands: [
      Watch.self, Once.self, StatusCommand.self, PlanCommand.self, Approve.self, Resolve.self, Retry.self,
      OwnCommand.self,
      SandboxCommand.self, Demo.self,
    ])

  /// Makes the command.
  public init() {}

  /// Reads the command line, does what it says, and ends the process.
  public static func runAndExit() async -> Never {
    var problem: (any Error)?
    do {
      var command = try parseAsRoot()
      if var command = command as? any AsyncParsableCommand { try await command.run() } else { try command.run() }
    } catch {
      problem = error
    }
    // Who reads the output of a script must not take half of it for the whole.
    if let failure = Output.failure {
      AgentRun.complain("\(failure) The output is not complete.")
      if problem == nil || problem is ExitCode { Self.exit(withError: ExitCodes.inputOutput) }
    }
    Self.exit(withError: problem)
  }
}
