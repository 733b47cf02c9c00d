// What moving and removing does to the world.
extension World {
  /// A prompt has another name, with its list. `inOneGo`: nobody can have seen the one without the other.
  mutating func rename(_ stem: String, _ name: String, inOneGo: Bool, node: Int? = nil) {
    guard var prompt = prompts.removeValue(forKey: stem) else { return }
    touched.formUnion([stem, name])
    movedNames.formUnion([stem, name])
    makeFolders(above: name)
    reoccupied(name)
    var isPlain = !prompt.isDirty && prompt.wanted != nil && !isAmbiguous(prompt.text)
    if let other = prompts.removeValue(forKey: name) {
      blur(other.id)
      scattered.insert(other.text)
      leaveRemains(at: name)
      isPlain = isPlain && other.text != prompt.text
      changed(&prompt, name)
    }
    // With another list it is another request, and nothing tells that it is the same prompt.
    let moved = lists[stem] ?? lists[name]
    isPlain = isPlain && (moved == nil || moved == prompt.wanted?.images)
    if !isPlain {
      // Where nobody saw the names between, its files are at the first one.
      for (first, id) in vacated where id == prompt.id { leaveRemains(at: first) }
      leaveRemains(at: stem)
      scattered.insert(prompt.text)
      prompt.paidFor = []
    }
    vacated[stem] = prompt.id
    prompt.node = node ?? prompt.node
    let formerList = lists[name]
    if let list = lists.removeValue(forKey: stem) { lists[name] = list }
    place(&prompt, at: name)
    if !inOneGo, lists[name] != nil, Fate(of: prompt.text) == .picture {
      vague.insert(prompt.text)
      claim(Request(prompt: prompt.text.trimmed, images: formerList ?? []), by: &prompt)
    }
    prompts[name] = prompt
  }

  // The file stands beside this name's list now.
  mutating func place(_ prompt: inout Prompt, at stem: String) {
    guard Fate(of: prompt.text) == .picture else { return }
    if let list = lists[stem], prompt.wanted?.images != list {
      prompt.wanted = Request(prompt: prompt.text.trimmed, images: list)
      prompt.isDirty = true
      changed(&prompt, stem)
    }
    if let wanted = prompt.wanted { claim(wanted, by: &prompt) }
  }

  /// The prompt is gone; `all`: with its list, and with promptdrop's files.
  mutating func delete(_ stem: String, all: Bool = false) {
    touched.insert(stem)
    guard let known = prompts[stem] else { return }
    let wasRenamed = vacated.values.contains(known.id)
    blur(known.id)
    guard let prompt = prompts.removeValue(forKey: stem) else { return }
    scattered.insert(prompt.text)
    remains[stem] = prompt
    if all {
      remains[stem]?.paidFor = []
      movedNames.insert(stem)
      lists[stem] = nil
    } else if prompt.isDirty, !wasRenamed, !isLoose(prompt) {
      deleted[stem] = prompt.wanted
    }
  }

  // Whether the picture of what was submitted for it may go elsewhere.
  private func isLoose(_ prompt: Prompt) -> Bool {
    guard let wanted = prompt.wanted else { return true }
    return copied.contains(prompt.text) || most[wanted] != 1
  }
}
