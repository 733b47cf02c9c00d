import Testing

@testable import PromptdropCLI

@Suite struct SettingTests {
  /// A default's text, as help and README show it, means the value that holds without it.
  @Test func defaultsMeanWhatTheySay() throws {
    #expect(Setting.all.count == Set(Setting.all.map(\.name)).count && Setting.all.count > 50)
    let unset = try Configuration(flags: [:], file: nil, systemFile: nil, environment: [:])
    var flags: [String: String] = [:]
    for setting in Setting.all where !setting.standard.isEmpty { flags[setting.name] = setting.standard }
    let set = try Configuration(flags: flags, file: nil, systemFile: nil, environment: [:])
    #expect(unset.maxRequests == 8 && set.maxRequests == 8 && unset.burstLimit == 200 && set.burstLimit == 200)
    #expect(unset.controlMode == 0o600 && set.controlMode == 0o600)
    #expect(unset.resultLifetime == .seconds(86_400) && set.resultLifetime == .seconds(86_400))
    #expect(unset.watchMode == .auto && set.allowPrivateResults == .no && unset.logLevel == set.logLevel)
    #expect(unset.settle == nil && unset.dailyCredits == nil && unset.exclude.isEmpty)
  }

  @Test(arguments: ["1ms", "500ms", "1s", "90s", "2m", "36h", "24h", "30d"])
  func durationsAreWrittenAsTheyAreRead(_ text: String) throws {
    #expect(DurationText.written(try #require(DurationText.parse(text))) == text)
  }

  @Test(arguments: ["", "s", "5", "5 s", " 5s", "5s ", "5S", "5sec", "1.5s", "-5s", "٥s", "5\u{301}s", "1234567890s"])
  func whatIsNoDurationIsNone(_ text: String) { #expect(DurationText.parse(text) == nil) }
}
