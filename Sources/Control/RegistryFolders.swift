import Glibc

// Where agents put their entries and sockets, and where commands look for them.
extension AgentRegistry {
  /// The folders that are the same for everybody; a test has its own.
  struct Places {
    var system = "/run/promptdrop"
    var temporary = "/tmp"
  }

  /// Where a command looks, in this order: what is set explicitly, `$RUNTIME_DIRECTORY` (systemd's; several with colons
  /// between), `/run/promptdrop`, `$XDG_RUNTIME_DIR/promptdrop`, `/tmp/promptdrop-UID`. They need not exist. Relative paths
  /// in the environment do not count.
  public static func directories(explicit: String? = nil, environment: [String: String], uid: uid_t) -> [String] {
    var folders: [String] = []
    for folder in candidates(explicit, environment, uid, Places()) where !folders.contains(folder) {
      folders.append(folder)
    }
    return folders
  }

  private static func candidates(
    _ explicit: String?, _ environment: [String: String], _ uid: uid_t, _ places: Places
  ) -> [String] {
    [explicit].compactMap { $0 } + runtimeFolders(environment) + [places.system]
      + [userFolder(environment), temporaryFolder(uid, places)].compactMap { $0 }
  }

  private static func runtimeFolders(_ environment: [String: String]) -> [String] {
    (environment["RUNTIME_DIRECTORY"] ?? "").split(separator: ":").map(String.init).filter { $0.hasPrefix("/") }
  }

  private static func userFolder(_ environment: [String: String]) -> String? {
    environment["XDG_RUNTIME_DIR"].flatMap { $0.hasPrefix("/") ? $0 + "/promptdrop" : nil }
  }

  private static func temporaryFolder(_ uid: uid_t, _ places: Places) -> String {
    "\(places.temporary)/promptdrop-\(uid)"
  }

  /// Where an agent puts its own, made where it is missing: what is set explicitly, the first of `$RUNTIME_DIRECTORY`,
  /// `/run/promptdrop` for root, `$XDG_RUNTIME_DIR/promptdrop` where that is this user's, else `/tmp/promptdrop-UID`, which
  /// has to be a folder of this user's that nobody else can enter. Throws `ControlError.unannounced`.
  public static func home(
    explicit: String? = nil, environment: [String: String], uid: uid_t
  ) throws(ControlError) -> String {
    try home(explicit, environment, uid, Places())
  }

  static func home(
    _ explicit: String?, _ environment: [String: String], _ uid: uid_t, _ places: Places
  ) throws(ControlError) -> String {
    if let explicit {
      guard explicit.hasPrefix("/") else { throw .unannounced(explicit, "the path has to be absolute") }
      return try made(explicit, 0o755)
    }
    if let folder = runtimeFolders(environment).first { return try made(folder, 0o755) }
    if uid == 0 { return try made(places.system, 0o755) }
    // After `su` it is still the former user's.
    if let folder = userFolder(environment), owner(Names.folder(of: folder)) == uid { return try made(folder, 0o700) }
    return try privateFolder(temporaryFolder(uid, places), uid)
  }

  private static func made(_ folder: String, _ mode: mode_t) throws(ControlError) -> String {
    if let why = Names.makeFolder(folder, mode: mode) { throw .unannounced(folder, why) }
    guard access(folder, W_OK | X_OK) == 0 else { throw .unannounced(folder, errorText()) }
    return folder
  }

  // Anybody can make names in /tmp.
  static func privateFolder(_ folder: String, _ uid: uid_t) throws(ControlError) -> String {
    if mkdir(folder, 0o700) != 0 && errno != EEXIST { throw .unannounced(folder, errorText()) }
    var status = stat()
    guard lstat(folder, &status) == 0 else { throw .unannounced(folder, errorText()) }
    guard status.st_mode & S_IFMT == S_IFDIR else { throw .unannounced(folder, "it is not a folder") }
    guard status.st_uid == uid else { throw .unannounced(folder, "it belongs to somebody else") }
    guard status.st_mode & 0o077 == 0 else {
      throw .unannounced(folder, "others can enter it; remove it, or take their rights away (chmod 700)")
    }
    return folder
  }

  private static func owner(_ folder: String) -> uid_t? {
    var status = stat()
    return stat(folder, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR ? status.st_uid : nil
  }
}
