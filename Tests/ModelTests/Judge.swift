import Foundation
import ProgramKit
import SandboxServer
import TestKit

/// What is not as it has to be.
struct Problem: CustomStringConvertible {
  /// The stems that it is about, or the text.
  var stems: [String]
  var description: String
}

/// Compares a folder at rest, and the service's ledger, with the world.
struct Judge {
  let bench: Fixture
  let outside: TemporaryFolder
  /// Every picture that was there at the last rest, by its bytes: where it lay. None of them may go away by itself.
  var pictures: [String: String] = [:]

  init(_ bench: Fixture, outside: TemporaryFolder) {
    (self.bench, self.outside) = (bench, outside)
  }

  /// What keeps the folder from being as the world has it. Empty: it is at rest, or one problem was found if `quick`.
  func problems(_ world: World, quick: Bool) throws -> [Problem] {
    var found = try unexplained(world)
    var jobs: [String: String] = [:]
    for (stem, prompt) in world.prompts.sorted(by: { $0.key < $1.key }) where !quick || found.isEmpty {
      do {
        let sidecar = try bench.sidecar(stem)
        if let trouble = try trouble(stem, prompt, sidecar, hasMoved: world.movedNames.contains(stem)) {
          found.append(Problem(stems: [stem], description: "\(stem): \(trouble); \(sidecar.summary)"))
        }
        if !prompt.hasCopiedSidecar, let other = jobs.updateValue(stem, forKey: sidecar.jobID) {
          found.append(Problem(stems: [stem, other], description: "\(stem) and \(other) have the same job"))
        }
      } catch {
        found.append(Problem(stems: [stem], description: "\(stem): \(error)"))
      }
    }
    return found + bounds(world) + deletions(world)
  }

  private func trouble(_ stem: String, _ prompt: Prompt, _ reported: Sidecar, hasMoved: Bool) throws -> String? {
    switch Fate(of: prompt.text) {
    case .refused(let code): return reported.code == code ? nil : "it should say \(code)"
    case .held(let reason):
      return reported.state == "held" && reported.reason == reason ? nil : "it should be held: \(reason)"
    case .picture: break
    }
    guard reported.state == "done" else { return "it should be done" }
    guard reported.text.contains("\"prompt_sha256\": \"\(sha256(Array(prompt.text.trimmed.utf8)))\"") else {
      return "it tells of another text than \"\(prompt.text)\""
    }
    guard bench.root.exists("\(stem).png") else { return "there is no picture under its name" }
    guard reported.outputs.contains(where: { $0.revision == reported.revision }) else {
      return "it tells of no picture"
    }
    let folder = (stem as NSString).deletingLastPathComponent
    for output in reported.outputs where output.revision == reported.revision || !hasMoved {
      let name = folder.isEmpty ? output.file : folder + "/" + output.file
      guard bench.root.exists(name) else { return "\(name) is missing" }
      guard try bench.root.bytes(name).count == output.bytes else { return "\(name) is another picture" }
    }
    return nil
  }

  // Nothing that a person wrote is changed, missing or made; nothing of promptdrop's lies where no prompt was.
  private func unexplained(_ world: World) throws -> [Problem] {
    var wanted: [String: String] = [:]
    for (stem, prompt) in world.prompts { wanted[stem + ".prompt"] = prompt.text }
    for (stem, list) in world.lists { wanted[stem + ".images"] = list.map { $0 + "\n" }.joined() }
    var found: [Problem] = []
    for name in try files() {
      let stem = Self.stem(name)
      if let text = wanted.removeValue(forKey: name) {
        guard try bench.root.read(name) != text else { continue }
        found.append(Problem(stems: [stem], description: "\(name) was changed"))
      } else if name.hasSuffix(".prompt") || name.hasSuffix(".images") {
        found.append(Problem(stems: [stem], description: "\(name) should not be there"))
      } else if world.prompts[stem] == nil, world.remains[stem] == nil, !name.hasSuffix(".tmp") {
        found.append(Problem(stems: [stem], description: "\(name) was left behind"))
      }
    }
    return found
      + wanted.keys.map { Problem(stems: [Self.stem($0)], description: "\($0) is gone") }
  }

  /// Every file below the root.
  func files() throws -> [String] {
    try FileManager.default.subpathsOfDirectory(atPath: bench.root.path).filter { name in
      var info = stat()
      return lstat(bench.root.path(name), &info) == 0 && info.st_mode & S_IFMT == S_IFREG
    }
  }

  // Of `d1/cat2.v1.png`: `d1/cat2`.
  static func stem(_ name: String) -> String {
    let folder = (name as NSString).deletingLastPathComponent
    let short = String((name as NSString).lastPathComponent.prefix { $0 != "." && $0 != "-" })
    return folder.isEmpty ? short : folder + "/" + short
  }
}

extension Sidecar {
  fileprivate var summary: String {
    "\(state) \(reason ?? "") \(code ?? ""), revision \(revision), \(outputs.map(\.file)), job \(jobID)"
  }
}
