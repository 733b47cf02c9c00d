import TestKit

// Draws operations on single files.
extension World {
  mutating func drawNew(_ random: inout SplitMix64) -> Operation? {
    guard let stem = freeName(&random) else { return nil }
    return drawWriting(stem, text(&random), &random)
  }

  private mutating func drawWriting(_ stem: String, _ text: String, _ random: inout SplitMix64) -> Operation {
    // A shared inode changes under both names, and the kernel tells of one: only renaming is sure to be noticed.
    if let prompt = prompts[stem], isLinked(prompt) { return .write(stem, text, .byRename) }
    let half = String(text.prefix(text.count / 2))
    switch Int(random.next() % 100) {
    case 0..<35: return .write(stem, text, .inPlace)
    case 35..<60: return .write(stem, text, .byRename)
    case 60..<75: return .write(stem, text, .inTwoSteps(first: half))
    case 75..<85: return .write(stem, text, .afterEmptying)
    case 85..<95: return .write(stem, text, .afterABrokenOne(first: half))
    default: return .breakOff(stem, "broken \(words(&random))")
    }
  }

  mutating func drawChange(_ random: inout SplitMix64) -> Operation? {
    guard let stem = changeable(&random), let prompt = prompts[stem] else { return nil }
    switch Int(random.next() % 100) {
    case 0..<15 where !isLinked(prompt) && prompt.wanted != nil:
      return .write(stem, prompt.text + " and \(words(&random))", .append)
    case 15..<40:
      // A text that it had before.
      let former = prompt.paidFor.filter { $0.images == lists[stem] ?? [] && !vague.contains($0.prompt) }
      guard let back = former.sorted(by: { $0.prompt < $1.prompt }).first else { return nil }
      return drawWriting(stem, back.prompt, &random)
    case 40..<50: return drawWriting(stem, prompt.text, &random)
    default: return drawWriting(stem, text(&random), &random)
    }
  }

  mutating func drawCopy(_ random: inout SplitMix64) -> Operation? {
    guard let stem = file(&random) else { return nil }
    if random.percent(30) {
      guard let name = freeName(&random) else { return nil }
      return .link(stem, name)
    }
    guard let name = random.percent(75) ? freeName(&random) : changeable(&random), name != stem else { return nil }
    if let other = prompts[name], isLinked(other) { return nil }
    return .copy(stem, name)
  }

  mutating func drawRename(_ random: inout SplitMix64) -> Operation? {
    guard let stem = file(&random), let prompt = prompts[stem] else { return nil }
    // Its pictures came with the folder, under a name that promptdrop may not have heard of yet: a round to do so.
    guard !movedWithFolder.contains(prompt.id) else { return nil }
    let folder = stem.split(separator: "/").dropLast().joined(separator: "/")
    let free = random.percent(50) ? freeName(&random, inside: folder) : freeName(&random)
    guard let name = random.percent(75) ? free : changeable(&random), name != stem else { return nil }
    // Of two names of one file, the kernel renames neither.
    if let other = prompts[name] {
      guard other.node != prompt.node, !movedWithFolder.contains(other.id) else { return nil }
      return .rename(stem, name)
    }
    return random.percent(70)
      ? .rename(stem, name)
      : .renameByCopying(stem, name, slowly: random.percent(50))
  }

  mutating func drawDeletion(_ random: inout SplitMix64) -> Operation? {
    guard let stem = file(&random), let prompt = prompts[stem] else { return nil }
    switch Int(random.next() % 100) {
    case 0..<50: return .delete(stem)
    // What was moved here in this round may still have its pictures elsewhere, and what is elsewhere its pictures here.
    case 50..<70: return touched.contains(stem) ? nil : .deleteAll(stem)
    default:
      guard prompt.changes < 4, changesOfName[stem, default: 0] < 4 else { return nil }
      return .deleteAndWrite(stem, random.percent(50) ? prompt.text : text(&random))
    }
  }

  mutating func drawList(_ random: inout SplitMix64) -> Operation? {
    guard let stem = changeable(&random), let prompt = prompts[stem] else { return nil }
    // Of a list that goes while its prompt is new it is open whether it was seen.
    if lists[stem] != nil, !prompt.isDirty, random.percent(30) { return .list(stem, nil) }
    return .list(stem, (0...(random.next() % 2)).map { _ in "https://example.org/\(number()).png" })
  }
}
