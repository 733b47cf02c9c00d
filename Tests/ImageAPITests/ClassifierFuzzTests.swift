import JobCore
import NIOCore
import TestKit
import Testing

@testable import ImageAPI

/// Answers of any kind, without a network: no crash, no empty words, and never a refusal where an id may have been given.
@Suite struct SortingFuzzTests {
  private static let samples = [
    "{\"code\":0,\"message\":\"ok\",\"data\":{\"task_id\":\"ta1\"}}",
    "{\"code\":1,\"message\":\"failed\",\"detail\":\"prompt is required\"}",
    "{\"code\":0,\"message\":\"ok\",\"data\":{\"task_id\":\"ta1\",\"status\":\"success\",\"result\":[{\"image\":"
      + "\"https://i.example/a.png\"},{\"text\":\"no\"}],\"consumed\":\"0.500000\",\"status_reason\":{\"message\":null}}}",
    "{\"code\":1,\"message\":\"task not found\"}", "<html>502 Bad Gateway</html>",
  ]
  private static let pieces = [
    "null", "0", "-1", "1e999", "1.5", "99999999999999999999", "\"\"", "\"\\ud800\"", "[]", "{}", "[[", ",", ":", "\0",
    "true", "\"code\":0,", "\"data\":null,",
  ]
  private static let statuses = [200, 201, 204, 301, 400, 401, 403, 404, 408, 413, 429, 499, 500, 503, 999]

  @Test(arguments: SplitMix64.seeds())
  func `Damaged answers`(seed: UInt64) async {
    var random = SplitMix64(seed: seed)
    let classifier = ResponseClassifier(now: ServiceFixture.now)
    for round in 0..<3000 {
      if round % 50 == 0 { await Task.yield() }
      var bytes = Array(random.one(of: Self.samples).utf8)
      for _ in 0...Int.random(in: 0..<3, using: &random) where !bytes.isEmpty {
        let at = Int.random(in: bytes.indices, using: &random)
        switch Int.random(in: 0..<4, using: &random) {
        case 0: bytes[at] = UInt8.random(in: 0...255, using: &random)
        case 1: bytes.remove(at: at)
        case 2: bytes.removeSubrange(at...)
        default: bytes.insert(contentsOf: random.one(of: Self.pieces).utf8, at: at)
        }
      }
      let answer = Exchange.Answer(
        status: random.one(of: Self.statuses), headers: ["Retry-After": random.one(of: Self.pieces)],
        body: ByteBuffer(bytes: bytes))
      let submitted = classifier.submitted(answer)
      if let error = submitted.error, error.code.rawValue.isEmpty || error.message.isEmpty {
        Issue.record("seed \(seed), round \(round): \(submitted)")
      }
      if answer.status >= 500 || answer.status == 408, !submitted.isUnknown {
        Issue.record("seed \(seed), round \(round): \(answer.status) \(submitted)")
      }
      if case .failed(let failure) = classifier.queried(answer), failure.consequence == .permanent {
        Issue.record("seed \(seed), round \(round): a query cannot make a job wrong")
      }
    }
  }
}
