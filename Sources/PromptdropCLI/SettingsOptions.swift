import ArgumentParser

/// The flags of `Setting.all`. The parser wants each declared; a test holds the two to each other.
struct SettingsOptions: ParsableArguments {
  @Option(help: Self.help("api-url")) var apiUrl: String?
  @Option(help: Self.help("api-key-file")) var apiKeyFile: String?
  @Option(help: Self.help("model")) var model: String?
  @Option(help: Self.help("state-dir")) var stateDir: String?
  @Option(help: Self.help("agent-name")) var agentName: String?
  @Option(help: Self.help("settle")) var settle: String?
  @Option(help: Self.help("copy-grace")) var copyGrace: String?
  @Option(help: Self.help("exclude")) var exclude: [String] = []
  @Option(help: Self.help("skip-folders")) var skipFolders: [String] = []
  @Option(help: Self.help("max-requests")) var maxRequests: String?
  @Option(help: Self.help("max-in-flight")) var maxInFlight: String?
  @Option(help: Self.help("submissions-per-minute")) var submissionsPerMinute: String?
  @Option(help: Self.help("burst-limit")) var burstLimit: String?
  @Option(help: Self.help("daily-submissions")) var dailySubmissions: String?
  @Option(help: Self.help("daily-credits")) var dailyCredits: String?
  @Option(help: Self.help("root-daily-submissions")) var rootDailySubmissions: String?
  @Option(help: Self.help("root-daily-credits")) var rootDailyCredits: String?
  @Option(help: Self.help("price")) var price: String?
  @Option(help: Self.help("listen")) var listen: String?
  @Option(help: Self.help("public-url")) var publicUrl: String?
  @Option(help: Self.help("runtime-dir")) var runtimeDir: String?
  @Option(help: Self.help("control-group")) var controlGroup: String?
  @Option(help: Self.help("control-mode")) var controlMode: String?
  @Option(help: Self.help("poll-first")) var pollFirst: String?
  @Option(help: Self.help("poll-min")) var pollMin: String?
  @Option(help: Self.help("poll-max")) var pollMax: String?
  @Option(help: Self.help("task-deadline")) var taskDeadline: String?
  @Option(help: Self.help("not-found-grace")) var notFoundGrace: String?
  @Option(help: Self.help("connect-timeout")) var connectTimeout: String?
  @Option(help: Self.help("submit-timeout")) var submitTimeout: String?
  @Option(help: Self.help("query-timeout")) var queryTimeout: String?
  @Option(help: Self.help("fetch-patience")) var fetchPatience: String?
  @Option(help: Self.help("result-lifetime")) var resultLifetime: String?
  @Option(help: Self.help("fetch-timeout")) var fetchTimeout: String?
  @Option(help: Self.help("retry-min")) var retryMin: String?
  @Option(help: Self.help("retry-max")) var retryMax: String?
  @Option(help: Self.help("local-retry")) var localRetry: String?
  @Option(help: Self.help("probe-interval")) var probeInterval: String?
  @Option(help: Self.help("stop-timeout")) var stopTimeout: String?
  @Option(help: Self.help("reference-wait")) var referenceWait: String?
  @Option(help: Self.help("writer-wait")) var writerWait: String?
  @Option(help: Self.help("rescan")) var rescan: String?
  @Option(help: Self.help("watch-mode")) var watchMode: String?
  @Option(help: Self.help("poll-interval")) var pollInterval: String?
  @Option(help: Self.help("retention")) var retention: String?
  @Option(help: Self.help("max-prompt-bytes")) var maxPromptBytes: String?
  @Option(help: Self.help("max-reference-bytes")) var maxReferenceBytes: String?
  @Option(help: Self.help("max-image-bytes")) var maxImageBytes: String?
  @Option(help: Self.help("allow-private-results")) var allowPrivateResults: String?
  @Option(help: Self.help("ca-file")) var caFile: String?
  @Option(help: Self.help("log-format")) var logFormat: String?
  @Option(help: Self.help("log-level")) var logLevel: String?
  @Option(help: "A configuration file instead of /etc/promptdrop/promptdrop.yaml and the one in ~/.config/promptdrop.")
  var config: String?

  /// What was given, by the setting's name.
  var given: [String: String] {
    let all: [(String, String?)] = [
      ("api-url", apiUrl), ("api-key-file", apiKeyFile), ("model", model), ("state-dir", stateDir),
      ("agent-name", agentName), ("settle", settle), ("copy-grace", copyGrace),
      ("exclude", exclude.isEmpty ? nil : exclude.joined(separator: ",")),
      ("skip-folders", skipFolders.isEmpty ? nil : skipFolders.joined(separator: ",")),
      ("max-requests", maxRequests), ("max-in-flight", maxInFlight), ("submissions-per-minute", submissionsPerMinute),
      ("burst-limit", burstLimit), ("daily-submissions", dailySubmissions), ("daily-credits", dailyCredits),
      ("root-daily-submissions", rootDailySubmissions), ("root-daily-credits", rootDailyCredits), ("price", price),
      ("listen", listen), ("public-url", publicUrl), ("runtime-dir", runtimeDir), ("control-group", controlGroup),
      ("control-mode", controlMode), ("poll-first", pollFirst), ("poll-min", pollMin), ("poll-max", pollMax),
      ("task-deadline", taskDeadline), ("not-found-grace", notFoundGrace), ("connect-timeout", connectTimeout),
      ("submit-timeout", submitTimeout), ("query-timeout", queryTimeout), ("fetch-timeout", fetchTimeout),
      ("fetch-patience", fetchPatience), ("result-lifetime", resultLifetime),
      ("retry-min", retryMin), ("retry-max", retryMax), ("local-retry", localRetry), ("probe-interval", probeInterval),
      ("stop-timeout", stopTimeout), ("reference-wait", referenceWait), ("writer-wait", writerWait),
      ("rescan", rescan), ("watch-mode", watchMode),
      ("poll-interval", pollInterval), ("retention", retention),
      ("max-prompt-bytes", maxPromptBytes), ("max-reference-bytes", maxReferenceBytes),
      ("max-image-bytes", maxImageBytes), ("allow-private-results", allowPrivateResults), ("ca-file", caFile),
      ("log-format", logFormat), ("log-level", logLevel),
    ]
    return Dictionary(uniqueKeysWithValues: all.compactMap { name, value in value.map { (name, $0) } })
  }

  private static func help(_ name: String) -> ArgumentHelp {
    guard let setting = Setting.all.first(where: { $0.name == name }) else { return "" }
    let suffix = setting.standard.isEmpty ? "" : " (default: \(setting.standard))"
    return ArgumentHelp(stringLiteral: setting.help + suffix)
  }
}
