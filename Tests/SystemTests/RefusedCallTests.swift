import Foundation
import ProgramKit
import TestKit
import Testing

/// Filters that refuse openat2, as systemd's `RestrictSUIDSGID=yes` and older container runtimes do.
@Suite(.serialized) struct RefusedCallTests {
  // What kernels and filters answer to a call that they do not know or allow, and to arguments that they do not know.
  @Test(arguments: [ENOSYS, EPERM, EACCES, EINVAL, E2BIG])
  func openat2IsNotNeeded(_ error: Int32) async throws {
    let bench = try await Fixture(["cat": "a cat"])
    try bench.root.write("a/b/c/dog.prompt", "a dog")
    try bench.root.write("secret/cow.prompt", "a cow")
    try bench.root.makeFolder("drop")
    try bench.root.rename("a", to: "drop/a")
    let link = bench.root.path("drop/link")
    try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: bench.root.path("secret"))
    let run = try await bench.once(
      roots: [bench.root.path("drop")], through: Seccomp.refusing(.openat2(error), in: bench.home))
    #expect(run.code == 0 && bench.paid == ["a dog"], "\(run)")
    #expect(bench.root.exists("drop/a/b/c/dog.png"))
    #expect(try bench.root.list("secret") == ["cow.prompt"])
  }

  @Test(arguments: ["once", "watch"]) func noSafeWayEndsWith71(_ command: String) async throws {
    let bench = try await Fixture(["cat": "a cat"])
    let agent = try bench.start(
      command, through: Seccomp.refusing(.openat2(ENOSYS), .openatPath(EPERM), in: bench.home))
    let run = try await bench.end(of: agent)
    #expect(run.code == 71 && bench.posts.isEmpty, "\(run)")
    #expect(
      run.log.contains("openat2 answers \"Function not implemented\"") && run.log.contains("Operation not permitted")
        && run.log.contains("SystemCallFilter=@system-service"), "\(run)")
    #expect(try bench.names() == ["cat.prompt"])
  }
}
