import Agent
import ArgumentParser
import Foundation
import Glibc
import JobCore
import PromptFile

/// `promptdrop own`
struct OwnCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "own",
    abstract: "Give a folder that several machines have to this machine's agent.",
    discussion:
      "Writes \"owner\" into the folder's .promptdrop.yaml, which the other machines get with the folder. A running agent "
      + "notices by itself.")

  @Argument(help: ArgumentHelp("The folder, with all below it.", valueName: "root"))
  var root: String
  @OptionGroup(title: "Settings") var settings: SettingsOptions

  func run() async throws {
    try await withRefusals { try await makeOwn(try settings.resolve()) }
  }

  private func makeOwn(_ configuration: Configuration) async throws {
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: root, isDirectory: &isFolder), isFolder.boolValue else {
      throw Assembly.Refusal("\(root) is no folder.", 66)  // EX_NOINPUT
    }
    let path = "\(root)/\(String(decoding: DropNames.folderDefaults, as: UTF8.self))"
    let name = configuration.agentName ?? ProcessInfo.processInfo.hostName
    let agent = try await Self.agent(configuration, root)
    let owner = "\(name)@\(agent.id)"
    try Self.write(owner, to: path, in: root)
    Output.print(
      Output.plain("\(root) now belongs to \(owner), the agent whose state is in \(agent.state). \(path) says so.")
        + "\n"
    )
  }

  // Of the agent that watches the folder, or, where none does, of the configured state.
  private static func agent(
    _ configuration: Configuration, _ root: String
  ) async throws -> (id: String, state: String) {
    let answers = try await CommandClient(configuration: configuration).ask(
      CommandRequest(.own), paths: [root], needsRoots: false)
    guard let answer = answers.first, let id = answer.reply.agent_id else {
      throw Assembly.Refusal(
        answers.first?.reply.error ?? "The agent gave no answer.", ExitCodes.inputOutput.rawValue)
    }
    return (id, answer.state ?? "")
  }

  // The file's text with the owner in it. Throws `Assembly.Refusal` where that cannot be put in safely.
  private static func text(_ owner: String, at path: String) throws(Assembly.Refusal) -> String {
    let before: String
    do {
      before = FileManager.default.fileExists(atPath: path) ? try String(contentsOfFile: path, encoding: .utf8) : ""
    } catch {
      throw Assembly.Refusal("\(path) cannot be read: \(error.localizedDescription)", ExitCodes.inputOutput.rawValue)
    }
    let text = with(owner, before)
    // What the folder's prompts will be taken by has to say what was meant.
    let reader = PromptReader(.init(model: "", agentName: ""))
    guard reader.owner([Array(text.utf8)]) == owner else {
      throw Assembly.Refusal(
        "\(path) cannot be changed safely. Write this line into it yourself: owner: \"\(owner)\"",
        ExitCodes.configuration.rawValue)
    }
    return text
  }

  private static func write(_ owner: String, to path: String, in root: String) throws(Assembly.Refusal) {
    let text = try text(owner, at: path)
    let temporary = "\(root)/\(String(decoding: DropNames.temporary(id: "own-\(getpid())"), as: UTF8.self))"
    do {
      try Data(text.utf8).write(to: URL(fileURLWithPath: temporary))
      guard rename(temporary, path) == 0 else { throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO) }
    } catch {
      unlink(temporary)
      throw Assembly.Refusal("\(path) cannot be written: \(error.localizedDescription)", 73)  // EX_CANTCREAT
    }
  }

  /// The text with its top-level `owner` replaced, or put at its end; everything else as it was.
  static func with(_ owner: String, _ text: String) -> String {
    // JSON's strings are YAML's too.
    var writer = JSONWriter()
    writer.string(owner)
    let line = "owner: " + String(decoding: writer.bytes, as: UTF8.self)
    var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    if let index = lines.firstIndex(where: { $0.hasPrefix("owner:") }) {
      lines[index] = line
      return lines.joined(separator: "\n")
    }
    let head = text.isEmpty || text.hasSuffix("\n") ? text : text + "\n"
    return head + line + "\n"
  }
}
