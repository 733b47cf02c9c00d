import JobCore

/// Every setting, with its default and its one line of help: the one table of them. The README's is made from it.
///
/// `Setting.all` finds them by reflection, in this order, so that none can be left out of it.
struct Settings: Sendable {
  let apiURL = SettingKey<String>.text(
    "api-url", "https://api.defapi.org", kind: .url, "Base URL of the image service.")
  let apiKeyFile = SettingKey<String?>.text(
    "api-key-file", kind: .path,
    "File with the API key, readable by its owner only. Else $CREDENTIALS_DIRECTORY/api-key or PROMPTDROP_API_KEY.")
  let model = SettingKey<String>.text("model", "google/gempix2", "Model where neither prompt nor folder names one.")
  let stateDir = SettingKey<String?>.text(
    "state-dir", kind: .path,
    "Folder of the journal. Else $STATE_DIRECTORY, $XDG_STATE_HOME/promptdrop, ~/.local/state/promptdrop.")
  let agentName = SettingKey<String?>.text(
    "agent-name", "This agent's name for a folder's owner; else the host's name.")
  let settle = SettingKey<Duration?>.duration(
    "settle", "How long a file has to be still before it is taken. Else 1s for a new file, 10s for a change.")
  let copyGrace = SettingKey<Duration>.duration(
    "copy-grace", .seconds(10),
    "How long an exact copy of a prompt waits for that to vanish, as in a sync tool's rename.")
  let exclude = SettingKey<[String]>.list(
    "exclude", .patterns, "Patterns of paths that are never taken, as in gitignore, separated by commas.")
  let skipFolders = SettingKey<[String]>.list(
    "skip-folders", .folderNames,
    "Names of folders to leave out besides the system folders that the README lists; !NAME: not that one.")
  let maxRequests = SettingKey<Int>.integer("max-requests", 8, 1...1024, "HTTP requests at once.")
  let maxInFlight = SettingKey<Int>.integer("max-in-flight", 32, 1...100_000, "Tasks at the service at once.")
  let submissionsPerMinute = SettingKey<Int>.integer(
    "submissions-per-minute", 0, 0...1_000_000, isLimit: true,
    "Submissions begun within any minute; 0 or none: no limit.")
  let burstLimit = SettingKey<Int>.integer(
    "burst-limit", 200, 0...1_000_000, isLimit: true,
    "New prompts within a minute that are taken without asking; 0 or none: no limit.")
  let dailySubmissions = SettingKey<Int?>.limit(
    "daily-submissions", 0...1_000_000_000, "Submissions in a UTC day, all folders together; none: no limit.")
  let dailyCredits = SettingKey<Credits?>.credits(
    "daily-credits", "Credits in a UTC day, all folders together; none: no limit.")
  let rootDailySubmissions = SettingKey<Int?>.limit(
    "root-daily-submissions", 0...1_000_000_000, "Submissions in a UTC day for each watched folder; none: no limit.")
  let rootDailyCredits = SettingKey<Credits?>.credits(
    "root-daily-credits", "Credits in a UTC day for each watched folder; none: no limit.")
  let price = SettingKey<Credits?>.credits(
    "price", "What a picture costs, for the limits; else the most that one of its model and size ever cost.")
  let listen = SettingKey<String?>.text(
    "listen", none: "",
    "Address to receive the service's callbacks on, such as 127.0.0.1:8787; none: none are received.")
  let publicURL = SettingKey<String?>.text(
    "public-url", kind: .url, none: "",
    "How the service reaches that address, such as https://drop.example.org; needed with listen.")
  let runtimeDir = SettingKey<String?>.text(
    "runtime-dir", kind: .path,
    "Folder of the control socket. Else $RUNTIME_DIRECTORY, /run/promptdrop (root), $XDG_RUNTIME_DIR/promptdrop, /tmp/promptdrop-UID."
  )
  let controlGroup = SettingKey<String?>.text("control-group", "Group of the control socket; else the user's own.")
  let controlMode = SettingKey<UInt32>.mode(
    "control-mode", 0o600, "Permissions of the control socket; 0660 lets its group decide too.")
  let pollFirst = SettingKey<Duration>.duration(
    "poll-first", .seconds(8), "From acceptance to the first query (longer for 2k, 4k).")
  let pollMin = SettingKey<Duration>.duration("poll-min", .seconds(2), "Least time between two queries of a task.")
  let pollMax = SettingKey<Duration>.duration("poll-max", .seconds(30), "Most time between two queries of a task.")
  let taskDeadline = SettingKey<Duration>.duration(
    "task-deadline", .seconds(7200), "A task that is not final by then is held.")
  let notFoundGrace = SettingKey<Duration>.duration(
    "not-found-grace", .seconds(120), "For how long \"task not found\" means \"not yet\".")
  let connectTimeout = SettingKey<Duration>.duration("connect-timeout", .seconds(10), "For setting up a connection.")
  let submitTimeout = SettingKey<Duration>.duration(
    "submit-timeout", .seconds(120), "From the last byte of a submission to its answer.")
  let queryTimeout = SettingKey<Duration>.duration("query-timeout", .seconds(30), "For a query.")
  let fetchPatience = SettingKey<Duration>.duration(
    "fetch-patience", .seconds(600), "How long a picture that cannot be fetched is tried before its prompt is held.")
  let resultLifetime = SettingKey<Duration>.duration(
    "result-lifetime", .seconds(86400), "How long it is tried in all, held or not: as long as its URL may live.")
  let fetchTimeout = SettingKey<Duration>.duration(
    "fetch-timeout", .seconds(60), "Longest silence while a picture is fetched.")
  let retryMin = SettingKey<Duration>.duration("retry-min", .seconds(2), "First delay after a failure; it doubles.")
  let retryMax = SettingKey<Duration>.duration("retry-max", .seconds(300), "Longest delay after a failure.")
  let localRetry = SettingKey<Duration>.duration(
    "local-retry", .seconds(30), "Delay after a full disk or a read-only folder.")
  let probeInterval = SettingKey<Duration>.duration(
    "probe-interval", .seconds(60), "How often a service that takes nothing is tried.")
  let stopTimeout = SettingKey<Duration>.duration(
    "stop-timeout", .seconds(30), "What a begun submission is given at a stop.")
  let referenceWait = SettingKey<Duration>.duration(
    "reference-wait", .seconds(600), "How long a listed file that is missing is waited for.")
  let writerWait = SettingKey<Duration>.duration(
    "writer-wait", .seconds(600), "How long a file that a program has open for writing is waited for; then it is held.")
  let rescan = SettingKey<Duration>.duration(
    "rescan", .seconds(300), "How often the folders are looked through; 0s: never.")
  let watchMode = SettingKey<WatchMode>.choice(
    "watch-mode", .auto, "How folders are watched; auto: as the kind of their file system allows.")
  let pollInterval = SettingKey<Duration>.duration(
    "poll-interval", .seconds(10), "How often that is looked through which inotify does not hear of.")
  let retention = SettingKey<Duration>.duration(
    "retention", .seconds(2592000), "Details of what is final are kept for this long.")
  let maxPromptBytes = SettingKey<Int>.integer("max-prompt-bytes", 65536, 1...16_777_216, "Largest prompt or list.")
  let maxReferenceBytes = SettingKey<Int>.integer(
    "max-reference-bytes", 20971520, 1...67_108_864, "Largest local reference image.")
  let maxImageBytes = SettingKey<Int>.integer("max-image-bytes", 67108864, 1...1_073_741_824, "Largest picture.")
  let allowPrivateResults = SettingKey<YesOrNo>.choice(
    "allow-private-results", .no, "Whether pictures are fetched from private and loopback addresses.")
  let caFile = SettingKey<String?>.text(
    "ca-file", kind: .path, "PEM file of certificates trusted besides the system's.")
  let logFormat = SettingKey<LogForm>.choice("log-format", .text, "Form of log lines.")
  let logLevel = SettingKey<LogLevel>.choice(
    "log-level", .info, "Least level that is logged; trace: each step of each job and each decision about a file too.")
}

/// How folders are watched.
enum WatchMode: String, CaseIterable, Sendable { case auto, inotify, poll }

/// A switch.
enum YesOrNo: String, CaseIterable, Sendable { case no, yes }

/// The form of log lines.
enum LogForm: String, CaseIterable, Sendable { case text, json }

/// The least level that is logged.
enum LogLevel: String, CaseIterable, Sendable { case trace, debug, info, warning, error }

extension Setting {
  /// The README's table of all settings, in Markdown.
  static var table: String {
    let rows = all.map { setting in
      "| `--\(setting.name)` | \(setting.standard.isEmpty ? "" : "`\(setting.standard)`") | \(setting.help) |"
    }
    return (["| setting | default | |", "|---|---|---|"] + rows).joined(separator: "\n")
  }
}
