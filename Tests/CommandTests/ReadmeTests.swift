import Foundation
import JobCore
import TestKit
import Testing

@testable import PromptdropCLI

/// The README promises what the code does.
@Suite struct ReadmeTests {
  private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  private func text(_ name: String) throws -> String {
    try String(contentsOf: Self.root.appendingPathComponent(name), encoding: .utf8)
  }

  @Test func tableOfSettingsIsTheCodes() throws {
    let readme = try text("README.md")
    let parts = readme.components(separatedBy: "<!-- settings: begin -->\n")
    let table = try #require(parts.last?.components(separatedBy: "\n<!-- settings: end -->").first)
    #expect(parts.count == 2)
    #expect(table == Setting.table, "Put this between the marks:\n\(Setting.table)")
  }

  @Test func tableOfSkippedFoldersIsTheCodes() throws {
    let parts = try text("README.md").components(separatedBy: "<!-- skipped folders: begin -->\n")
    let table = try #require(parts.last?.components(separatedBy: "\n<!-- skipped folders: end -->").first)
    #expect(parts.count == 2)
    #expect(table == SkippedFolders.readmeTable, "Put this between the marks:\n\(SkippedFolders.readmeTable)")
  }

  @Test func everySettingIsAFlag() throws {
    for setting in Setting.all {
      let value: String =
        switch setting.kind {
        case .duration: "7s"
        case .integer(let range): "\(range.upperBound)"
        case .choice(let words): words[0]
        default: "x"
        }
      let options = try SettingsOptions.parse(["--\(setting.name)", value])
      #expect(options.given == [setting.name: value])
    }
  }

  @Test(arguments: ["examples/try-it", "examples/install-packages", "Tests/run", ".ci/run"])
  func scriptsAreThereAndRun(_ name: String) throws {
    #expect(FileManager.default.isExecutableFile(atPath: Self.root.appendingPathComponent(name).path))
    if name != ".ci/run", name != "examples/install-packages" { #expect(try text("README.md").contains(name)) }
  }

  @Test func everyExitCodeOfTheHelpIsInTheTable() throws {
    let readme = try text("README.md")
    let codes = Promptdrop.configuration.discussion.matches(of: /\b(\d+) [a-z]/).map { String($0.output.1) }
    #expect(codes.count >= 10)
    for code in codes { #expect(readme.contains("| \(code) |"), "exit code \(code)") }
  }

  @Test func demoMakesItsPictures() async throws {
    let folder = try TemporaryFolder()
    let demo = try ChildProcess("promptdrop", ["demo", "--folder", folder.path("demo")])
    #expect(try await demo.wait(within: .seconds(60)) == .exited(0), "\(demo.standardError)")
    #expect(demo.standardOutput.contains("lighthouse.png  512×512"))
    #expect(try folder.list("demo/drop").contains("market-2.png"))
  }
}
