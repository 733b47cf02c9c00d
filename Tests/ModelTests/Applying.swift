// What each operation does to the world.
extension World {
  /// The operation was done. `inOneGo`: so quickly that promptdrop cannot have taken what stood there in between.
  mutating func apply(_ operation: Operation, inOneGo: Bool) {
    switch operation {
    case .write(let stem, let text, let way): write(text, stem, way, inOneGo)
    case .breakOff(let stem, let first): put(first, at: stem)
    case .list(let stem, let list): setList(list, of: stem)
    case .touch, .changeMode: break
    case .copy(let stem, let name):
      if let text = prompts[stem]?.text {
        put(text, at: name, isCopy: true)
        // If its source vanishes, it is taken for that, whose list has gone.
        if lists[stem] != lists[name] { vague.insert(text) }
      }
    case .link(let stem, let name):
      if let prompt = prompts[stem] { put(prompt.text, at: name, node: prompt.node, isCopy: true) }
    case .rename(let stem, let name): rename(stem, name, inOneGo: inOneGo)
    case .renameByCopying(let stem, let name, _): renameByCopying(stem, name, inOneGo)
    case .delete(let stem): delete(stem)
    case .deleteAll(let stem): delete(stem, all: true)
    case .deleteAndWrite(let stem, let text):
      delete(stem)
      put(text, at: stem, node: number())
    case .moveTree(let folder, let name): moveTree(folder, name)
    case .copyTree(let folder, let name, let withSidecars):
      // A copy without its sidecar, for as long as that took.
      if withSidecars, !inOneGo { loosen(folder) }
      copyTree(folder, name, withSidecars: withSidecars)
    case .removeTree(let folder): removeTree(folder)
    case .moveOut(let stem): moveOut(stem, isTree: false, as: number())
    case .moveTreeOut(let folder): moveOut(folder, isTree: true, as: number())
    case .moveBack(let number, let name): moveBack(number, name)
    case .killAgent: (isRunning, wasKilled) = (false, true)
    case .stopAgent: isRunning = false
    case .startAgent: isRunning = true
    }
  }

  private mutating func write(_ text: String, _ stem: String, _ way: Operation.Way, _ inOneGo: Bool) {
    var node: Int?
    if case .byRename = way { node = number() }
    put(text, at: stem, node: node)
    guard !inOneGo else { return }
    switch way {
    case .inTwoSteps(let first), .afterABrokenOne(let first): lingered(first, at: stem)
    case .inPlace, .append, .byRename, .afterEmptying: break
    }
  }

  private mutating func renameByCopying(_ stem: String, _ name: String, _ inOneGo: Bool) {
    if inOneGo { return rename(stem, name, inOneGo: true, node: number()) }
    guard let prompt = prompts[stem] else { return }
    if let list = lists.removeValue(forKey: stem) { lists[name] = list }
    put(prompt.text, at: name, isCopy: true)
    delete(stem)
    vague.insert(prompt.text)
  }

  private mutating func loosen(_ folder: String) {
    for (stem, prompt) in prompts where Self.isBelow(folder, stem) {
      if let wanted = prompt.wanted { most[wanted, default: 0] += 1 }
    }
  }
}
