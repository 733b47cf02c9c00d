import Foundation
import TestKit

/// A command that starts a program with system calls refused by a real filter of the kernel's, as those of systemd and of
/// container runtimes refuse them.
enum Seccomp {
  /// A rule: the call's number, flags of its third argument that have to be set (0: any), and the error that it answers.
  struct Rule: Sendable {
    var call: Int, flags = 0
    var error: Int32
    /// openat2(2), which has one number on every architecture.
    static func openat2(_ error: Int32) -> Rule { Rule(call: 437, error: error) }
    #if arch(x86_64)
      private static let openatNumber = 257
    #else
      private static let openatNumber = 56
    #endif
    /// openat(2) with O_PATH.
    static func openatPath(_ error: Int32) -> Rule { Rule(call: openatNumber, flags: 0o10_000_000, error: error) }
  }

  /// The command, with its script in this folder.
  static func refusing(_ rules: Rule..., in folder: TemporaryFolder) throws -> [String] {
    try folder.write("seccomp.py", script)
    return ["/usr/bin/python3", folder.path("seccomp.py")] + rules.map { "\($0.call),\($0.flags),\($0.error)" } + ["--"]
  }

  // Filters are programs for the kernel's packet filter (seccomp(2), bpf(4)): eight bytes a line.
  private static let script = """
    import ctypes, os, struct, sys
    LOAD, EQUAL, ANY, RETURN, ERRNO, ALLOW = 0x20, 0x15, 0x45, 0x06, 0x00050000, 0x7FFF0000
    def line(code, value, yes=0, no=0): return struct.pack("HBBI", code, yes, no, value)
    split = sys.argv.index("--")
    program = b""
    for rule in sys.argv[1:split]:
        call, flags, error = map(int, rule.split(","))
        program += line(LOAD, 0)
        program += line(EQUAL, call, 0, 3 if flags else 1)
        if flags: program += line(LOAD, 32) + line(ANY, flags, 0, 1)
        program += line(RETURN, ERRNO | error)
    program += line(RETURN, ALLOW)
    text = ctypes.create_string_buffer(program, len(program))
    class Filter(ctypes.Structure): _fields_ = [("count", ctypes.c_ushort), ("lines", ctypes.c_void_p)]
    whole = Filter(len(program) // 8, ctypes.addressof(text))
    libc = ctypes.CDLL(None, use_errno=True)
    # PR_SET_NO_NEW_PRIVS, then PR_SET_SECCOMP with SECCOMP_MODE_FILTER.
    if libc.prctl(38, 1, 0, 0, 0) or libc.prctl(22, 2, ctypes.byref(whole), 0, 0):
        sys.exit("seccomp: " + os.strerror(ctypes.get_errno()))
    os.execv(sys.argv[split + 1], sys.argv[split + 1:])

    """
}
