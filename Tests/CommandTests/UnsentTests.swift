import Foundation
import ProgramKit
import TestKit
import Testing

/// A kill between the intent and the first byte of the request holds nothing; one byte later it does.
@Suite(.serialized) struct UnsentTests {
  // Connections come about, and nothing is ever read: with TLS the request waits for a handshake that does not happen.
  private func killed(_ scheme: String) async throws -> Fixture {
    let bench = try await Fixture(["cat": "cat"])
    for _ in 0..<2 {
      let deaf = try Loopback.Deaf()
      let flags = ["--api-url": "\(scheme)://127.0.0.1:\(deaf.port)", "--connect-timeout": "60s"]
      let agent = try bench.start("watch", flags)
      // Something waits to be read: the connection is there, and the intent has been written down before.
      try await eventually("it connects: \(agent.standardError)") { deaf.hasBytes() }
      agent.terminate(SIGKILL)
      try await agent.wait()
      #expect(try bench.isIn("cat", "submitting"))
      guard scheme == "https" else { break }
    }
    return bench
  }

  @Test func whatWasNotSentIsSimplySent() async throws {
    let bench = try await killed("https")
    let run = try await bench.once()
    let sidecar = try bench.sidecar("cat")
    #expect(run.code == 0 && sidecar.state == "done" && bench.posts.count == 1, "\(run)\(sidecar.text)")
    #expect(sidecar.attempts.map(\.outcome) == ["not-sent", "not-sent", "accepted"], "\(sidecar.text)")
  }

  @Test func whatMayHaveBeenSentIsHeld() async throws {
    let bench = try await killed("http")
    let run = try await bench.once()
    #expect(run.code == 1 && bench.posts.isEmpty, "\(run)")
    #expect(try bench.sidecar("cat").reason == "submission-outcome-unknown")
  }
}
