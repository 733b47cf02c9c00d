import Glibc

/// How many files the process may have open.
enum OpenFiles {
  // Journal, watches, timers, control socket, and what is read and written side by side: the agent works with these.
  private static let own = 56
  // Far more than it ever opens; a limit of a thousand million is no use to anybody.
  private static let plenty: rlim_t = 65_536

  /// Takes what the system allows: the soft limit is low for the sake of old programs only. Throws `Assembly.Refusal` where
  /// that is too little for `requests` at once; with less, the network's event loops do not even start.
  static func raise(requests: Int) throws(Assembly.Refusal) {
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
    if limit.rlim_cur < min(limit.rlim_max, plenty) {
      limit.rlim_cur = min(limit.rlim_max, plenty)
      // Refused, what there was has to do.
      if setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) != 0 {
        _ = getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
      }
    }
    let needed = own + requests
    guard limit.rlim_cur < rlim_t(needed) else { return }
    throw Assembly.Refusal(
      "No more than \(limit.rlim_cur) open files are allowed, and \(needed) are needed: LimitNOFILE=\(max(needed, 1024)) in "
        + "the unit, or ulimit -n \(max(needed, 1024)).", ExitCodes.system.rawValue)
  }
}
