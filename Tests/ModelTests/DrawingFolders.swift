import TestKit

// Draws operations on whole folders, and on the agent.
extension World {
  private func tree(_ random: inout SplitMix64) -> String? {
    let all = folders.filter { !$0.isEmpty }.sorted()
    guard !all.isEmpty else { return nil }
    let folder = random.one(of: all)
    // A prompt that has left the folder in this round may have its pictures in it still.
    return touched.contains { Self.isBelow(folder, $0) } ? nil : folder
  }

  private func freeTreeName(_ random: inout SplitMix64, notBelow folder: String) -> String? {
    var name = "d\(random.next() % 9)"
    if random.percent(30), let above = folders.filter({ !$0.contains("/") && !$0.isEmpty }).sorted().first {
      name = above + "/f\(random.next() % 4)"
    }
    let isUsed =
      folders.contains(name) || name == folder || Self.isBelow(folder, name)
      || touched.contains { Self.isBelow(name, $0) } || vacated.keys.contains { Self.isBelow(name, $0) }
    return isUsed ? nil : name
  }

  mutating func drawTree(_ random: inout SplitMix64) -> Operation? {
    guard let folder = tree(&random) else { return nil }
    let inner = prompts.filter { Self.isBelow(folder, $0.key) }
    guard let name = freeTreeName(&random, notBelow: folder) else { return nil }
    switch Int(random.next() % 100) {
    case 0..<45: return inner.isEmpty ? nil : .moveTree(folder, name)
    case 45..<85:
      // A sidecar that is out of date says nothing of its prompt, nor does a copy of it.
      let isQuiet = inner.allSatisfy { stem, prompt in
        !prompt.isDirty && !movedWithFolder.contains(prompt.id) && !vague.contains(prompt.text)
          && prompt.wanted.map { $0.images == lists[stem] ?? [] } ?? true
      }
      return inner.isEmpty ? nil : .copyTree(folder, name, withSidecars: isQuiet && random.percent(60))
    default: return inner.count < 4 ? .removeTree(folder) : nil
    }
  }

  mutating func drawOut(_ random: inout SplitMix64) -> Operation? {
    if !away.isEmpty, random.percent(60) {
      let back = random.one(of: away)
      let isSame = random.percent(60)
      if back.isTree {
        guard let name = isSame ? back.origin : freeTreeName(&random, notBelow: back.origin) else { return nil }
        return folders.contains(name) ? nil : .moveBack(back.number, name)
      }
      let name = isSame ? back.origin : "cat\(random.next() % 12)"
      return prompts[name] == nil && lists[name] == nil ? .moveBack(back.number, name) : nil
    }
    if random.percent(40) {
      guard let folder = tree(&random), prompts.keys.contains(where: { Self.isBelow(folder, $0) }) else { return nil }
      return .moveTreeOut(folder)
    }
    guard !prompts.isEmpty else { return nil }
    let stem = random.one(of: prompts.keys.sorted())
    return prompts[stem].map { movedWithFolder.contains($0.id) } ?? true ? nil : .moveOut(stem)
  }

  func drawAgent(_ random: inout SplitMix64) -> Operation? {
    guard isRunning else { return .startAgent }
    return random.percent(60) ? .killAgent : .stopAgent
  }
}
