import Foundation
import TestKit

/// A terminal of its own for a program that a test starts: a command to start it through. SIGUSR1 hangs up, SIGTERM is passed
/// on, and it ends as the program does.
enum Terminal {
  /// Where the program stands.
  enum Place: String, CaseIterable, Sendable {
    /// It leads the session and is in the foreground: the kernel tells it that the terminal is gone.
    case front
    /// A shell with job control leads the session and has started it with `&`; it is told by a signal.
    case back
  }

  /// The command, with its script in this folder.
  static func command(_ place: Place, in folder: TemporaryFolder) throws -> [String] {
    try folder.write("terminal.py", script)
    return ["/usr/bin/python3", folder.path("terminal.py"), folder.path("terminal-child"), place.rawValue]
  }

  private static let script = """
    import ctypes, os, pty, signal, sys
    note, place, command = sys.argv[1], sys.argv[2], sys.argv[3:]
    def run():
        ctypes.CDLL(None).prctl(1, 9)  # PR_SET_PDEATHSIG: none is left behind
        os.execv(command[0], command)
    leader, terminal = pty.fork()
    if leader == 0:
        if place == "front": run()
        child = os.fork()
        if child == 0:
            os.setpgid(0, 0)
            run()
        with open(note + ".new", "w") as file: file.write(str(child))
        os.rename(note + ".new", note)
        status = os.waitpid(child, 0)[1]
        os._exit(os.WEXITSTATUS(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status))
    def target(): return leader if place == "front" else int(open(note).read())
    def hang_up(*_):
        if place == "front": os.close(terminal)
        else: os.kill(target(), signal.SIGHUP)
    signal.signal(signal.SIGUSR1, hang_up)
    signal.signal(signal.SIGTERM, lambda *_: os.kill(target(), signal.SIGTERM))
    try:
        while True: os.write(2, os.read(terminal, 65536))
    except OSError: pass  # Closed, by either side.
    status = os.waitpid(leader, 0)[1]
    sys.exit(os.WEXITSTATUS(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status))

    """
}
