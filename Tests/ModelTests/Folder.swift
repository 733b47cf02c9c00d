import Foundation
import ProgramKit
import TestKit
import Testing

/// Does to a real folder what an operation says.
struct Folder: Sendable {
  let root: TemporaryFolder
  /// What was moved out of the root lies here: on the same file system, and watched by nobody.
  let outside: TemporaryFolder

  /// How long an operation may take without promptdrop taking what stands there in between: less than a file has to be
  /// still, for the kernel's clock of files is some milliseconds behind. Where it copies and deletes, less than a copy
  /// waits.
  static func instant(_ operation: Operation) -> Duration {
    if case .renameByCopying = operation { copyGrace / 2 } else { .milliseconds(150) }
  }
  /// How long a copy waits for its source to go.
  static let copyGrace: Duration = .seconds(3)
  /// What the program is told.
  static let settle = "200ms"

  /// Returns how long it took. `number` is what the world will call what is moved out.
  func perform(_ operation: Operation, _ world: World) async throws -> Duration {
    var began = ContinuousClock.now
    switch operation {
    case .write(let stem, let text, let way): began = try await write(prompt(stem), text, way)
    case .breakOff(let stem, let first): try await breakOff(prompt(stem), first)
    case .list(let stem, let list?): try root.write("\(stem).images", list.map { $0 + "\n" }.joined())
    case .list(let stem, nil): try root.remove("\(stem).images")
    case .touch(let stem):
      try FileManager.default.setAttributes([.modificationDate: Date()], ofItemAtPath: root.path(prompt(stem)))
    case .changeMode(let stem): chmod(root.path(prompt(stem)), world.lastNumber % 2 == 0 ? 0o600 : 0o640)
    case .copy(let stem, let name): try root.write(prompt(name), bytes: try root.bytes(prompt(stem)))
    case .link(let stem, let name):
      try makeFolder(above: name)
      try FileManager.default.linkItem(atPath: root.path(prompt(stem)), toPath: root.path(prompt(name)))
    case .rename(let stem, let name):
      try makeFolder(above: name)
      // As the shell sorts them.
      for ending in [".images", ".prompt"] where root.exists(stem + ending) {
        try root.rename(stem + ending, to: name + ending)
      }
    case .renameByCopying(let stem, let name, let slowly):
      let endings = [".images", ".prompt"].filter { root.exists(stem + $0) }
      for ending in endings { try root.write(name + ending, bytes: try root.bytes(stem + ending)) }
      if slowly { try await Task.sleep(for: .milliseconds(700)) }
      for ending in endings { try root.remove(stem + ending) }
    case .delete(let stem): try root.remove(prompt(stem))
    case .deleteAll(let stem):
      // promptdrop may be about to rename one of them.
      for file in try files(of: stem) { unlink(root.path(file)) }
    case .deleteAndWrite(let stem, let text):
      try root.remove(prompt(stem))
      try root.write(prompt(stem), text)
    case .moveTree(let folder, let name):
      try makeFolder(above: name)
      try root.rename(folder, to: name)
    case .copyTree(let folder, let name, let withSidecars): try copyTree(folder, name, withSidecars, world)
    case .removeTree(let folder):
      // promptdrop may be writing in it.
      try await eventually("\(folder) is removed") {
        if root.exists(folder) { try root.remove(folder) }
        return true
      }
    case .moveOut(let stem):
      for ending in [".images", ".prompt"] where root.exists(stem + ending) {
        try move(root.path(stem + ending), outside.path("\(world.lastNumber + 1)" + ending))
      }
    case .moveTreeOut(let folder): try move(root.path(folder), outside.path("\(world.lastNumber + 1)"))
    case .moveBack(let number, let name): try moveBack(number, name)
    case .killAgent, .stopAgent, .startAgent: break
    }
    return .now - began
  }

  private func prompt(_ stem: String) -> String { "\(stem).prompt" }

  func makeFolder(above name: String) throws {
    try root.makeFolder((name as NSString).deletingLastPathComponent)
  }

  /// The prompt and all that belongs to it.
  func files(of stem: String) throws -> [String] {
    let folder = (stem as NSString).deletingLastPathComponent
    let name = (stem as NSString).lastPathComponent
    return try root.list(folder).filter { $0.hasPrefix(name + ".") }.map { folder.isEmpty ? $0 : folder + "/" + $0 }
  }

  private func copyTree(_ folder: String, _ name: String, _ withSidecars: Bool, _ world: World) throws {
    try makeFolder(above: name)
    guard !withSidecars else {
      return try FileManager.default.copyItem(atPath: root.path(folder), toPath: root.path(name))
    }
    for inner in world.folders where World.isBelow(folder, inner) {
      try root.makeFolder(name + inner.dropFirst(folder.count))
    }
    let lists = world.lists.keys.map { $0 + ".images" }
    for file in lists + world.prompts.keys.map(prompt) where World.isBelow(folder, file) {
      try root.write(name + file.dropFirst(folder.count), bytes: try root.bytes(file))
    }
  }

  private func moveBack(_ number: Int, _ name: String) throws {
    try makeFolder(above: name)
    if outside.exists("\(number)") { return try move(outside.path("\(number)"), root.path(name)) }
    for ending in [".images", ".prompt"] where outside.exists("\(number)" + ending) {
      try move(outside.path("\(number)" + ending), root.path(name + ending))
    }
  }

  private func move(_ path: String, _ target: String) throws {
    guard rename(path, target) == 0 else {
      throw OperationFailed(description: "cannot move \(path) to \(target): \(String(cString: strerror(errno)))")
    }
  }
}
