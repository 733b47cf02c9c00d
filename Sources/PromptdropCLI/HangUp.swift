import Foundation
import Glibc

/// What SIGHUP means to this process. It is decided at the start: a terminal that goes away takes its answer along.
enum HangUp {
  /// Nothing: it was ignored when the process began, as nohup(1) does.
  case ignored
  /// The end, as SIGTERM: the terminal was closed, or the command has one piece of work to do.
  case ends
  /// Nothing that ends an agent without a terminal: whoever sends it wants the configuration to be read again.
  case reloads

  /// Decides, and sees to it that a signal from now on does not end what must not be ended by it. `runsOn`: the command works
  /// until it is stopped.
  static func decide(runsOn: Bool) -> HangUp {
    var action = sigaction()
    // It can fail only for a signal that does not exist.
    if sigaction(SIGHUP, nil, &action) == 0, isIgnoring(action) { return .ignored }
    guard runsOn, !hasTerminal else { return .ends }
    signal(SIGHUP, SIG_IGN)
    return .reloads
  }

  // SIG_IGN is a number in the place of a function; Swift has no equality of functions.
  private static func isIgnoring(_ action: sigaction) -> Bool {
    unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self) == unsafeBitCast(SIG_IGN, to: Int.self)
  }

  /// Whether the process has a controlling terminal, whether or not it is in the foreground there.
  private static var hasTerminal: Bool {
    // Field 7 of /proc/self/stat (proc(5)) is the terminal's number, and 0 where there is none. Field 2, in parentheses, may
    // have anything in it.
    if let line = try? String(contentsOfFile: "/proc/self/stat", encoding: .utf8), let end = line.lastIndex(of: ")") {
      let fields = line[line.index(after: end)...].split(separator: " ")
      if fields.count > 4, let number = Int(fields[4]) { return number != 0 }
    }
    // Without /proc: opening it works for those who have one.
    let terminal = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC)
    if terminal >= 0 { close(terminal) }
    return terminal >= 0
  }
}
