import Foundation
import JobCore
import TestKit
import Testing

@Suite struct StatusSidecarTests {
  private func sidecar(_ job: Job) -> StatusSidecar {
    StatusSidecar(of: job, now: start + .seconds(60), agentVersion: "1.0.0", agentHost: "studio")
  }

  private func decode(_ bytes: [UInt8]) throws -> StatusSidecar {
    try JSONDecoder().decode(StatusSidecar.self, from: Data(bytes))
  }

  /// A job with one picture in the state given.
  private func job(_ slots: [Slot], count: Int = 1) -> Job {
    let revision = Revision(
      number: 1, identity: Identity(prompt: "aa", source: "bb", list: nil, request: "cc"),
      snapshot: Snapshot(
        prompt: "A secret cat.", model: "google/gempix2", images: [ImageInput(url: "https://images.example/a.png")],
        aspectRatio: "1:1", extra: ["seed": .integer(7)]),
      count: count, takenAt: start)
    let picture = Output(
      slot: slotKey, part: 1, number: 1, file: Array("cat.png".utf8), sha256: "dd", bytes: 99,
      image: ImageInfo(format: .png, width: 2, height: 3), temporary: nil)
    return makeJob(slots, revisions: [revision], outputs: [picture])
  }

  @Test(arguments: SplitMix64.seeds())
  func whatIsWrittenIsReadTheSame(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    for round in 0..<150 {
      let written = sidecar(random.job())
      let bytes = written.encoded()
      try #require(bytes == written.encoded() && bytes.last == 10, "seed \(seed), round \(round)")
      try #require(StatusSidecar.isOurs(bytes), "seed \(seed), round \(round)")
      try #require(StatusSidecar.isOfDone(bytes) == (written.state == .done), "seed \(seed), round \(round)")
      var expected = written
      // The prompt's own text stays in the prompt.
      expected.snapshot?.prompt = ""
      let read = try decode(bytes)
      try #require(read == expected, "seed \(seed), round \(round): \(String(decoding: bytes, as: UTF8.self))")
      try #require(read.encoded() == bytes, "seed \(seed), round \(round)")
    }
  }

  @Test func theFormatIsWhatItIs() throws {
    var done = try #require(slot(.fetching(Fetching(task: task, results: oneURL))).on(.published)).slot
    done.attempts[0].requestSHA = "ee"
    done.attempts[0].callbackSHA = "ff"
    done.attempts[0].reserved = "0.5"
    let expected = """
      {
        "schema": "promptdrop.status/1",
        "state": "done",
        "reason": null,
        "source": "cat.prompt",
        "job_id": "7f3e0000-0000-4000-8000-000000000001",
        "revision": 1,
        "owner": null,
        "prompt_sha256": "aa",
        "source_sha256": "bb",
        "list_sha256": null,
        "request_sha256": "cc",
        "model": "google/gempix2",
        "parameters": {
          "aspect_ratio": "1:1",
          "image_size": null,
          "count": 1,
          "extra": {
            "seed": 7
          }
        },
        "images": [
          {
            "url": "https://images.example/a.png"
          }
        ],
        "attempts": [
          {
            "revision": 1,
            "slot": 1,
            "n": 1,
            "attempt_id": "attempt-1",
            "outcome": "accepted",
            "task_id": "\(taskID)",
            "boot_id": "boot-1",
            "request_sha256": "ee",
            "callback_secret_sha256": "ff",
            "reserved": "0.5",
            "started_at": "2026-01-31T09:00:00.000Z",
            "ended_at": "2026-01-31T09:00:00.000Z"
          }
        ],
        "outputs": [
          {
            "file": "cat.png",
            "revision": 1,
            "slot": 1,
            "sha256": "dd",
            "bytes": 99,
            "width": 2,
            "height": 3,
            "media_type": "image/png"
          }
        ],
        "service_status": null,
        "consumed": null,
        "may_have_been_paid_twice": false,
        "inputs_changed": false,
        "error": null,
        "next_attempt_at": null,
        "times": {
          "created_at": "2026-01-31T09:00:00.000Z",
          "updated_at": "2026-01-31T09:01:00.000Z",
          "submitted_at": "2026-01-31T09:00:00.000Z"
        },
        "agent": {
          "version": "1.0.0",
          "host": "studio"
        }
      }

      """
    #expect(String(decoding: sidecar(job([done])).encoded(), as: UTF8.self) == expected)
  }

  @Test func unknownKeysAreIgnoredAndLaterOnesMayBeMissing() throws {
    let written = sidecar(job([slot(.submitted(task))]))
    let parsed = try JSONSerialization.jsonObject(with: Data(written.encoded()))
    var fields = try #require(parsed as? [String: Any])
    fields["from_the_future"] = ["a": [1, 2]]
    var attempts = try #require(fields["attempts"] as? [[String: Any]])
    attempts[0]["from_the_future"] = true
    fields["attempts"] = attempts
    for name in ["may_have_been_paid_twice", "inputs_changed", "reason", "owner", "error"] { fields[name] = nil }
    var expected = written
    expected.snapshot?.prompt = ""
    #expect(try decode(Array(JSONSerialization.data(withJSONObject: fields))) == expected)
  }

  @Test(arguments: [
    (#""promptdrop.status/1""#, #""promptdrop.status/2""#), (#""state": "submitted""#, #""state": "new""#),
    (#""outcome": "accepted""#, #""outcome": "perhaps""#), (#""revision": 1"#, #""revision": "1""#),
    (#""started_at": "2026"#, #""started_at": "now-"#), (#""attempts": ["#, #""attempted": ["#), ("}\n", ""),
  ])
  func whatIsNoSidecarIsRefused(part: String, instead: String) {
    let text = String(decoding: sidecar(job([slot(.submitted(task))])).encoded(), as: UTF8.self)
    let broken = text.replacingOccurrences(of: part, with: instead)
    #expect(broken != text)
    #expect(throws: DecodingError.self) { try decode(Array(broken.utf8)) }
  }

  @Test(arguments: [
    "", "{}", #"{"schema": "promptdrop.status/2"}"#, #"{"status": "done"}"#, "promptdrop.status/1",
    String(repeating: " ", count: 200) + #"{"schema": "promptdrop.status/1"}"#,
  ])
  func whatIsNotOurs(text: String) {
    #expect(!StatusSidecar.isOurs(Array(text.utf8)))
  }

  @Test func tellsWhoWroteIt() throws {
    let writer = SidecarWriter(id: "0123456789abcdef", run: "3-fedcba9876543210", machine: "0011223344556677")
    for writer in [writer, SidecarWriter(id: writer.id, run: writer.run, machine: nil)] {
      let reported = StatusSidecar(
        of: job([slot(.done)]), now: start, agentVersion: "1", agentHost: "h", writer: writer)
      #expect(reported.owner == writer.id)
      #expect(try decode(reported.encoded()).writer == writer)
    }
    #expect(try decode(sidecar(job([slot(.done)])).encoded()).writer == nil, "as earlier versions wrote it")
  }

  @Test func neitherThePromptNorADataURIIsRepeated() {
    let inline = slot(.fetching(Fetching(task: task, results: [.inline(dataURI: "data:image/png;base64,AAAA")])))
    let text = String(decoding: sidecar(job([inline])).encoded(), as: UTF8.self)
    #expect(!text.contains("A secret cat.") && !text.contains("base64"))
  }

  @Test(
    arguments: [
      (slot(.held(Held(reason: .taskLost, error: trouble("task-lost"), task: task))), "task-lost", "task-lost", nil),
      (slot(.queued(Queued(notBefore: start, error: trouble("busy")))), "busy", "busy", start),
      (slot(.queued(Queued(notBefore: start))), nil, nil, start),
      (slot(.failed(trouble("refused"))), "refused", "refused", nil),
      (slot(.cancelled(.superseded)), "superseded", nil, nil), (slot(.submitted(task)), nil, nil, nil),
    ] as [(Slot, String?, String?, Timestamp?)])
  func tellsWhyAndWhen(slot: Slot, reason: String?, code: String?, next: Timestamp?) {
    let reported = sidecar(job([slot]))
    #expect(reported.state == slot.state.name && reported.reason == reason)
    #expect(reported.error?.code == code.map { ErrorCode(rawValue: $0) } && reported.nextAttemptAt == next)
  }

  @Test func theSlotThatSpeaksIsTheOneThatTheStateComesFrom() {
    var second = slot(.queued(Queued(notBefore: start + .seconds(9), error: trouble("busy"))))
    second = Slot(key: SlotKey(job: slotKey.job, revision: 1, number: 2), state: second.state)
    let reported = sidecar(job([slot(.done), second], count: 2))
    #expect(reported.state == .queued && reported.reason == "busy" && reported.nextAttemptAt == start + .seconds(9))
    #expect(reported.attempts.count == 1 && reported.submittedAt == start)
  }

  @Test func aNoteSpeaksFirst() {
    var noted = job([slot(.queued(Queued(notBefore: start)))])
    noted.note = note(.failed, "front-matter")
    let reported = sidecar(noted)
    #expect(reported.state == .failed && reported.reason == "front-matter" && reported.error?.code == "front-matter")
    #expect(reported.nextAttemptAt == nil)
  }

  @Test func knowsTheTaskOfAPicture() {
    let reported = sidecar(job([slot(.submitted(task))]))
    #expect(reported.taskID(slot: 1) == taskID && reported.taskID(slot: 2) == nil)
  }

  /// Trouble of the whole service shows in what is on its way, and nowhere else; a trouble of one's own comes first.
  @Test func theServicesTroubleShowsInWhatIsInFlight() {
    let service = trouble("service-down")
    func reported(_ slot: Slot) -> JobError? {
      StatusSidecar(of: job([slot]), now: start, agentVersion: "1", agentHost: "h", service: service).error
    }
    #expect(reported(slot(.submitted(task)))?.code == "service-down")
    #expect(reported(slot(.fetching(Fetching(task: task, results: oneURL))))?.code == "service-down")
    #expect(reported(slot(.fetching(Fetching(task: task, results: oneURL, error: trouble("net")))))?.code == "net")
    #expect(reported(slot(.done)) == nil)
    #expect(reported(slot(.queued(Queued()))) == nil, "not in a hundred thousand that wait")
    #expect(reported(slot(.failed(trouble("refused"))))?.code == "refused")
  }

  /// A sidecar of a version that did not yet have the newer fields of an attempt.
  @Test func anAttemptOfAnEarlierVersionIsRead() throws {
    let text = String(decoding: sidecar(job([slot(.submitted(task))])).encoded(), as: UTF8.self)
    let newer = ["request_sha256", "callback_secret_sha256", "reserved"].map { "      \"\($0)\": null,\n" }
    let older = newer.reduce(text) { $0.replacingOccurrences(of: $1, with: "") }
    #expect(text.count - older.count == newer.map(\.count).reduce(0, +))
    let attempt = try #require(try decode(Array(older.utf8)).attempts.first?.attempt)
    #expect(attempt.requestSHA == nil && attempt.callbackSHA == nil && attempt.reserved == nil)
    #expect(attempt.taskID == taskID)
  }

  @Test func aSecondTaskShows() {
    var surplus = slot(.submitted(TaskRef(taskID: "ta-second", acceptedAt: start)))
    surplus = Slot(
      key: SlotKey(job: slotKey.job, revision: 1, number: SlotKey.surplusBase + 1), state: surplus.state,
      attempts: surplus.attempts)
    let reported = sidecar(job([slot(.done), surplus]))
    #expect(reported.mayHaveBeenPaidTwice && reported.state == .submitted)
    #expect(reported.attempts.compactMap(\.attempt.taskID) == [taskID, "ta-second"])
  }

  /// A service that names an absurd time to come back must not make the sidecar unreadable.
  @Test func anAbsurdRetryAfterCanBeReadBack() throws {
    let wanted = failure(.transient(retryAfter: .seconds(Int64.max / 2)))
    let waiting = try #require(slot(.submitting).on(.posted(.notAccepted(wanted, reached: true)))).slot
    #expect(throws: Never.self) { try decode(sidecar(job([waiting])).encoded()) }
  }
}
