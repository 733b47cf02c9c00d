import JobCore
import PromptFile
import TestKit
import Testing

@Suite struct SidecarReadingTests {
  private static let reader = PromptReader(.init(model: "m", agentName: "desk"))
  private static let text = """
    {"schema": "promptdrop.status/1", "state": "done", "reason": null, "source": "cat.prompt", "job_id": "j1",
     "revision": 1, "owner": null, "prompt_sha256": "aa", "source_sha256": "bb", "list_sha256": null,
     "request_sha256": "cc", "model": "m",
     "parameters": {"aspect_ratio": "16:9", "image_size": null, "count": 1, "extra": {"seed": 7, "list": [1, [2.5]]}},
     "images": [{"url": "https://i.example/a"}, {"path": "a/b.png", "sha256": "dd", "bytes": 7}],
     "attempts": [{"revision": 1, "slot": 1, "n": 1, "attempt_id": "t1", "outcome": "accepted", "task_id": "ta1",
       "boot_id": "b1", "started_at": "2026-01-31T09:00:00.000Z", "ended_at": null}],
     "outputs": [{"file": "cat.png", "revision": 1, "slot": 1, "sha256": "ee", "bytes": 5, "width": 3, "height": 4,
       "media_type": "image/png"}],
     "service_status": "success", "consumed": "0.500000", "may_have_been_paid_twice": false, "inputs_changed": false,
     "error": {"code": "c", "message": "m", "hint": null, "retryable": true}, "next_attempt_at": null,
     "times": {"created_at": "2026-01-31T09:00:00.000Z", "updated_at": "2026-01-31T09:00:01.000Z",
       "submitted_at": null}, "agent": {"version": "1", "host": "h"}, "later": [1, {"a": null}]}
    """

  @Test func `A sidecar is read, what a later version added is ignored`() throws {
    let sidecar = try #require(Self.reader.sidecar(Array(Self.text.utf8)))
    #expect(sidecar.state == .done && sidecar.jobID == "j1" && sidecar.revision == 1 && sidecar.count == 1)
    #expect(sidecar.identity == Identity(prompt: "aa", source: "bb", list: nil, request: "cc"))
    #expect(sidecar.consumed == "0.500000" && sidecar.taskID(slot: 1) == "ta1")
    #expect(sidecar.outputs.first?.file == "cat.png")
    #expect(sidecar.snapshot?.images.count == 2)
  }

  @Test func `What is written is read back`() throws {
    let sidecar = try #require(Self.reader.sidecar(Array(Self.text.utf8)))
    #expect(Self.reader.sidecar(sidecar.encoded()) == sidecar)
  }

  @Test(arguments: ["", "{}", "[]", "null", "{\"schema\": \"other/1\"}", "{\"schema\": \"promptdrop.status/2\"}", "{"])
  func `What is no sidecar is none`(text: String) {
    #expect(Self.reader.sidecar(Array(text.utf8)) == nil)
    #expect(Self.reader.sidecar(Array("{\"schema\": \"promptdrop.status/1\"".utf8)) == nil)
  }

  @Test func `No truncation is read`() {
    let bytes = Array(Self.text.utf8)
    for count in 0..<bytes.count {
      #expect(Self.reader.sidecar(Array(bytes[..<count])) == nil, "cut at \(count)")
    }
  }

  @Test(arguments: SplitMix64.seeds())
  func `Damaged sidecars never crash, and what is believed can be written`(seed: UInt64) async {
    var random = SplitMix64(seed: seed)
    let tokens = [
      "null", "-1", "1e999", "99999999999999999999", "\"\\ud800\"", "{}", "[]", "\u{0}", "true", "1.5", "\"",
    ]
    for round in 0..<1500 {
      if round % 20 == 0 { await Task.yield() }
      var bytes = Array(Self.text.utf8)
      for _ in 0...Int.random(in: 0..<4, using: &random) {
        let at = Int.random(in: 40..<bytes.count, using: &random)
        switch Int.random(in: 0..<4, using: &random) {
        case 0: bytes[at] = UInt8.random(in: 0...255, using: &random)
        case 1: bytes.remove(at: at)
        case 2: bytes.insert(contentsOf: random.one(of: tokens).utf8, at: at)
        default:
          if let colon = bytes[at...].firstIndex(of: 58), let end = bytes[colon...].firstIndex(of: 44) {
            bytes.replaceSubrange((colon + 1)..<end, with: random.one(of: tokens).utf8)
          }
        }
      }
      if let sidecar = Self.reader.sidecar(bytes) { #expect(!sidecar.encoded().isEmpty) }
    }
  }

  @Test(arguments: ["[", "{\"a\":"])
  func `Endless nesting does not crash`(part: String) async {
    await #expect(processExitsWith: .success) { [part] in
      let reader = PromptReader(.init(model: "m", agentName: "desk"))
      for place in ["later", "parameters", "images"] {
        for depth in [400, 600, 100_000] {
          let text =
            "{\"schema\": \"promptdrop.status/1\", \"\(place)\": "
            + (place == "parameters" ? "{\"count\": 1, \"extra\": {\"a\": " : "")
            + String(repeating: part, count: depth)
          _ = reader.sidecar(Array(text.utf8))
        }
      }
    }
  }
}
