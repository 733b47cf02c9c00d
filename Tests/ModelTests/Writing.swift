// What writing does to the world: new texts, changed ones, copies.
extension World {
  /// The file has this text now.
  mutating func put(_ text: String, at stem: String, node: Int? = nil, isCopy: Bool = false) {
    if isCopy {
      share(text)
      // Its source may go, and it is taken for that: earlier pictures stay where they are.
      movedNames.insert(stem)
    }
    makeFolders(above: stem)
    reoccupied(stem)
    if let former = prompts[stem] { blur(former.id) }
    var prompt = prompts[stem] ?? revived(stem)
    let isSame = text == prompt.text
    prompt.text = text
    prompt.node = node ?? prompt.node
    prompt.isDirty = true
    changed(&prompt, stem)
    // A list that vanishes asks for nothing.
    if !isSame || lists[stem] != nil || prompt.wanted == nil {
      prompt.wanted = Fate(of: text) == .picture ? Request(prompt: text.trimmed, images: lists[stem] ?? []) : nil
    }
    if let wanted = prompt.wanted { claim(wanted, by: &prompt) }
    prompts[stem] = prompt
  }

  /// The file had this text for so long that it may have been submitted.
  mutating func lingered(_ text: String, at stem: String) {
    guard Fate(of: text) == .picture, var prompt = prompts[stem] else { return }
    claim(Request(prompt: text.trimmed, images: lists[stem] ?? []), by: &prompt)
    changed(&prompt, stem)
    prompts[stem] = prompt
  }

  /// The prompt's image list is this now; nil: there is none.
  mutating func setList(_ list: [String]?, of stem: String) {
    lists[stem] = list
    guard var prompt = prompts[stem] else { return }
    blur(prompt.id)
    prompt.paidFor = prompts[stem]?.paidFor ?? []
    if let list {
      prompt.isDirty = true
      changed(&prompt, stem)
      if prompt.wanted != nil {
        let wanted = Request(prompt: prompt.text.trimmed, images: list)
        prompt.wanted = wanted
        claim(wanted, by: &prompt)
      }
    } else {
      vague.insert(prompt.text)
    }
    prompts[stem] = prompt
  }

  /// A file with a text that another one has: whoever looks for a prompt by its text may find either.
  mutating func share(_ text: String) {
    copied.insert(text)
    for stem in remains.keys where remains[stem]?.text == text { remains[stem]?.forget() }
    for stem in prompts.keys where prompts[stem]?.text == text {
      guard let id = prompts[stem]?.id, vacated.values.contains(id) else { continue }
      prompts[stem]?.paidFor = []
      // Its sidecar came along, so that it and the copy may both be what that says.
      if movedWithFolder.contains(id) { vague.insert(text) }
    }
    for index in away.indices {
      for name in away[index].prompts.keys where away[index].prompts[name]?.text == text {
        away[index].prompts[name]?.forget()
      }
    }
    for (stem, request) in deleted where request.prompt == text.trimmed { deleted[stem] = nil }
  }

  /// A name that a prompt had left has a file again: that the prompt was renamed can no longer be told.
  mutating func reoccupied(_ stem: String) {
    deleted[stem] = nil
    for index in away.indices where away[index].prompts.keys.contains(where: { away[index].origin + $0 == stem }) {
      for name in away[index].prompts.keys { away[index].prompts[name]?.forget() }
    }
    guard let id = vacated.removeValue(forKey: stem), let now = prompts.first(where: { $0.value.id == id })?.key
    else { return }
    prompts[now]?.paidFor = []
    if let wanted = prompts[now]?.wanted { most[wanted, default: 0] += 1 }
  }

  /// A prompt that was renamed in this round is not any more what it was: its job may have stayed behind.
  mutating func blur(_ id: Int) {
    for (stem, other) in vacated where other == id {
      vacated[stem] = nil
      leaveRemains(at: stem)
      for now in prompts.keys where prompts[now]?.id == id { prompts[now]?.paidFor = [] }
    }
  }

  /// promptdrop's files may lie here, and nothing is known of their job.
  mutating func leaveRemains(at stem: String) {
    remains[stem] = Prompt(id: number(), node: number(), text: "")
  }

  mutating func changed(_ prompt: inout Prompt, _ stem: String) {
    prompt.changes += 1
    changesOfName[stem, default: 0] += 1
  }

  /// The prompt that a new file under this name goes on with, or a new one.
  mutating func revived(_ stem: String) -> Prompt {
    var prompt = remains.removeValue(forKey: stem) ?? Prompt(id: 0, node: 0, text: "")
    (prompt.id, prompt.node, prompt.text, prompt.wanted) = (number(), number(), "", nil)
    return prompt
  }

  mutating func makeFolders(above stem: String) {
    var parts = stem.split(separator: "/").dropLast()
    while !parts.isEmpty {
      folders.insert(parts.joined(separator: "/"))
      parts.removeLast()
    }
  }
}

extension Prompt {
  /// What its job was paid for is not known any more.
  mutating func forget() {
    (paidFor, claimed) = ([], [])
    isDirty = true
  }
}

extension String {
  /// The prompt of a file with this text.
  var trimmed: String { String(drop { $0.isWhitespace }.reversed().drop { $0.isWhitespace }.reversed()) }
}
