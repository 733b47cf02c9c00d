import TestKit

// Draws operations that the world allows. What is left out is left out here, with the reason.
extension World {
  /// The next operation.
  mutating func draw(_ random: inout SplitMix64) -> Operation {
    while true {
      if let drawn = drawOnce(&random) { return drawn }
    }
  }

  private mutating func drawOnce(_ random: inout SplitMix64) -> Operation? {
    switch Int(random.next() % 100) {
    case 0..<22: drawNew(&random)
    case 22..<40: drawChange(&random)
    case 40..<44: file(&random).map { random.percent(50) ? .touch($0) : .changeMode($0) }
    case 44..<52: drawCopy(&random)
    case 52..<66: drawRename(&random)
    case 66..<73: drawDeletion(&random)
    case 73..<78: drawList(&random)
    case 78..<86: drawTree(&random)
    case 86..<93: drawOut(&random)
    default: drawAgent(&random)
    }
  }

  func file(_ random: inout SplitMix64) -> String? {
    prompts.isEmpty ? nil : random.one(of: prompts.keys.sorted())
  }

  /// One that may be changed once more, and twice if it comes to that.
  func changeable(_ random: inout SplitMix64) -> String? {
    guard let stem = file(&random), let prompt = prompts[stem], prompt.changes < 4, changesOfName[stem, default: 0] < 4
    else { return nil }
    return stem
  }

  // Sometimes in folders that are not there yet.
  func freeName(_ random: inout SplitMix64, inside: String? = nil) -> String? {
    var folder = inside ?? random.one(of: folders.sorted())
    if inside == nil, random.percent(15), let new = freeFolder(&random) { folder = new }
    let name = (folder.isEmpty ? "" : folder + "/") + "cat\(random.next() % 12)"
    return prompts[name] == nil && changesOfName[name, default: 0] < 4 ? name : nil
  }

  private func freeFolder(_ random: inout SplitMix64) -> String? {
    var name = "d\(random.next() % 9)"
    if random.percent(30) { name += "/e\(random.next() % 3)" }
    let isUsed = folders.contains(name) || touched.contains { Self.isBelow(name, $0) }
    return isUsed ? nil : name
  }

  /// Words that were never used before; some take the service a while to answer.
  mutating func words(_ random: inout SplitMix64) -> String {
    "picture \(number())" + (random.percent(15) ? " [sandbox: submit-slow=300]" : "")
  }

  mutating func text(_ random: inout SplitMix64) -> String {
    let words = words(&random)
    switch Int(random.next() % 100) {
    case 0..<3: return ""
    case 3..<6: return "<<<<<<< ours\n\(words)\n=======\n\(words)\n>>>>>>> theirs\n"
    case 6..<9: return "---\nhold: true\n---\n\(words)\n"
    default: return words + (random.percent(50) ? "\n" : "")
    }
  }
}
