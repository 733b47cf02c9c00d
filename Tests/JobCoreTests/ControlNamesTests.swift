import JobCore
import Testing

/// Names that are not quite those of control files.
@Suite struct ControlNamesTests {
  private func names(_ names: [String]) -> ControlNames {
    var all = ControlNames()
    for name in names { all.insert(Array(name.utf8)) }
    return all
  }
  private func list(_ stem: String, _ there: [String], others: Set<String> = []) -> ControlNames.Choice {
    names(there).list(ofStem: Array(stem.utf8)) { others.contains(String(decoding: $0, as: UTF8.self)) }
  }
  private func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

  @Test(arguments: [
    ("CAT", "CAT.IMAGES"), ("cat", "CAT.IMAGES"), ("cat", "cat.Images"), ("cat", "Cat.images"),
    ("caf\u{E9}", "cafe\u{301}.images"), ("cafe\u{301}", "CAF\u{C9}.Images"), ("\u{1F98A}", "\u{1F98A}.IMAGES"),
  ])
  func `A name that differs in case and composition only is taken`(stem: String, name: String) {
    #expect(list(stem, [name, "dog.images", "other.txt"]) == .taken(bytes(name)))
  }

  @Test(arguments: [
    "fox.images.txt", "fox.images.md", "FOX.IMAGES.TXT", "fox.image", "fox.imges", "fox.imagse", "fox.prompt.images",
    "fox\u{200B}.images", "fox.images\u{200B}", "fox .images", "fox.images ", "\u{FEFF}fox.images",
  ])
  func `A name that only looks like it is for a person to decide`(name: String) {
    #expect(list("fox", [name]) == .unclear([bytes(name)]))
    #expect(list("fox", [name, "FOX.images"]) == .taken(bytes("FOX.images")))
    #expect(list("foxes", [name]) == .none)
  }

  @Test func `Two that might be it are not reported apart`() {
    #expect(list("fox", ["FOX.images", "Fox.images"]) == .unclear([bytes("FOX.images"), bytes("Fox.images")]))
    #expect(list("fox", ["Fox.images", "FOX.images"], others: ["Fox.images"]) == .taken(bytes("FOX.images")))
    #expect(list("fox", ["Fox.images"], others: ["Fox.images"]) == .none, "it is another prompt's")
  }

  @Test(arguments: [
    "fox.images~", "fox.images.bak", ".fox.images", "fox.png", "fox.ico", "fox.ini", "fox.txt", "fox.prompt",
    "foximages", "fox.imaginary", "fox.status.json", "images", ".images", "fox.images.png",
  ])
  func `Other names are other files`(name: String) {
    #expect(list("fox", [name]) == .none)
  }

  @Test func `Defaults`() {
    #expect(names([".PromptDrop.yaml"]).folderDefaults == .taken(bytes(".PromptDrop.yaml")))
    for name in [
      ".promptdrop.yml", "promptdrop.yaml", "promptdrop.yml", ".promptdrop.yaml.txt", "_promptdrop.yaml",
      ".promtdrop.yaml", "\u{200B}.promptdrop.yaml",
    ] {
      #expect(names([name]).folderDefaults == .unclear([bytes(name)]), "\(name)")
    }
    for name in [
      "drop.yaml", "values.yaml", ".promptdrop.json", ".promptdrop-1.tmp", ".promptdrop.yaml~", "mkdocs.yml",
    ] {
      #expect(names([name]).folderDefaults == .none, "\(name)")
    }
    #expect(
      names([".PromptDrop.yaml", ".PROMPTDROP.yaml"]).folderDefaults
        == .unclear([bytes(".PROMPTDROP.yaml"), bytes(".PromptDrop.yaml")]))
    #expect(
      ControlNames.speaksForItself(bytes(".promptdrop.yml")) && ControlNames.speaksForItself(bytes(".PromptDrop.YAML")))
    #expect(!ControlNames.speaksForItself(bytes("promptdrop.yaml")))
  }

  @Test func `What was put in can be taken out`() {
    var all = names(["FOX.IMAGES", "fox.prompt.images", ".promptdrop.yml"])
    #expect(all.remove(bytes("FOX.IMAGES")) && !all.remove(bytes("FOX.IMAGES")) && !all.remove(bytes("cat.png")))
    #expect(all.remove(bytes("fox.prompt.images")) && all.remove(bytes(".promptdrop.yml")) && all.isEmpty)
  }

  @Test func `No name crashes it`() {
    for name in [
      [], [0xFF], [46], [46, 46], [46, 0xC3], Array("a.".utf8), Array(".i".utf8), [0xFF] + Array(".IMAGES".utf8),
    ] {
      var all = ControlNames()
      all.insert(name)
      #expect(all.list(ofStem: name) { _ in false } == .none)
    }
  }

  @Test(arguments: [
    ([], true), ([0, 0, 0], true), ([0xEF, 0xBB, 0xBF], true), ([10], true), ([32, 13, 10, 0], true), ([35], false),
    ([0xFF, 0xFE], false),
  ])
  func `Nothing at all is reported from a comment`(bytes: [UInt8], isBlank: Bool) {
    #expect(isBlankText(bytes) == isBlank)
  }
}
