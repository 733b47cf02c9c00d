import JobCore

/// Every setting, with its default and its one line of help: the one table of them. The README's is made from it.
///
/// `Setting.all` finds them by reflection, in this order, so that none can be left out of it.
struct Settings: Sendable {
  let apiURL = SettingKey<String>.text(
    "api-url", "https://api.defapi.org", kind: .url, "Base URL of the image service.")
  let apiKeyFile = SettingKey<String?>.text(
    "api-key-file", kind: .path,
    "File with the API key; only its owner may read it. Without it: $CREDENTIALS_DIRECTORY/api-key, then PROMPTDROP_API_KEY."
  )
  let model = SettingKey<String>.text(
    "model", "google/gempix2", "Model for prompts where neither the prompt nor its folder names one.")
  let stateDir = SettingKey<String?>.text(
    "state-dir", kind: .path,
    "Folder of the journal. Without it: $STATE_DIRECTORY, $XDG_STATE_HOME/promptdrop, ~/.local/state/promptdrop.")
  let agentName = SettingKey<String?>.text(
    "agent-name", "Name of this agent, as `owner` in folder defaults uses it. Without it: the host name.")
  let settle = SettingKey<Duration?>.duration(
    "settle", "Time without changes before a file is taken. Without it: 1s for a new file, 10s for a changed one.")
  let copyGrace = SettingKey<Duration>.duration(
    "copy-grace", .seconds(10),
    "Time that an exact copy of a prompt waits for the original to vanish. Sync tools rename by copying and deleting.")
  let exclude = SettingKey<[String]>.list(
    "exclude", .patterns, "Patterns of paths that are never taken, with gitignore's rules, separated by commas.")
  let skipFolders = SettingKey<[String]>.list(
    "skip-folders", .folderNames,
    "Folder names to skip besides the system folders that the README lists, separated by commas; !NAME: do not skip NAME."
  )
  let maxRequests = SettingKey<Int>.integer("max-requests", 8, 1...1024, "Most HTTP requests at the same time.")
  let maxInFlight = SettingKey<Int>.integer(
    "max-in-flight", 32, 1...100_000, "Most tasks at the service at the same time.")
  let submissionsPerMinute = SettingKey<Int>.integer(
    "submissions-per-minute", 0, 0...1_000_000, isLimit: true,
    "Most submissions in any minute; 0 or none: no limit.")
  let burstLimit = SettingKey<Int>.integer(
    "burst-limit", 200, 0...1_000_000, isLimit: true,
    "Most new prompts in a minute that are taken without your approval; 0 or none: no limit.")
  let dailySubmissions = SettingKey<Int?>.limit(
    "daily-submissions", 0...1_000_000_000, "Most submissions in a UTC day, all folders together; none: no limit.")
  let dailyCredits = SettingKey<Credits?>.credits(
    "daily-credits", "Most credits in a UTC day, all folders together; none: no limit.")
  let rootDailySubmissions = SettingKey<Int?>.limit(
    "root-daily-submissions", 0...1_000_000_000,
    "Most submissions in a UTC day for each watched folder; none: no limit.")
  let rootDailyCredits = SettingKey<Credits?>.credits(
    "root-daily-credits", "Most credits in a UTC day for each watched folder; none: no limit.")
  let price = SettingKey<Credits?>.credits(
    "price", "Price of a picture in credits, for the limits. Without it: the highest price seen for its model and size."
  )
  let listen = SettingKey<String?>.text(
    "listen", none: "",
    "Address and port that receive the service's callbacks, such as 127.0.0.1:8787; none: no callbacks.")
  let publicURL = SettingKey<String?>.text(
    "public-url", kind: .url, none: "",
    "URL under which the service reaches that address, such as https://drop.example.org; needed with listen.")
  let runtimeDir = SettingKey<String?>.text(
    "runtime-dir", kind: .path,
    "Folder of the control socket. Without it: $RUNTIME_DIRECTORY, /run/promptdrop (root), $XDG_RUNTIME_DIR/promptdrop, /tmp/promptdrop-UID."
  )
  let controlGroup = SettingKey<String?>.text(
    "control-group", "Group of the control socket. Without it: the user's own group.")
  let controlMode = SettingKey<UInt32>.mode(
    "control-mode", 0o600,
    "Permissions of the control socket. With 0660 the members of its group can give commands too.")
  let pollFirst = SettingKey<Duration>.duration(
    "poll-first", .seconds(8), "Time from acceptance to the first query (longer for 2k and 4k).")
  let pollMin = SettingKey<Duration>.duration("poll-min", .seconds(2), "Shortest time between two queries of a task.")
  let pollMax = SettingKey<Duration>.duration("poll-max", .seconds(30), "Longest time between two queries of a task.")
  let taskDeadline = SettingKey<Duration>.duration(
    "task-deadline", .seconds(7200), "Time after which a task that has not finished is held.")
  let notFoundGrace = SettingKey<Duration>.duration(
    "not-found-grace", .seconds(120), "Time after acceptance during which \"task not found\" means \"not yet\".")
  let connectTimeout = SettingKey<Duration>.duration(
    "connect-timeout", .seconds(10), "Time limit for setting up a connection.")
  let submitTimeout = SettingKey<Duration>.duration(
    "submit-timeout", .seconds(120), "Time limit from the last byte of a submission to its answer.")
  let queryTimeout = SettingKey<Duration>.duration("query-timeout", .seconds(30), "Time limit for a query.")
  let fetchPatience = SettingKey<Duration>.duration(
    "fetch-patience", .seconds(600), "Time that a picture which cannot be fetched is tried before its prompt is held.")
  let resultLifetime = SettingKey<Duration>.duration(
    "result-lifetime", .seconds(86_400),
    "Time that such a picture is tried in all, held or not: as long as its URL may live.")
  let fetchTimeout = SettingKey<Duration>.duration(
    "fetch-timeout", .seconds(60), "Longest time without data while a picture is fetched.")
  let retryMin = SettingKey<Duration>.duration(
    "retry-min", .seconds(2), "First delay after a failure; it doubles with each further failure.")
  let retryMax = SettingKey<Duration>.duration("retry-max", .seconds(300), "Longest delay after a failure.")
  let localRetry = SettingKey<Duration>.duration(
    "local-retry", .seconds(30), "Delay after a full disk or a read-only folder.")
  let probeInterval = SettingKey<Duration>.duration(
    "probe-interval", .seconds(60), "Time between two tries of a service that refuses submissions.")
  let stopTimeout = SettingKey<Duration>.duration(
    "stop-timeout", .seconds(30), "Time that a submission on its way gets to finish when promptdrop is stopped.")
  let referenceWait = SettingKey<Duration>.duration(
    "reference-wait", .seconds(600), "Time that a prompt waits for a listed file that is missing.")
  let writerWait = SettingKey<Duration>.duration(
    "writer-wait", .seconds(600),
    "Time that a prompt waits for a program that has its file open for writing; then it is held.")
  let rescan = SettingKey<Duration>.duration(
    "rescan", .seconds(300), "Time between two scans of all folders; 0s: no scans.")
  let watchMode = SettingKey<WatchMode>.choice(
    "watch-mode", .auto, "How folders are watched; auto: by the kind of their file system.")
  let pollInterval = SettingKey<Duration>.duration(
    "poll-interval", .seconds(10), "Scan interval for folders that inotify cannot watch.")
  let retention = SettingKey<Duration>.duration(
    "retention", .seconds(2_592_000),
    "Time that details of finished jobs are kept that cost nothing. What was paid for is kept for good.")
  let maxPromptBytes = SettingKey<Int>.integer(
    "max-prompt-bytes", 65_536, 1...16_777_216, "Largest prompt or image list, in bytes.")
  let maxReferenceBytes = SettingKey<Int>.integer(
    "max-reference-bytes", 20_971_520, 1...67_108_864, "Largest local reference image, in bytes.")
  let maxImageBytes = SettingKey<Int>.integer(
    "max-image-bytes", 67_108_864, 1...1_073_741_824, "Largest picture, in bytes.")
  let allowPrivateResults = SettingKey<YesOrNo>.choice(
    "allow-private-results", .no, "Whether pictures may be fetched from private and loopback addresses.")
  let caFile = SettingKey<String?>.text(
    "ca-file", kind: .path, "PEM file of certificates to trust besides the system's.")
  let logFormat = SettingKey<LogForm>.choice("log-format", .text, "Format of log lines.")
  let logLevel = SettingKey<LogLevel>.choice(
    "log-level", .info, "Lowest level to log. trace logs each step of each job and each decision about a file.")
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
