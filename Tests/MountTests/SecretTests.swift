import Foundation
import ProgramKit
import TestKit
import Testing

/// Keys as Docker and Kubernetes mount them. The agent runs as a user of its own, in a group of its own.
@Suite(.serialized) struct SecretTests {
  private static let user = 54_321
  private static let group = 54_322

  /// Works the folder off as that user, and says how that went.
  private func once(_ bench: Fixture, _ key: String) async throws -> Outcome {
    chmod(bench.root.path, 0o777)
    chmod(bench.home.path, 0o777)
    // The folders of tests lie below root's home, which only root may enter: the right to look everywhere opens that, and
    // lets nobody write anything.
    let setpriv = [
      try Machine.tool("setpriv"), "--reuid", "\(Self.user)", "--regid", "\(Self.group)", "--clear-groups",
      "--inh-caps", "+dac_read_search", "--ambient-caps", "+dac_read_search",
    ]
    return try await bench.once(
      ["--api-key-file": key], environment: ["PROMPTDROP_API_KEY": nil], through: setpriv)
  }

  private func write(_ path: String, _ mode: mode_t, group: Int = 0) throws {
    try Data(Fixture.key.utf8).write(to: URL(fileURLWithPath: path))
    chmod(path, mode)
    chown(path, 0, gid_t(group))
  }

  @Test func rootsFileForAGroupOfTheAgents() async throws {
    guard geteuid() == 0 else { return print("skipped: only root can make files of other users") }
    let bench = try await Fixture(["cat": "a cat"])
    let secrets = try TemporaryFolder()
    chmod(secrets.path, 0o755)
    try write(secrets.path("key"), 0o440, group: Self.group)
    let run = try await once(bench, secrets.path("key"))
    #expect(run.code == 0 && bench.posts.count == 1, "\(run)")
    // Another group's, or one that the group may change.
    for (mode, group) in [(mode_t(0o440), 54_399), (0o460, Self.group), (0o444, Self.group), (0o640, Self.group)] {
      try write(secrets.path("key"), mode, group: group)
      let refused = try await once(bench, secrets.path("key"))
      #expect(refused.code == 78 && bench.posts.count == 1, "\(String(mode, radix: 8)) \(group): \(refused)")
    }
  }

  @Test func aMountOfSecretsThatAllOfTheContainerCanRead() async throws {
    let place = try TemporaryFolder()
    chmod(place.path, 0o755)
    guard let mount = try Mount.make(.tmpfs, at: place.path("secrets")) else { return }
    defer { mount.end() }
    chmod(mount.path, 0o755)
    let bench = try await Fixture(["cat": "a cat"])
    // Kubernetes' way: key → ..data/key → ..2026/key.
    try FileManager.default.createDirectory(atPath: mount.path + "/..2026", withIntermediateDirectories: true)
    chmod(mount.path + "/..2026", 0o755)
    try write(mount.path + "/..2026/key", 0o444)
    #expect(symlink("..2026", mount.path + "/..data") == 0)
    #expect(symlink("..data/key", mount.path + "/key") == 0)
    let run = try await once(bench, mount.path + "/key")
    #expect(run.code == 0 && bench.posts.count == 1, "\(run)")

    // A link from elsewhere into it, a link out of it, a mount that the agent can write, the root's own mount.
    #expect(symlink(mount.path + "/..2026/key", place.path("link")) == 0)
    try write(place.path("outside"), 0o444)
    #expect(symlink(place.path("outside"), mount.path + "/out") == 0)
    for path in [place.path("link"), mount.path + "/out", place.path("outside")] {
      let refused = try await once(bench, path)
      #expect(refused.code == 78 && refused.log.contains("0440") && bench.posts.count == 1, "\(path): \(refused)")
    }
    chmod(mount.path, 0o777)
    let writable = try await once(bench, mount.path + "/key")
    #expect(writable.code == 78, "\(writable)")
    try Machine.run("mount", ["-o", "remount,ro", mount.path])
    try bench.root.write("dog.prompt", "a dog")
    let readOnly = try await once(bench, mount.path + "/key")
    #expect(readOnly.code == 0 && bench.posts.count == 2, "\(readOnly)")
  }

  // Docker's way for a single file: the file itself is the mount.
  @Test func aFileThatIsAMount() async throws {
    guard geteuid() == 0 else { return print("skipped: only root can mount") }
    let place = try TemporaryFolder()
    chmod(place.path, 0o755)
    try write(place.path("host-key"), 0o444)
    try place.write("key", "")
    let bench = try await Fixture(["cat": "a cat"])
    let isMounted: Void? = try Machine.allowed("a bind mount of a file") {
      try Machine.run("mount", ["--bind", place.path("host-key"), place.path("key")])
    }
    guard isMounted != nil else { return }
    let undo = try Undo("umount -l \"$1\"", [place.path("key")])
    defer { undo.end() }
    let run = try await once(bench, place.path("key"))
    #expect(run.code == 0 && bench.posts.count == 1, "\(run)")
  }
}
