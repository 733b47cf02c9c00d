import ArgumentParser

/// The flags of `Setting.all`. The parser wants each declared; a test holds the two to each other.
struct SettingsOptions: ParsableArguments {
  @Option(help: Self.help(\.apiURL)) var apiUrl: String?
  @Option(help: Self.help(\.apiKeyFile)) var apiKeyFile: String?
  @Option(help: Self.help(\.model)) var model: String?
  @Option(help: Self.help(\.stateDir)) var stateDir: String?
  @Option(help: Self.help(\.agentName)) var agentName: String?
  @Option(help: Self.help(\.settle)) var settle: String?
  @Option(help: Self.help(\.copyGrace)) var copyGrace: String?
  @Option(help: Self.help(\.exclude)) var exclude: [String] = []
  @Option(help: Self.help(\.skipFolders)) var skipFolders: [String] = []
  @Option(help: Self.help(\.maxRequests)) var maxRequests: String?
  @Option(help: Self.help(\.maxInFlight)) var maxInFlight: String?
  @Option(help: Self.help(\.submissionsPerMinute)) var submissionsPerMinute: String?
  @Option(help: Self.help(\.burstLimit)) var burstLimit: String?
  @Option(help: Self.help(\.dailySubmissions)) var dailySubmissions: String?
  @Option(help: Self.help(\.dailyCredits)) var dailyCredits: String?
  @Option(help: Self.help(\.rootDailySubmissions)) var rootDailySubmissions: String?
  @Option(help: Self.help(\.rootDailyCredits)) var rootDailyCredits: String?
  @Option(help: Self.help(\.price)) var price: String?
  @Option(help: Self.help(\.listen)) var listen: String?
  @Option(help: Self.help(\.publicURL)) var publicUrl: String?
  @Option(help: Self.help(\.runtimeDir)) var runtimeDir: String?
  @Option(help: Self.help(\.controlGroup)) var controlGroup: String?
  @Option(help: Self.help(\.controlMode)) var controlMode: String?
  @Option(help: Self.help(\.pollFirst)) var pollFirst: String?
  @Option(help: Self.help(\.pollMin)) var pollMin: String?
  @Option(help: Self.help(\.pollMax)) var pollMax: String?
  @Option(help: Self.help(\.taskDeadline)) var taskDeadline: String?
  @Option(help: Self.help(\.notFoundGrace)) var notFoundGrace: String?
  @Option(help: Self.help(\.connectTimeout)) var connectTimeout: String?
  @Option(help: Self.help(\.submitTimeout)) var submitTimeout: String?
  @Option(help: Self.help(\.queryTimeout)) var queryTimeout: String?
  @Option(help: Self.help(\.fetchPatience)) var fetchPatience: String?
  @Option(help: Self.help(\.resultLifetime)) var resultLifetime: String?
  @Option(help: Self.help(\.fetchTimeout)) var fetchTimeout: String?
  @Option(help: Self.help(\.retryMin)) var retryMin: String?
  @Option(help: Self.help(\.retryMax)) var retryMax: String?
  @Option(help: Self.help(\.localRetry)) var localRetry: String?
  @Option(help: Self.help(\.probeInterval)) var probeInterval: String?
  @Option(help: Self.help(\.stopTimeout)) var stopTimeout: String?
  @Option(help: Self.help(\.referenceWait)) var referenceWait: String?
  @Option(help: Self.help(\.writerWait)) var writerWait: String?
  @Option(help: Self.help(\.rescan)) var rescan: String?
  @Option(help: Self.help(\.watchMode)) var watchMode: String?
  @Option(help: Self.help(\.pollInterval)) var pollInterval: String?
  @Option(help: Self.help(\.retention)) var retention: String?
  @Option(help: Self.help(\.maxPromptBytes)) var maxPromptBytes: String?
  @Option(help: Self.help(\.maxReferenceBytes)) var maxReferenceBytes: String?
  @Option(help: Self.help(\.maxImageBytes)) var maxImageBytes: String?
  @Option(help: Self.help(\.allowPrivateResults)) var allowPrivateResults: String?
  @Option(help: Self.help(\.caFile)) var caFile: String?
  @Option(help: Self.help(\.logFormat)) var logFormat: String?
  @Option(help: Self.help(\.logLevel)) var logLevel: String?
  @Option(help: "A configuration file instead of /etc/promptdrop/promptdrop.yaml and the one in ~/.config/promptdrop.")
  var config: String?

  /// What was given, by the setting's name.
  var given: [String: String] {
    let all: [(PartialKeyPath<Settings>, String?)] = [
      (\.apiURL, apiUrl), (\.apiKeyFile, apiKeyFile), (\.model, model), (\.stateDir, stateDir),
      (\.agentName, agentName), (\.settle, settle), (\.copyGrace, copyGrace),
      (\.exclude, exclude.isEmpty ? nil : exclude.joined(separator: ",")),
      (\.skipFolders, skipFolders.isEmpty ? nil : skipFolders.joined(separator: ",")),
      (\.maxRequests, maxRequests), (\.maxInFlight, maxInFlight), (\.submissionsPerMinute, submissionsPerMinute),
      (\.burstLimit, burstLimit), (\.dailySubmissions, dailySubmissions), (\.dailyCredits, dailyCredits),
      (\.rootDailySubmissions, rootDailySubmissions), (\.rootDailyCredits, rootDailyCredits), (\.price, price),
      (\.listen, listen), (\.publicURL, publicUrl), (\.runtimeDir, runtimeDir), (\.controlGroup, controlGroup),
      (\.controlMode, controlMode), (\.pollFirst, pollFirst), (\.pollMin, pollMin), (\.pollMax, pollMax),
      (\.taskDeadline, taskDeadline), (\.notFoundGrace, notFoundGrace), (\.connectTimeout, connectTimeout),
      (\.submitTimeout, submitTimeout), (\.queryTimeout, queryTimeout), (\.fetchTimeout, fetchTimeout),
      (\.fetchPatience, fetchPatience), (\.resultLifetime, resultLifetime),
      (\.retryMin, retryMin), (\.retryMax, retryMax), (\.localRetry, localRetry), (\.probeInterval, probeInterval),
      (\.stopTimeout, stopTimeout), (\.referenceWait, referenceWait), (\.writerWait, writerWait),
      (\.rescan, rescan), (\.watchMode, watchMode),
      (\.pollInterval, pollInterval), (\.retention, retention),
      (\.maxPromptBytes, maxPromptBytes), (\.maxReferenceBytes, maxReferenceBytes),
      (\.maxImageBytes, maxImageBytes), (\.allowPrivateResults, allowPrivateResults), (\.caFile, caFile),
      (\.logFormat, logFormat), (\.logLevel, logLevel),
    ]
    let settings = Settings()
    return Dictionary(
      all.compactMap { key, value in
        guard let value, let known = settings[keyPath: key] as? any IsSetting else { return nil }
        return (known.setting.name, value)
      }, uniquingKeysWith: { first, _ in first })
  }

  private static func help<Value>(_ key: KeyPath<Settings, SettingKey<Value>>) -> ArgumentHelp {
    let setting = Settings()[keyPath: key].setting
    let suffix = setting.standard.isEmpty ? "" : " (default: \(setting.standard))"
    return ArgumentHelp(stringLiteral: setting.help + suffix)
  }
}
