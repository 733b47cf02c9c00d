/// One thing that can be set: as a flag, in the environment, in a configuration file. `Setting.all` is the one table of
/// them; the README's is made from it.
struct Setting: Sendable {
  /// What a value looks like.
  enum Kind: Sendable {
    case text, path, duration, integer(ClosedRange<Int>), choice([String])
    /// Patterns of `exclude`, separated by commas.
    case patterns
    /// Changes to the names of folders that are skipped, separated by commas.
    case folderNames
    /// A plain decimal number of credits.
    case credits
    /// File permissions, octal.
    case mode
    /// A URL, http or https.
    case url
  }

  /// The flag without its dashes: `max-requests`.
  let name: String
  /// Where nothing is set; empty: none.
  let standard: String
  let kind: Kind
  /// One line for the user.
  let help: String
  /// What the word `none` stands for, where a value may be taken away; nil: it is a value like any other.
  var none: String?

  /// `PROMPTDROP_MAX_REQUESTS`
  var variable: String { "PROMPTDROP_" + name.uppercased().replacing("-", with: "_") }
  /// `max_requests`, in `promptdrop.yaml`.
  var key: String { name.replacing("-", with: "_") }

  static let all: [Setting] = [
    Setting(
      name: "api-url", standard: "https://api.defapi.org", kind: .url, help: "Base URL of the image service."),
    Setting(
      name: "api-key-file", standard: "", kind: .path,
      help:
        "File with the API key, readable by its owner only. Else $CREDENTIALS_DIRECTORY/api-key or PROMPTDROP_API_KEY."),
    Setting(
      name: "model", standard: "google/gempix2", kind: .text, help: "Model where neither prompt nor folder names one."),
    Setting(
      name: "state-dir", standard: "", kind: .path,
      help: "Folder of the journal. Else $STATE_DIRECTORY, $XDG_STATE_HOME/promptdrop, ~/.local/state/promptdrop."),
    Setting(
      name: "agent-name", standard: "", kind: .text,
      help: "This agent's name for a folder's owner; else the host's name."),
    Setting(
      name: "settle", standard: "", kind: .duration,
      help: "How long a file has to be still before it is taken. Else 1s for a new file, 10s for a change."),
    Setting(
      name: "copy-grace", standard: "10s", kind: .duration,
      help: "How long an exact copy of a prompt waits for that to vanish, as in a sync tool's rename."),
    Setting(
      name: "exclude", standard: "", kind: .patterns,
      help: "Patterns of paths that are never taken, as in gitignore, separated by commas."),
    Setting(
      name: "skip-folders", standard: "", kind: .folderNames,
      help: "Names of folders to leave out besides the system folders that the README lists; !NAME: not that one."),
    Setting(
      name: "max-requests", standard: "8", kind: .integer(1...1024), help: "HTTP requests at once."),
    Setting(
      name: "max-in-flight", standard: "32", kind: .integer(1...100_000), help: "Tasks at the service at once."),
    Setting(
      name: "submissions-per-minute", standard: "0", kind: .integer(0...1_000_000),
      help: "Submissions begun within any minute; 0 or none: no limit.", none: "0"),
    Setting(
      name: "burst-limit", standard: "200", kind: .integer(0...1_000_000),
      help: "New prompts within a minute that are taken without asking; 0 or none: no limit.", none: "0"),
    Setting(
      name: "daily-submissions", standard: "", kind: .integer(0...1_000_000_000),
      help: "Submissions in a UTC day, all folders together; none: no limit.", none: ""),
    Setting(
      name: "daily-credits", standard: "", kind: .credits,
      help: "Credits in a UTC day, all folders together; none: no limit.", none: ""),
    Setting(
      name: "root-daily-submissions", standard: "", kind: .integer(0...1_000_000_000),
      help: "Submissions in a UTC day for each watched folder; none: no limit.", none: ""),
    Setting(
      name: "root-daily-credits", standard: "", kind: .credits,
      help: "Credits in a UTC day for each watched folder; none: no limit.", none: ""),
    Setting(
      name: "price", standard: "", kind: .credits,
      help: "What a picture costs, for the limits; else the most that one of its model and size ever cost.", none: ""),
    Setting(
      name: "listen", standard: "", kind: .text,
      help: "Address to receive the service's callbacks on, such as 127.0.0.1:8787; none: none are received.", none: ""),
    Setting(
      name: "public-url", standard: "", kind: .url,
      help: "How the service reaches that address, such as https://drop.example.org; needed with listen.", none: ""),
    Setting(
      name: "runtime-dir", standard: "", kind: .path,
      help:
        "Folder of the control socket. Else $RUNTIME_DIRECTORY, /run/promptdrop (root), $XDG_RUNTIME_DIR/promptdrop, /tmp/promptdrop-UID."
    ),
    Setting(
      name: "control-group", standard: "", kind: .text, help: "Group of the control socket; else the user's own."),
    Setting(
      name: "control-mode", standard: "0600", kind: .mode,
      help: "Permissions of the control socket; 0660 lets its group decide too."),
    Setting(
      name: "poll-first", standard: "8s", kind: .duration,
      help: "From acceptance to the first query (longer for 2k, 4k)."),
    Setting(name: "poll-min", standard: "2s", kind: .duration, help: "Least time between two queries of a task."),
    Setting(name: "poll-max", standard: "30s", kind: .duration, help: "Most time between two queries of a task."),
    Setting(name: "task-deadline", standard: "2h", kind: .duration, help: "A task that is not final by then is held."),
    Setting(
      name: "not-found-grace", standard: "2m", kind: .duration,
      help: "For how long \"task not found\" means \"not yet\"."),
    Setting(name: "connect-timeout", standard: "10s", kind: .duration, help: "For setting up a connection."),
    Setting(
      name: "submit-timeout", standard: "2m", kind: .duration, help: "From the last byte of a submission to its answer."
    ),
    Setting(name: "query-timeout", standard: "30s", kind: .duration, help: "For a query."),
    Setting(
      name: "fetch-patience", standard: "10m", kind: .duration,
      help: "How long a picture that cannot be fetched is tried before its prompt is held."),
    Setting(
      name: "result-lifetime", standard: "24h", kind: .duration,
      help: "How long it is tried in all, held or not: as long as its URL may live."),
    Setting(
      name: "fetch-timeout", standard: "60s", kind: .duration, help: "Longest silence while a picture is fetched."),
    Setting(name: "retry-min", standard: "2s", kind: .duration, help: "First delay after a failure; it doubles."),
    Setting(name: "retry-max", standard: "5m", kind: .duration, help: "Longest delay after a failure."),
    Setting(
      name: "local-retry", standard: "30s", kind: .duration, help: "Delay after a full disk or a read-only folder."),
    Setting(
      name: "probe-interval", standard: "1m", kind: .duration, help: "How often a service that takes nothing is tried."),
    Setting(
      name: "stop-timeout", standard: "30s", kind: .duration, help: "What a begun submission is given at a stop."),
    Setting(
      name: "reference-wait", standard: "10m", kind: .duration,
      help: "How long a listed file that is missing is waited for."),
    Setting(
      name: "writer-wait", standard: "10m", kind: .duration,
      help: "How long a file that a program has open for writing is waited for; then it is held."),
    Setting(
      name: "rescan", standard: "5m", kind: .duration, help: "How often the folders are looked through; 0s: never."),
    Setting(
      name: "watch-mode", standard: "auto", kind: .choice(["auto", "inotify", "poll"]),
      help: "How folders are watched; auto: as the kind of their file system allows."),
    Setting(
      name: "poll-interval", standard: "10s", kind: .duration,
      help: "How often that is looked through which inotify does not hear of."),
    Setting(
      name: "retention", standard: "30d", kind: .duration, help: "Details of what is final are kept for this long."),
    Setting(
      name: "max-prompt-bytes", standard: "65536", kind: .integer(1...16_777_216), help: "Largest prompt or list."),
    Setting(
      name: "max-reference-bytes", standard: "20971520", kind: .integer(1...67_108_864),
      help: "Largest local reference image."),
    Setting(name: "max-image-bytes", standard: "67108864", kind: .integer(1...1_073_741_824), help: "Largest picture."),
    Setting(
      name: "allow-private-results", standard: "no", kind: .choice(["no", "yes"]),
      help: "Whether pictures are fetched from private and loopback addresses."),
    Setting(name: "ca-file", standard: "", kind: .path, help: "PEM file of certificates trusted besides the system's."),
    Setting(name: "log-format", standard: "text", kind: .choice(["text", "json"]), help: "Form of log lines."),
    Setting(
      name: "log-level", standard: "info", kind: .choice(["debug", "info", "warning", "error"]),
      help: "Least level that is logged."),
  ]
}

/// Durations as users write them: `500ms`, `2s`, `5m`, `2h`, `30d`.
enum DurationText {
  static func parse(_ text: String) -> Duration? {
    guard let match = text.wholeMatch(of: /(\d{1,9})(ms|s|m|h|d)/), let number = Int64(match.output.1) else {
      return nil
    }
    return switch match.output.2 {
    case "ms": .milliseconds(number)
    case "s": .seconds(number)
    case "m": .seconds(number * 60)
    case "h": .seconds(number * 3600)
    default: .seconds(number * 86_400)
    }
  }
}

extension Setting {
  /// The README's table of all settings, in Markdown.
  static var table: String {
    let rows = all.map { setting in
      "| `--\(setting.name)` | \(setting.standard.isEmpty ? "" : "`\(setting.standard)`") | \(setting.help) |"
    }
    return (["| setting | default | |", "|---|---|---|"] + rows).joined(separator: "\n")
  }
}
