import JobCore
import PromptFile
import TestKit
import Testing

@testable import Agent

extension AgentFixture {
  // MARK: the folder

  func root(_ number: Int) -> String { number == 1 ? firstRoot : secondRoot }
  private var firstRoot: String { place.exists("root") ? "root" : "a" }
  private var secondRoot: String { "b" }

  /// The prompt of this name, `cat` for `cat.prompt`.
  func key(_ name: String, root: Int = 1) -> FileKey {
    FileKey(root: RootID(Int64(root)), path: DropPath("\(name).prompt"))
  }

  /// Writes prompts, each with its name as text unless another is given, and waits until the watcher has told of them.
  func drop(_ names: [String], text: String? = nil, root: Int = 1) async throws {
    let before = names.map { process.watcher.sightings(key($0, root: root)) }
    for name in names { try place.write("\(self.root(root))/\(name).prompt", text ?? name) }
    let watcher = process.watcher
    for (name, count) in zip(names, before) {
      let key = key(name, root: root)
      try await eventually("\(name) is seen") { watcher.sightings(key) > count }
    }
    // The kernel's time stamps are of a coarser clock than the machine's: some files need a second look.
    try await pass(.milliseconds(20))
  }
  func drop(_ name: String, text: String? = nil, root: Int = 1) async throws {
    try await drop([name], text: text, root: root)
  }

  /// Deletes a prompt, and waits until that counts.
  func delete(_ name: String) async throws {
    let (watcher, key) = (process.watcher, key(name))
    try place.remove("\(root(1))/\(name).prompt")
    try await eventually("\(name) is missed") { watcher.losses(key) > 0 }
    try await pass(.seconds(3))
  }

  // MARK: what is known

  func job(_ name: String, root: Int = 1) async throws -> Job? {
    let journal = process.journal.inner
    guard let known = try await journal.known([key(name, root: root)])[0] else { return nil }
    return try await journal.jobs([known.job])[0]
  }

  func state(_ name: String, root: Int = 1) async throws -> StateName? { try await job(name, root: root)?.state }

  func slots(_ name: String, root: Int = 1) async throws -> [Slot] {
    guard let job = try await job(name, root: root) else { return [] }
    return try await process.journal.inner.slots(of: job.id, revision: job.current)
  }

  /// The states of a prompt's pictures, in the order of the alphabet.
  func words(_ name: String) async throws -> [String] { try await slots(name).map(\.state.name.rawValue).sorted() }

  func reason(_ name: String, root: Int = 1) async throws -> HeldReason? {
    let slot = try await slots(name, root: root).first { $0.state.name == .held }
    guard case .held(let held)? = slot?.state else {
      return nil
    }
    return held.reason
  }

  func census() async throws -> [StateName: Int] {
    try await process.journal.inner.census(roots: (1...2).map { RootID(Int64($0)) })
  }

  func sidecar(_ name: String, root: Int = 1) throws -> StatusSidecar? {
    let file = "\(self.root(root))/\(name).status.json"
    guard place.exists(file) else { return nil }
    return PromptReader(.init(model: "", agentName: "")).sidecar(try place.bytes(file))
  }

  func hasPicture(_ name: String, of prompt: String? = nil, root: Int = 1) throws -> Bool {
    let file = "\(self.root(root))/\(name).png"
    guard place.exists(file) else { return false }
    let bytes = try place.bytes(file)
    return service.tasks.contains { $0.prompt == prompt ?? name && ScriptedService.picture($0.number) == bytes }
  }

  func answer(_ request: CommandRequest) async -> CommandReply { await process.pipeline.answer(request) }

  func ask(
    _ verb: CommandRequest.Verb, _ names: [String] = [], decision: CommandRequest.Decision? = nil, reason: String? = nil
  ) async -> CommandReply {
    await answer(
      CommandRequest(
        verb, paths: names.map { Array(place.path("\(root(1))/\($0)").utf8) }, decision: decision, reason: reason))
  }

  func resolve(_ name: String, _ decision: CommandRequest.Decision) async -> CommandReply {
    await ask(.resolve, ["\(name).prompt"], decision: decision)
  }

  /// The service calls back: whether it is told that this is written down.
  func callback(_ post: ScriptedService.Post?, _ taskID: String) async throws -> Bool {
    let secret = try #require(post?.secret)
    return await process.pipeline.received(secret: secret, taskID: taskID)
  }
}

extension CommandReply {
  /// What became of each file: whether it is done.
  var oks: [Bool] { files.map { $0.ok } }
  /// Why nothing is submitted.
  var stopReasons: [String]? { status?.stops.map { $0.reason } }
}

/// Names of prompts: `p000`, `p001`, ….
func names(_ count: Int) -> [String] {
  (0..<count).map { number in "p" + String(repeating: "0", count: 3 - min(3, "\(number)".count)) + "\(number)" }
}

let day: Duration = .seconds(86_400)
