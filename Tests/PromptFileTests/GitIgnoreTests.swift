import Foundation
import JobCore
import TestKit
import Testing

@testable import PromptFile

/// The patterns mean what they mean to git: random patterns in two places, random paths, and git as the judge.
@Suite struct GitIgnoreTests {
  private static let parts = [
    "a", "b", "c", "ab", "*", "**", "?", "[ab]", "[!a]", "[b-c]", "[[:alpha:]]", "\\*", "/", "/", "/", "/**/", "**/",
    "/**",
    "x.y", ".", "]", "-", " ", "é",
  ]
  private static let names = ["a", "b", "c", "ab", "ba", "abc", "x.y", "*", "a*", "]", "-", ".", "a b", "é", "aé"]

  private func pattern(_ random: inout SplitMix64) -> String {
    let body = (0..<Int.random(in: 1...5, using: &random)).map { _ in random.one(of: Self.parts) }.joined()
    return (Int.random(in: 0..<4, using: &random) == 0 ? "!" : "") + body
  }

  private func path(_ random: inout SplitMix64) -> String {
    let names = Self.names.filter { $0 != "." }
    return (0..<Int.random(in: 1...4, using: &random)).map { _ in random.one(of: names) }.joined(separator: "/")
  }

  // What git and its own manual disagree on (`x**` before a slash, mended in git 2.52), and what is an error here.
  private func isComparable(_ pattern: String) -> Bool {
    guard pattern.firstMatch(of: /[^\/*!]\*\*|^!?\*\*[^\/*]/) == nil, pattern != "", pattern != "!" else {
      return false
    }
    do {
      return try ExcludePattern(pattern) != nil
    } catch {
      return false
    }
  }

  @Test(arguments: SplitMix64.seeds(3)) func sameAsGit(seed: UInt64) async throws {
    var random = SplitMix64(seed: seed)
    let place = try TemporaryFolder()
    let environment: [String: String?] = ["GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null"]
    let git = { (arguments: [String]) in
      let process = try ChildProcess("/usr/bin/git", arguments, environment: environment, folder: place.path)
      let ending = try await process.wait(within: .seconds(60))
      try #require(ending == .exited(0) || ending == .exited(1), "\(process.standardError)")
      return process.standardOutput
    }
    _ = try await git(["init", "-q", "."])
    try place.makeFolder("a")
    var leftOut = 0
    for _ in 0..<40 {
      let draw = { (count: Int) in
        var found: [String] = []
        while found.count < count {
          let next = self.pattern(&random)
          if self.isComparable(next) { found.append(next) }
        }
        return found
      }
      let (top, inner) = (draw(Int.random(in: 1...4, using: &random)), draw(Int.random(in: 0...3, using: &random)))
      try place.write(".gitignore", top.joined(separator: "\n") + "\n")
      try place.write("a/.gitignore", inner.joined(separator: "\n") + "\n")
      let paths = Set((0..<60).map { _ in path(&random) }).sorted().filter { $0 != "a" }
      let reported = try await git(["-c", "core.quotePath=false", "check-ignore", "--no-index", "--"] + paths)
      let ignored = Set(reported.split(separator: "\n").map(String.init))
      let far = try ExcludeRules(top, in: .root)
      let near = try ExcludeRules(inner, in: DropPath("a"))
      for path in paths {
        let rules = path.hasPrefix("a/") ? [near, far] : [far]
        let isLeftOut = ExcludeRules.place(that: DropPath(path), by: rules) != nil
        leftOut += isLeftOut ? 1 : 0
        try #require(
          isLeftOut == ignored.contains(path), "seed \(seed): \(path) by \(top), in a \(inner); git \(ignored)")
      }
    }
    #expect(leftOut > 100, "the patterns meet some paths")
  }
}
