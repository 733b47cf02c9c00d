// What becomes of the world when folders move, and when something leaves the root or comes back.
extension World {
  /// A folder has another name, with all that is in it.
  mutating func moveTree(_ folder: String, _ name: String) {
    let leaving = takeTree(folder)
    enterTree(leaving, at: name)
    for (inner, prompt) in leaving.prompts {
      vacated[folder + inner] = prompt.id
      movedWithFolder.insert(prompt.id)
      if prompt.isDirty || isAmbiguous(prompt.text) { prompts[name + inner]?.paidFor = [] }
    }
  }

  /// A folder was copied; without sidecars, only what a person wrote.
  mutating func copyTree(_ folder: String, _ name: String, withSidecars: Bool) {
    makeFolders(above: name)
    folders.formUnion([name] + folders.filter { Self.isBelow(folder, $0) }.map { name + $0.dropFirst(folder.count) })
    for (stem, list) in lists where Self.isBelow(folder, stem) { lists[name + stem.dropFirst(folder.count)] = list }
    for (stem, prompt) in prompts where Self.isBelow(folder, stem) {
      let new = name + stem.dropFirst(folder.count)
      guard withSidecars, let wanted = prompt.wanted else {
        put(prompt.text, at: new, isCopy: true)
        continue
      }
      reoccupied(new)
      share(prompt.text)
      prompts[new] = Prompt(
        id: number(), node: number(), text: prompt.text, wanted: wanted, paidFor: [wanted],
        hasCopiedSidecar: true, changes: 1)
      byCopiedSidecar[wanted, default: 0] += 1
    }
    for stem in remains.keys where withSidecars && Self.isBelow(folder, stem) {
      leaveRemains(at: name + stem.dropFirst(folder.count))
    }
  }

  /// A folder and all in it is deleted.
  mutating func removeTree(_ folder: String) {
    for prompt in takeTree(folder).prompts.values { scattered.insert(prompt.text) }
  }

  /// A prompt, or a folder, leaves the root.
  mutating func moveOut(_ place: String, isTree: Bool, as number: Int) {
    if isTree {
      var leaving = takeTree(place)
      leaving.number = number
      for prompt in leaving.prompts.values { scattered.insert(prompt.text) }
      away.append(leaving)
    } else if let prompt = prompts[place] {
      let list = lists.removeValue(forKey: place)
      delete(place)
      movedNames.insert(place)
      away.append(
        Away(number: number, origin: place, isTree: false, prompts: ["": prompt], lists: list.map { ["": $0] } ?? [:]))
    }
  }

  /// What was moved out comes back under this name.
  mutating func moveBack(_ number: Int, _ name: String) {
    guard let index = away.firstIndex(where: { $0.number == number }) else { return }
    var back = away.remove(at: index)
    for inner in back.prompts.keys {
      deleted[back.origin + inner] = nil
      guard var prompt = back.prompts[inner] else { continue }
      let known = remains[name + inner]?.paidFor ?? []
      // Under another name only what it is now can be recognised.
      let own = prompt.wanted.map { prompt.paidFor.contains($0) ? [$0] : [] } ?? []
      prompt.paidFor = name == back.origin && !back.isTree ? known : Set(own)
      // Where it was there is a new file: that one has the job now, and this one's sidecar is as good as a copy's.
      if back.isTree, prompts[back.origin + inner] != nil { prompt.hasCopiedSidecar = true }
      back.prompts[inner] = prompt
    }
    enterTree(back, at: name)
  }

  /// Where what comes back had been.
  func origins(of operation: Operation) -> [String] {
    guard case .moveBack(let number, _) = operation else { return [] }
    return away.filter { $0.number == number }.map(\.origin)
  }

  private mutating func takeTree(_ folder: String) -> Away {
    var dirty: [String] = []
    var tree = Away(number: 0, origin: folder, isTree: true, prompts: [:], lists: [:])
    for stem in prompts.keys where Self.isBelow(folder, stem) {
      let inner = String(stem.dropFirst(folder.count))
      if let id = prompts[stem]?.id { blur(id) }
      movedNames.insert(stem)
      tree.prompts[inner] = prompts.removeValue(forKey: stem)
      if let text = tree.prompts[inner]?.text, copied.contains(text) { vague.insert(text) }
      if tree.prompts[inner]?.isDirty ?? false { dirty.append(stem) }
    }
    for stem in lists.keys where Self.isBelow(folder, stem) {
      tree.lists[String(stem.dropFirst(folder.count))] = lists.removeValue(forKey: stem)
    }
    movedNames.formUnion(remains.keys.filter { Self.isBelow(folder, $0) })
    for stem in Array(remains.keys) + Array(deleted.keys) where Self.isBelow(folder, stem) {
      // What is still in flight for it comes to where it was, if the folder is there again.
      leaveRemains(at: stem)
      deleted[stem] = nil
      tree.remains.insert(String(stem.dropFirst(folder.count)))
    }
    for stem in dirty { leaveRemains(at: stem) }
    tree.folders = folders.filter { Self.isBelow(folder, $0) }.map { String($0.dropFirst(folder.count)) }
    folders = folders.filter { $0 != folder && !Self.isBelow(folder, $0) }
    return tree
  }

  private mutating func enterTree(_ tree: Away, at name: String) {
    makeFolders(above: name)
    if tree.isTree { folders.formUnion([name] + tree.folders.map { name + $0 }) }
    for (inner, list) in tree.lists { lists[name + inner] = list }
    for inner in tree.remains {
      leaveRemains(at: name + inner)
      touched.insert(name + inner)
    }
    for (inner, prompt) in tree.prompts {
      var prompt = prompt
      reoccupied(name + inner)
      touched.insert(name + inner)
      movedNames.insert(name + inner)
      remains[name + inner] = nil
      place(&prompt, at: name + inner)
      prompts[name + inner] = prompt
    }
  }
}
