import Agent
import ArgumentParser
import Control
import Foundation
import Glibc
import JobCore
import NIOPosix

/// Has a request answered: by the agent that watches the path, or, where none runs, from the journal.
struct CommandClient {
  let configuration: Configuration
  private let environment = ProcessInfo.processInfo.environment

  /// An answer, and who gave it.
  struct Answer {
    var reply: CommandReply
    /// The agent's process; nil: none runs.
    var pid: Int32?
    /// The state folder that was asked about; nil: it could not be asked.
    var state: String?
  }

  /// Asks for paths, which may belong to several agents; without paths the agent of the configured state. Throws
  /// `Assembly.Refusal`.
  func ask(_ request: CommandRequest, paths: [String], needsRoots: Bool) async throws -> [Answer] {
    let folders = AgentRegistry.directories(
      explicit: configuration.runtimeDir, environment: environment, uid: getuid())
    guard !paths.isEmpty else {
      let state = Self.canonical(try Assembly.statePath(configuration))
      let entry = AgentRegistry.find(state: state, in: folders).first
      return [try await ask(entry, state: state, request, roots: needsRoots ? nil : [])]
    }
    var groups: [(entry: AgentEntry?, paths: [String])] = []
    // A path that nobody watches is a matter for the agent of the configured state, if there is one: it says so.
    func own() throws(Assembly.Refusal) -> AgentEntry? {
      AgentRegistry.find(state: Self.canonical(try Assembly.statePath(configuration)), in: folders).first
    }
    for path in paths.map(Self.canonical) {
      let entry = try AgentRegistry.find(covering: Array(path.utf8), in: folders).first ?? own()
      if let index = groups.firstIndex(where: { $0.entry?.socket == entry?.socket }) {
        groups[index].paths.append(path)
      } else {
        groups.append((entry, [path]))
      }
    }
    var answers: [Answer] = []
    for group in groups {
      var part = request
      part.paths = group.paths.map { Array($0.utf8) }
      let state = try group.entry?.state ?? Assembly.statePath(configuration)
      do {
        answers.append(try await ask(group.entry, state: state, part, roots: needsRoots ? group.paths : []))
      } catch let refusal as Assembly.Refusal where groups.count > 1 {
        // What the others did has to be reported all the same.
        answers.append(Answer(reply: CommandReply(error: refusal.message), pid: nil))
      }
    }
    return answers
  }

  /// The path with the links of its folder followed; the last part may be missing.
  static func canonical(_ path: String) -> String {
    if let resolved = realpath(path, nil) {
      defer { free(resolved) }
      return String(cString: resolved)
    }
    let url = URL(fileURLWithPath: path)
    guard let resolved = realpath(url.deletingLastPathComponent().path, nil) else { return url.standardized.path }
    defer { free(resolved) }
    let folder = String(cString: resolved)
    return (folder == "/" ? "" : folder) + "/" + url.lastPathComponent
  }

  // `roots`: for the journal, the paths whose roots have to be opened; nil: all that are there.
  private func ask(
    _ entry: AgentEntry?, state: String, _ request: CommandRequest, roots: [String]?
  ) async throws -> Answer {
    var silence: ControlError?
    if let entry {
      do throws(ControlError) {
        let answer = try await ControlClient.ask(
          socket: entry.socket, try Self.encoded(request), timeout: .seconds(120),
          on: MultiThreadedEventLoopGroup.singleton)
        return Answer(reply: try Self.decoded(answer, entry.socket), pid: entry.pid, state: entry.state)
      } catch {
        silence = error
      }
    }
    do {
      return try await askJournal(state, request, roots)
    } catch let refusal as Assembly.Refusal {
      // Its entry is there, and the journal is not to be had: an agent lives, and nobody decides behind its back.
      guard let silence else { throw refusal }
      throw Assembly.Refusal(
        "An agent uses \(state), but it gave no answer: \(silence). It may have done it all the same: see promptdrop status.",
        ExitCodes.temporary.rawValue)
    }
  }

  private func askJournal(_ state: String, _ request: CommandRequest, _ wanted: [String]?) async throws -> Answer {
    guard FileManager.default.fileExists(atPath: state + "/journal.sqlite") || [.plan, .own].contains(request.verb)
    else {
      throw Assembly.Refusal(
        "No agent runs for this, and there is no journal in \(state). Name the right one with --state-dir.", 66)
    }
    let assembly: Assembly
    do throws(Assembly.Refusal) {
      assembly = try await Assembly(offline: configuration, state: state) { known in
        // Whose the folders are stands in them.
        request.verb == .status ? Self.there(known) : Self.rootsToOpen(known, request, wanted)
      }
    } catch {
      guard request.verb == .status, error.code != ExitCodes.inputOutput.rawValue else { throw error }
      // One of them cannot be had at present: what the journal knows is reported all the same.
      assembly = try await Assembly(offline: configuration, state: state) { _ in [] }
    }
    await assembly.pipeline.stop()
    let reply = await assembly.pipeline.answer(request)
    await assembly.shutdown()
    return Answer(reply: reply, pid: nil, state: assembly.statePath)
  }

  // A path belongs to the outermost root above it. One that is gone cannot be opened: what is decided about its files is
  // not shown beside them. What nobody watches yet can be planned all the same.
  private static func rootsToOpen(_ known: [String], _ request: CommandRequest, _ wanted: [String]?) -> [String] {
    guard request.verb != .own else { return [] }
    guard let wanted else { return there(known) }
    let above = there(known).filter { root in wanted.contains { isBelowOrEqual($0, root) } }
    guard request.verb == .plan else { return outermost(above) }
    return outermost(above + wanted.filter { path in !above.contains { isBelowOrEqual(path, $0) } })
  }

  // Those that are there, to be opened.
  private static func there(_ known: [String]) -> [String] {
    outermost(known.filter { FileManager.default.fileExists(atPath: $0) })
  }

  // A folder that was watched by itself once may lie below one that is watched now.
  private static func outermost(_ folders: [String]) -> [String] {
    let each = Set(folders)
    return each.filter { folder in !each.contains { $0 != folder && isBelowOrEqual(folder, $0) } }.sorted()
  }

  private static func isBelowOrEqual(_ path: String, _ root: String) -> Bool {
    DropPath(bytes: Array(path.utf8.dropFirst())).isBelowOrEqual(DropPath(bytes: Array(root.utf8.dropFirst())))
  }

  private static func encoded(_ request: CommandRequest) throws(ControlError) -> [UInt8] {
    do { return Array(try JSONEncoder().encode(request)) } catch { throw .silent("", "\(error)") }
  }

  private static func decoded(_ bytes: [UInt8], _ socket: String) throws(ControlError) -> CommandReply {
    do {
      return try JSONDecoder().decode(CommandReply.self, from: Data(bytes))
    } catch {
      throw .silent(socket, "its answer is not understood; is it another version?")
    }
  }
}

extension ParsableCommand {
  /// Runs `body`; a refusal becomes a message and its exit code.
  func withRefusals(_ body: () async throws -> Void) async throws {
    do {
      try await body()
    } catch let refusal as Assembly.Refusal {
      AgentRun.complain(refusal.message)
      throw ExitCode(refusal.code)
    }
  }
}
