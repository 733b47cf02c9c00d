import Foundation
import ProgramKit
import TestKit
import Testing

/// Output that gets lost, and addresses that cannot be had: a script must not take half for the whole.
@Suite(.serialized) struct OutputTests {
  @Test(arguments: [["status"], ["status", "--json"], ["plan", "--json"]])
  func whatCannotBeWrittenIsAnError(_ words: [String]) async throws {
    let bench = try await Fixture(["cat": "a cat"])
    #expect(try await bench.once().code == 0)
    let paths = words[0] == "plan" ? [bench.root.path] : []
    let run = try await bench.run(
      words[0], Array(words.dropFirst()) + paths, through: ["/bin/sh", "-c", "exec \"$@\" > /dev/full", "sh"])
    #expect(run.code == 74 && run.log.contains("Standard output") && run.log.contains("No space left"), "\(run)")
  }

  @Test func aReaderThatHasSeenEnoughIsNoError() async throws {
    let bench = try await Fixture(["cat": "a cat"])
    #expect(try await bench.once().code == 0)
    let run = try await bench.run("status", through: ["/bin/sh", "-c", "\"$@\" | true", "sh"])
    #expect(run.code == 0 && !run.log.contains("Standard output"), "\(run)")
  }

  @Test func aPortThatIsInUseIsSaid() async throws {
    let bench = try await Fixture()
    let port = try #require(URL(string: bench.sandbox.baseURL)?.port)
    let sandbox = try ChildProcess("promptdrop", ["sandbox", "--port", "\(port)"])
    #expect(try await sandbox.wait(within: .seconds(20)) == .exited(78))
    let said = sandbox.standardError
    #expect(said.contains("\(port)") && said.contains("in use") && said.contains("--port 0"), "\(said)")
    #expect(!said.contains("descriptor"))
    let wrong = try ChildProcess("promptdrop", ["sandbox", "--port", "70000"])
    #expect(try await wrong.wait(within: .seconds(20)) == .exited(64))
    let watch = try await bench.once([
      "--listen": "127.0.0.1:\(port)", "--public-url": "http://127.0.0.1:\(port)",
    ])
    #expect(watch.code == 78 && watch.log.contains("listen"), "\(watch)")
  }
}
