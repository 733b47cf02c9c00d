import Foundation
import ProgramKit
import SandboxServer

// What was paid for, by the ledger, and where its pictures are.
extension Judge {
  /// How often each request was submitted.
  func paid() -> [Request: Int] {
    bench.posts.reduce(into: [:]) { $0[Request($1), default: 0] += 1 }
  }

  /// What was submitted too often, or not often enough.
  func bounds(_ world: World) -> [Problem] {
    let paid = paid()
    var least: [Request: [String]] = [:]
    for (stem, prompt) in world.prompts {
      if let wanted = prompt.wanted, !world.vague.contains(prompt.text) { least[wanted, default: []].append(stem) }
    }
    var found: [Problem] = []
    for (request, times) in paid where times > world.most[request, default: 0] {
      let stems = [request.prompt.split(separator: "\n").first.map(String.init) ?? ""]
      found.append(
        Problem(
          stems: stems,
          description: "submitted \(times) times, at most \(world.most[request, default: 0]) allowed: \(request)"))
    }
    for (request, stems) in least {
      let needed = stems.count - world.byCopiedSidecar[request, default: 0]
      guard paid[request, default: 0] < needed else { continue }
      found.append(
        Problem(
          stems: stems, description: "submitted \(paid[request, default: 0]) times, \(needed) needed: \(request)"))
    }
    return found
  }

  /// What was paid for when its prompt was deleted is put where that was.
  func deletions(_ world: World) -> [Problem] {
    let paid = paid()
    return world.deleted.filter { stem, request in
      paid[request] == 1 && !bench.root.exists("\(stem).png")
    }.map { Problem(stems: [$0.key], description: "\($0.key).png is missing, though it was paid for") }
  }
}

extension Judge {
  /// At rest: no picture of the last rest is lost. Those that are there now are the ones that the next rest asks for.
  mutating func checkPictures() throws -> [Problem] {
    var now: [String: String] = [:]
    for (folder, names) in [
      (bench.root, try files()), (outside, try FileManager.default.subpathsOfDirectory(atPath: outside.path)),
    ] {
      for name in names where name.hasSuffix(".png") {
        now[Data(try folder.bytes(name)).base64EncodedString()] = name
      }
    }
    defer { pictures = now }
    return pictures.filter { now[$0.key] == nil }.map {
      Problem(stems: [Self.stem($0.value)], description: "the picture that was \($0.value) is lost")
    }
  }

  /// A person deletes what lies here.
  mutating func forgetPictures(_ prefix: String) throws {
    for name in try files() where name.hasPrefix(prefix) && name.hasSuffix(".png") {
      pictures[Data(try bench.root.bytes(name)).base64EncodedString()] = nil
    }
    pictures = pictures.filter { !$0.value.hasPrefix(prefix) }
  }
}

extension Request {
  init(_ entry: LedgerEntry) {
    self.init(prompt: entry.prompt ?? "", images: entry.images)
  }
}
