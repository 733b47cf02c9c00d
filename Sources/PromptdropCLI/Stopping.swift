import Agent
import Glibc
import JobCore
import UnixSignals

/// The signals that end a command.
enum Stopping {
  /// Those that are listened to.
  static func signals(_ hangUp: HangUp) async -> UnixSignalsSequence {
    switch hangUp {
    case .ignored: await UnixSignalsSequence(trapping: .sigterm, .sigint)
    case .ends, .reloads: await UnixSignalsSequence(trapping: .sigterm, .sigint, .sighup)
    }
  }

  /// Stops the agent at the first signal, carefully; a second SIGTERM or SIGINT cuts, and what was begun is found again by the
  /// next start. SIGHUP never cuts: a terminal that is closed sends it twice, and systemd may send it along with SIGTERM.
  static func listen(
    _ signals: UnixSignalsSequence, _ hangUp: HangUp, _ pipeline: Pipeline, _ observer: any AgentObserver
  ) async {
    var count = 0
    for await signal in signals {
      switch (signal, hangUp) {
      case (.sighup, .reloads):
        observer.notice(
          .warning,
          JobError(
            code: .noReload,
            message:
              "SIGHUP was received, but promptdrop cannot yet read its configuration again while it runs. Nothing has changed.",
            hint: "To use a changed configuration, restart promptdrop."))
      case (.sighup, _): await pipeline.stop()
      default:
        count += 1
        if count > 1 { Glibc._exit(130) }
        await pipeline.stop()
      }
    }
  }
}
