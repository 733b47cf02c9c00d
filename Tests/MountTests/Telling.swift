import Foundation
import ProgramKit
import TestKit
import Testing

/// What `status --json` says of a folder, as any script reads it.
struct FolderAnswer: Decodable, Sendable {
  let path: String, mode: String
  let filesystem: String?, message: String?, hint: String?
  let interval: Double?

  /// Whether it says why, and what to do.
  var explains: Bool { message?.isEmpty == false && hint?.isEmpty == false }
}

/// The parts of `status --json` that matter here.
struct StatusAnswer: Decodable, Sendable {
  struct Line: Decodable, Sendable {
    let file: String, state: String
    let message: String?
  }
  let schema: String
  let folders: [FolderAnswer]
  let waiting: [Line]
  /// How many prompts are in each state.
  let counts: [String: Int]

  /// What is said of a folder.
  func folder(_ path: String) -> FolderAnswer? { folders.first { $0.path == path } }
}

extension ChildProcess {
  /// The messages, with their hints, that were logged with a code.
  func logged(_ code: String) -> [String] {
    standardError.split(separator: "\n").compactMap { line in
      // Programs that start the agent may write lines of their own.
      let fields = try? JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
      guard let fields, fields["code"] as? String == code else { return nil }
      return fields["message"] as? String
    }
  }
}

extension Fixture {
  /// Looked through only where a folder cannot be watched, and where that is what is tested.
  static let mountFlags: [String: String?] = [
    "--log-format": "json", "--burst-limit": "0", "--rescan": "0s", "--poll-interval": "500ms",
  ]

  /// Starts an agent, and does not wait for it. Folders are below `root`; none: `root` itself.
  func begin(
    _ flags: [String: String?] = [:], folders: [String] = [""], through wrapper: [String] = []
  ) throws -> ChildProcess {
    try start(
      "watch", Self.mountFlags.merging(flags) { $1 }, roots: folders.map { root.path($0) }, through: wrapper)
  }

  /// Makes the folders, starts an agent, and returns once it watches: when a prompt of its own in the last folder has been taken note of.
  func agent(
    _ flags: [String: String?] = [:], folders: [String] = [""], through wrapper: [String] = []
  ) async throws -> ChildProcess {
    for folder in folders { try root.makeFolder(folder) }
    let agent = try begin(flags, folders: folders, through: wrapper)
    let folder = folders.last.flatMap { $0.isEmpty ? nil : $0 + "/" } ?? ""
    // An empty prompt costs nothing and gets a sidecar: that is the moment.
    try root.write("\(folder)is-it-there.prompt", "")
    try await eventually(within: .seconds(30), "the agent watches: \(agent.standardError)") {
      root.exists("\(folder)is-it-there.status.json") || agent.ending != nil
    }
    try #require(agent.ending == nil, "the agent ended: \(agent.standardError)")
    try root.remove("\(folder)is-it-there.prompt")
    try await eventually(within: .seconds(30), "the agent noticed a deletion: \(agent.standardError)") {
      !root.exists("\(folder)is-it-there.status.json")
    }
    return agent
  }

  /// How things stand.
  func reported() async throws -> StatusAnswer {
    let run = try await run("status", ["--json"])
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    return try decoder.decode(StatusAnswer.self, from: Data(run.out.utf8))
  }

  /// Waits until `status` gives a folder, a path below `root`, one of the modes.
  @discardableResult
  func waitForFolder(
    _ name: String, _ modes: String..., within limit: Duration = .seconds(15),
    sourceLocation: SourceLocation = #_sourceLocation
  ) async throws -> FolderAnswer {
    var last: FolderAnswer?
    try await eventually(
      within: limit, "status says \(modes) of \(root.path(name))", sourceLocation: sourceLocation
    ) {
      last = try await reported().folder(root.path(name))
      return last.map { modes.contains($0.mode) } ?? false
    }
    return try #require(last)
  }

  /// Waits until each of the prompts is done, whose texts are their names.
  func waitForAll(
    _ names: [String], within limit: Duration = .seconds(60), _ agent: ChildProcess,
    sourceLocation: SourceLocation = #_sourceLocation
  ) async throws {
    var open = names[...]
    try await eventually(
      within: limit, "all are made: \(agent.standardError.suffix(4000))", sourceLocation: sourceLocation
    ) {
      while let name = open.first, root.exists("\(name).status.json"), try sidecar(name).state == "done" {
        open.removeFirst()
      }
      return open.isEmpty
    }
  }
}
