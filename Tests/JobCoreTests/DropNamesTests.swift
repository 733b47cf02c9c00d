import JobCore
import TestKit
import Testing

@Suite struct DropNamesTests {
  private func meaning(_ name: String) -> DropNames.Meaning { DropNames.meaning(of: Array(name.utf8)) }
  private func stem(_ text: String) -> [UInt8] { Array(text.utf8) }

  @Test(arguments: [
    ("cat.prompt", "cat"), ("cat (1).prompt", "cat (1)"), ("cat 2.prompt", "cat 2"), ("a.b.prompt", "a.b"),
    ("Katze ä.prompt", "Katze ä"), ("cat.prompt.prompt", "cat.prompt"), ("#1.prompt", "#1"), ("4913.prompt", "4913"),
    ("sedate.prompt", "sedate"), ("conflict.prompt", "conflict"), ("cat (conflict.prompt", "cat (conflict"),
    ("cat.sync-conflict.prompt", "cat.sync-conflict"), ("no_conflict.prompt", "no_conflict"),
    ("cat-safeBackup.prompt", "cat-safeBackup"), ("cat.images.prompt", "cat.images"),
  ])
  func prompts(name: String, stem text: String) {
    #expect(meaning(name) == .prompt(stem: stem(text)))
  }

  @Test func namesThatAreNoUTF8AreTakenAsTheyAre() {
    let bytes: [UInt8] = [0xff, 0xfe, 0x28]
    #expect(DropNames.meaning(of: DropNames.prompt(stem: bytes)) == .prompt(stem: bytes))
    #expect(DropNames.meaning(of: DropNames.imageList(stem: bytes)) == .imageList(stem: bytes))
  }

  @Test(arguments: [
    "cat.sync-conflict-20260131-101500-ABCDEF7", "cat (Ann's conflicted copy 2026-01-31)",
    "cat (case conflict 1)", "cat_conflict-20260131-101500", "cat_SFConflict_ann_2026-01-31", "cat-safeBackup-0001",
  ])
  func conflictCopiesAreParked(text: String) {
    #expect(meaning(text + ".prompt") == .conflictCopy(stem: stem(text)))
  }

  @Test(arguments: [
    ".#cat.prompt", "._cat.prompt", ".cat.prompt.swp", ".cat.prompt.swx", ".syncthing.cat.prompt.tmp", "~cat.prompt",
    ".goutputstream-A1B2C3", ".unison.cat.prompt.0123456789abcdef0123456789abcdef.unison.tmp", ".nfs000000012345",
    "#cat.prompt#", "cat.prompt~", "~$cat.prompt", "~syncthing~cat.prompt.tmp", "4913", "sedA1b2C3", "cat.prompt.tmp",
    "cat.prompt.part", "cat.prompt.partial", "cat.prompt.1a2b3c4d.partial", "cat.prompt.crdownload",
    "cat.prompt___jb_tmp___", "cat.prompt___jb_old___", "cat.prompt___jb_bak___", "cat.prompt.bak", "cat.prompt.orig",
    ".cat.prompt.A1b2C3", ".prompt",
  ])
  func temporaryNamesStartNothing(name: String) {
    #expect(meaning(name) == .other)
    #expect(DropNames.isTemporary(Array(name.utf8)))
  }

  @Test(arguments: ["cat.prompt", "cat.images", "cat.png", "cat.status.json", "sedation.png", "49130", "#1", "a"])
  func ordinaryNamesAreNotTemporary(name: String) {
    #expect(!DropNames.isTemporary(Array(name.utf8)))
  }

  @Test(arguments: [
    "", "prompt", "images", ".images", ".PROMPT", "cat.prompts", "cat.prompt.txt", "cat.images2", "cat.png", "cat",
    "cat.status.json", ".promptdrop.yaml~", "promptdrop.yaml",
  ])
  func otherNames(name: String) {
    #expect(meaning(name) == .other)
  }

  @Test(arguments: ["cat.Prompt", "cat.PROMPT"])
  func upperCaseIsAPromptToo(name: String) {
    #expect(meaning(name) == .prompt(stem: Array("cat".utf8)))
    #expect(DropNames.plainPrompt(Array(name.utf8)) == Array("cat.prompt".utf8))
    #expect(DropNames.plainPrompt(Array("cat.prompt".utf8)) == nil)
  }

  // What is asked before a copy of a name is made has to agree with what is asked of the copy.
  @Test(arguments: SplitMix64.seeds(4)) func glancesAgree(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    let parts = [
      ".", "~", "#", "cat", ".prompt", ".PROMPT", ".Prompt", ".images", ".tmp", ".part", ".partial", ".crdownload",
      ".status.json", ".promptdrop", "-1", "_", "___jb_old___", ".Xy12Zz", ".bak", ".orig", ".swp", " ", "é", "",
    ]
    for _ in 0..<5000 {
      let name = Array((0..<random.one(of: [1, 2, 2, 3, 4])).map { _ in random.one(of: parts) }.joined().utf8)
      let ending = name.withUnsafeBytes { DropNames.ending($0) }
      let mayMatter = name.withUnsafeBytes { DropNames.mayMatter($0) }
      let text = String(decoding: name, as: UTF8.self)
      switch DropNames.meaning(of: name) {
      case .prompt, .conflictCopy: #expect(ending == .prompt(isPlain: DropNames.plainPrompt(name) == nil), "\(text)")
      case .imageList: #expect(ending == .list, "\(text)")
      case .other: #expect(ending == .other, "\(text)")
      default: #expect(ending == .other && mayMatter, "\(text)")
      }
      if ending != .other || DropNames.isOwnTemporary(name) || DropNames.promptOfSidecar(name) != nil {
        #expect(mayMatter, "\(text)")
      }
    }
  }

  @Test func replacedNames() {
    let name = DropNames.replaced(stem: Array("cat".utf8), id: "0000-1a2b3c4d")
    #expect(String(decoding: name, as: UTF8.self) == "cat.replaced-1a2b3c4d.prompt")
    guard case .prompt(let stem) = DropNames.meaning(of: name) else {
      Issue.record("it is a prompt's name")
      return
    }
    #expect(DropNames.replacedStem(stem) == Array("cat".utf8))
    for other in ["cat", "cat.replaced-1a2b3c4", "cat.replaced-1a2b3c4g", ".replaced-1a2b3c4d"] {
      #expect(DropNames.replacedStem(Array(other.utf8)) == nil, "\(other)")
    }
  }

  @Test func listsAndDefaults() {
    #expect(meaning("cat.images") == .imageList(stem: stem("cat")))
    #expect(meaning("a b.images") == .imageList(stem: stem("a b")))
    #expect(meaning(".promptdrop.yaml") == .folderDefaults)
    #expect(DropNames.folderDefaults == stem(".promptdrop.yaml"))
  }

  // rsync, Syncthing, Unison, rclone, curl and wget scripts, Chromium, Firefox, JetBrains.
  @Test(arguments: [
    ".cat.images.A1b2C3", ".syncthing.cat.images.tmp", "~syncthing~cat.images.tmp",
    ".unison.cat.images.0123456789abcdef0123456789abcdef.unison.tmp", "cat.images.1a2b3c4d.partial",
    "cat.images.partial", "cat.images.tmp", "cat.images.part", "cat.images.crdownload", ".cat.images.~7b3f",
  ])
  func listsOnTheirWay(name: String) {
    #expect(meaning(name) == .imageListOnItsWay(stem: stem("cat")))
  }

  // Backups, locks, swap files and resource forks stay where they are: nobody may wait for them.
  @Test(arguments: [
    "cat.images~", "cat.images.~1~", "cat.images.bak", "cat.images.orig", ".cat.images.swp", ".cat.images.swx",
    ".cat.images.un~", ".#cat.images", "._cat.images", "#cat.images#",
  ])
  func whatStaysIsNoListOnItsWay(name: String) {
    #expect(meaning(name) == .other)
  }

  // MARK: making

  @Test func madeNames() {
    let cat = stem("cat")
    #expect(DropNames.prompt(stem: cat) == stem("cat.prompt"))
    #expect(DropNames.imageList(stem: cat) == stem("cat.images"))
    #expect(DropNames.sidecar(stem: cat, besidesForeign: false) == stem("cat.status.json"))
    #expect(DropNames.sidecar(stem: cat, besidesForeign: true) == stem("cat.promptdrop.status.json"))
    #expect(DropNames.output(stem: cat, number: 1, fileExtension: "png") == stem("cat.png"))
    #expect(DropNames.output(stem: cat, number: 12, fileExtension: "jpg") == stem("cat-12.jpg"))
    #expect(DropNames.alternative(stem: cat, number: 1, turn: 1, fileExtension: "png") == stem("cat.alt1.png"))
    #expect(DropNames.alternative(stem: cat, number: 2, turn: 3, fileExtension: "webp") == stem("cat-2.alt3.webp"))
    #expect(DropNames.version(stem: cat, number: 1, revision: 4, turn: 0, fileExtension: "png") == stem("cat.v4.png"))
    #expect(
      DropNames.version(stem: cat, number: 2, revision: 4, turn: 1, fileExtension: "png")
        == stem("cat-2.v4.alt1.png"))
    #expect(DropNames.temporary(id: "0a1b") == stem(".promptdrop-0a1b.tmp"))
  }

  @Test func ownTemporaryNames() {
    #expect(DropNames.isOwnTemporary(DropNames.temporary(id: "0a1b")))
    for name in [".promptdrop.yaml", ".promptdrop-x", "promptdrop-x.tmp", ".cat.tmp"] {
      #expect(!DropNames.isOwnTemporary(stem(name)))
    }
  }

  /// Whatever the stem: no name that is made starts work, and all fit beside each other.
  @Test(arguments: SplitMix64.seeds())
  func madeNamesStartNothing(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    let parts = ["cat", ".prompt", ".images", "-2", ".v1", ".alt1", "~", "sed", " (conflict)", ".tmp", "é", "#", "_"]
    for _ in 0..<400 {
      let text = (0..<Int.random(in: 1...5, using: &random)).map { _ in random.one(of: parts) }.joined()
      let made = made(stem(text))
      try #require(Set(made).count == made.count, "seed \(seed): \(text)")
      for name in made {
        try #require(
          [.other, .imageListOnItsWay(stem: [])].contains(DropNames.meaning(of: name).withoutStem),
          "seed \(seed): \(String(decoding: name, as: UTF8.self))")
        guard text.hasPrefix(".") || text.hasPrefix("~") else {
          try #require(DropNames.meaning(of: name) == .other, "seed \(seed): \(String(decoding: name, as: UTF8.self))")
          continue
        }
      }
    }
  }

  private func made(_ stem: [UInt8]) -> [[UInt8]] {
    [false, true].map { DropNames.sidecar(stem: stem, besidesForeign: $0) } + [DropNames.temporary(id: "0a1b")]
      + [1, 2].flatMap { number in
        ImageInfo.Format.allCases.flatMap { format -> [[UInt8]] in
          let fileExtension = format.fileExtension
          return [
            DropNames.output(stem: stem, number: number, fileExtension: fileExtension),
            DropNames.alternative(stem: stem, number: number, turn: 1, fileExtension: fileExtension),
            DropNames.version(stem: stem, number: number, revision: 1, turn: 0, fileExtension: fileExtension),
            DropNames.version(stem: stem, number: number, revision: 1, turn: 1, fileExtension: fileExtension),
          ]
        }
      }
  }
}

extension DropNames.Meaning {
  fileprivate var withoutStem: DropNames.Meaning {
    if case .imageListOnItsWay = self { .imageListOnItsWay(stem: []) } else { self }
  }
}
