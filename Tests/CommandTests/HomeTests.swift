import Foundation
import ProgramKit
import TestKit
import Testing

/// A user of a container that has no entry in the password database, and no HOME.
@Suite struct HomeTests {
  // The right to look everywhere: the folders of tests may lie below one that only root may enter.
  private static let unknown = [
    "/usr/bin/setpriv", "--reuid=59321", "--regid=59321", "--clear-groups", "--inh-caps=+dac_read_search",
    "--ambient-caps=+dac_read_search", "--",
  ]

  @Test(.enabled("needs root and setpriv") { getuid() == 0 && access("/usr/bin/setpriv", X_OK) == 0 })
  func noHomeFolderSaysWhatToSet() async throws {
    let bench = try await Fixture(["cat": "a cat"])
    let nowhere: [String: String?] = ["HOME": nil, "XDG_CONFIG_HOME": nil]
    for command in ["once", "watch"] {
      let agent = try bench.start(command, ["--state-dir": nil], environment: nowhere, through: Self.unknown)
      let run = try await bench.end(of: agent)
      #expect(run.code == 78 && bench.posts.isEmpty, "\(run)")
      for word in ["HOME is not set", "59321", "Set HOME", "--state-dir", "STATE_DIRECTORY"] {
        #expect(run.log.contains(word), "\(run)")
      }
    }
    // What it says works. The folders are this user's here.
    try #require(chmod(bench.root.path, 0o777) == 0 && chmod(bench.home.path, 0o777) == 0)
    let run = try await bench.once(
      ["--runtime-dir": bench.home.path("run")], environment: nowhere, through: Self.unknown)
    #expect(run.code == 0 && bench.root.exists("cat.png"), "\(run)")
  }
}
