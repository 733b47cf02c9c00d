import Foundation
import ProgramKit
import SandboxServer
import TestKit
import Testing

/// What has to be true of a folder at any moment, and at the end.
struct Oracle: Sendable {
  /// The watched folder.
  let root: String
  /// The service, whose ledger has the last word.
  let sandbox: Sandbox
  /// The prompts, without extension. The text of each begins with its name.
  let prompts: [String]
  /// The point, and how it is tried again.
  let context: String

  private func bytes(_ name: String) throws -> [UInt8] {
    Array(try Data(contentsOf: URL(fileURLWithPath: root + "/" + name)))
  }

  /// The names in the folder, hidden ones included.
  func names() throws -> [String] { try FileManager.default.contentsOfDirectory(atPath: root) }

  /// A prompt's sidecar; nil where there is none.
  func sidecar(_ name: String) throws -> Sidecar? {
    let file = name + ".status.json"
    return try names().contains(file) ? try Sidecar(try bytes(file)) : nil
  }

  /// How many POSTs of a prompt were received in full, whatever was answered.
  func posts(_ name: String) -> Int {
    sandbox.ledger().filter { $0.prompt?.split(whereSeparator: \.isWhitespace).first == Substring(name) }.count
  }

  /// At any moment, also right after a kill: what has a final name is whole. Returns the states that the sidecars tell.
  @discardableResult func checkFinalNames(_ sourceLocation: SourceLocation = #_sourceLocation) throws -> [String:
    String]
  {
    var states: [String: String] = [:]
    for name in try names() where !name.hasPrefix(".") {
      if name.hasSuffix(".png") {
        #expect(Self.isWholePNG(try bytes(name)), "\(context): \(name) is not whole", sourceLocation: sourceLocation)
      } else if name.hasSuffix(".status.json") {
        do { states[String(name.dropLast(12))] = try Sidecar(try bytes(name)).state } catch {
          Issue.record("\(context): \(name) is not whole: \(error)", sourceLocation: sourceLocation)
        }
      }
    }
    for name in prompts {
      #expect(posts(name) <= 1, "\(context): \(name) was paid twice", sourceLocation: sourceLocation)
    }
    return states
  }

  private static func isWholePNG(_ bytes: [UInt8]) -> Bool {
    bytes.starts(with: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A])
      && bytes.suffix(12) == [0, 0, 0, 0, 0x49, 0x45, 0x4E, 0x44, 0xAE, 0x42, 0x60, 0x82]
  }

  /// After the last run. `mayBeHeld` tells of which prompts it may be unknown whether they were submitted; returns those that
  /// are held.
  @discardableResult func checkEnd(
    after last: Outcome, mayBeHeld: (String) -> Bool = { _ in true },
    _ sourceLocation: SourceLocation = #_sourceLocation
  ) throws -> Set<String> {
    try checkFinalNames(sourceLocation)
    var known: Set<String> = []
    var held: Set<String> = []
    for name in prompts {
      known.formUnion(["\(name).prompt", "\(name).status.json"])
      guard let reported = try sidecar(name) else {
        Issue.record("\(context): \(name) has no sidecar: \(last)", sourceLocation: sourceLocation)
        continue
      }
      known.formUnion(reported.files)
      switch reported.state {
      case "done":
        #expect(posts(name) == 1, "\(context): \(name) is done, \(posts(name)) POSTs", sourceLocation: sourceLocation)
        #expect(reported.outputs.count == 1, "\(context): \(reported.text)", sourceLocation: sourceLocation)
      case "held":
        held.insert(name)
        #expect(
          reported.reason == "submission-outcome-unknown" && reported.explains, "\(context): \(reported.text)",
          sourceLocation: sourceLocation)
        #expect(
          mayBeHeld(name), "\(context): \(name) is held\n\(reported.text)\n\(last)", sourceLocation: sourceLocation)
      default:
        Issue.record(
          "\(context): \(name) ends \(reported.state)\n\(reported.text)\n\(last)", sourceLocation: sourceLocation)
      }
      for output in reported.outputs {
        let content = try bytes(output.file)
        #expect(
          sha256(content) == output.sha256 && content.count == output.bytes, "\(context): \(output.file)",
          sourceLocation: sourceLocation)
      }
    }
    #expect(last.code == (held.isEmpty ? 0 : 1), "\(context): \(last)", sourceLocation: sourceLocation)
    let names = Set(try names())
    #expect(
      names == known, "\(context): leftovers or losses \(names.symmetricDifference(known))",
      sourceLocation: sourceLocation)
    #expect(sandbox.counters().leakedKeys == 0, "\(context)", sourceLocation: sourceLocation)
    return held
  }
}

extension Fixture {
  /// The judge of this bench's folder.
  func oracle(_ prompts: [String], _ context: String) -> Oracle {
    Oracle(root: root.path, sandbox: sandbox, prompts: prompts, context: context)
  }
}
