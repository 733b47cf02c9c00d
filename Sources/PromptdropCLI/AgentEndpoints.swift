import Agent
import Control
import Foundation
import Glibc
import JobCore
import NIOCore
import NIOPosix

/// How an agent is reached from outside: by commands, over a Unix socket that the registry names, and by the service's
/// callbacks, where those are wanted.
final class AgentEndpoints: Sendable {
  private let socket: ControlSocket?
  private let entry: (AgentEntry, folder: String)?
  private let callbacks: WebhookReceiver?
  /// What could not be opened, for the log: an agent that cannot be asked still does its work.
  let complaint: String?

  /// Opens what is configured. Throws `Assembly.Refusal` where callbacks are wanted and cannot be received.
  init(_ configuration: Configuration, _ assembly: Assembly, roots: [String]) async throws(Assembly.Refusal) {
    let group = MultiThreadedEventLoopGroup.singleton
    callbacks = try await Self.receiver(configuration, assembly.pipeline, on: group)
    do throws(ControlError) {
      let opened = try await Self.openSocket(configuration, assembly, roots, on: group)
      (socket, entry, complaint) = (opened.socket, (opened.entry, opened.folder), nil)
    } catch {
      (socket, entry, complaint) = (nil, nil, "Commands cannot reach this agent: \(error)")
    }
  }

  private static func openSocket(
    _ configuration: Configuration, _ assembly: Assembly, _ roots: [String], on group: any EventLoopGroup
  ) async throws(ControlError) -> (socket: ControlSocket, entry: AgentEntry, folder: String) {
    let folder = try AgentRegistry.home(
      explicit: configuration.runtimeDir, environment: ProcessInfo.processInfo.environment, uid: getuid())
    let path = "\(folder)/\(getpid()).sock"
    let pipeline = assembly.pipeline
    let socket = try await ControlSocket(
      path: path, group: configuration.controlGroup, mode: configuration.controlMode, on: group
    ) { await answer($0, pipeline) }
    let entry = AgentEntry(
      pid: getpid(), socket: path, state: assembly.statePath, roots: roots.map(CommandClient.canonical))
    try AgentRegistry.write(entry, in: folder)
    return (socket, entry, folder)
  }

  /// Closes what was opened.
  func close() async {
    if let entry { AgentRegistry.remove(entry.0, in: entry.folder) }
    await socket?.close()
    await callbacks?.close()
  }

  private static func answer(_ bytes: [UInt8], _ pipeline: Pipeline) async -> [UInt8] {
    do {
      let request = try JSONDecoder().decode(CommandRequest.self, from: Data(bytes))
      return Array(try JSONEncoder().encode(await pipeline.answer(request)))
    } catch {
      return Array(#"{"files":[],"error":"The request is not understood; is it of another version?"}"#.utf8)
    }
  }

  private static func receiver(
    _ configuration: Configuration, _ pipeline: Pipeline, on group: any EventLoopGroup
  ) async throws(Assembly.Refusal) -> WebhookReceiver? {
    let code = ExitCodes.configuration.rawValue
    guard let text = configuration.listen else { return nil }
    guard configuration.publicURL != nil else {
      throw Assembly.Refusal("listen needs public-url: how the service reaches that address.", code)
    }
    guard let address = WebhookReceiver.parseAddress(text) else {
      throw Assembly.Refusal(
        "listen is \"\(text)\"; it has to be an address with a port, such as 127.0.0.1:8787.", code)
    }
    do throws(ControlError) {
      return try await WebhookReceiver(
        host: address.host, port: address.port, on: group, sink: PipelineCallbacks(pipeline: pipeline))
    } catch {
      throw Assembly.Refusal("\(error). Stop what uses that address, or set listen to another one.", code)
    }
  }

  private struct PipelineCallbacks: CallbackSink {
    let pipeline: Pipeline
    func knows(_ token: String) async -> Bool { await pipeline.knows(secret: token) }
    func received(_ token: String, taskID: String) async -> Bool {
      await pipeline.received(secret: token, taskID: taskID)
    }
  }
}
