import JobCore
import Testing

@Suite struct DropPathTests {
  @Test(arguments: [
    ("", "", ""), ("cat.prompt", "", "cat.prompt"), ("a/cat.prompt", "a", "cat.prompt"), ("a/b/c", "a/b", "c"),
  ])
  func parts(path: String, directory: String, name: String) {
    #expect(DropPath(path).directory == DropPath(directory))
    #expect(DropPath(path).name == Array(name.utf8))
  }

  @Test func appendingIsTheWayBack() {
    for path in ["cat", "a/cat", "a/b/cat"].map({ DropPath($0) }) {
      #expect(path.directory.appending(path.name) == path)
    }
    #expect(DropPath.root.appending(Array("a".utf8)) == DropPath("a"))
  }

  @Test(arguments: [
    ("a/b", "a", true), ("a", "a", true), ("a", "", true), ("", "", true), ("ab/c", "a", false), ("a", "a/b", false),
    ("", "a", false), ("a/b", "b", false),
  ])
  func below(path: String, folder: String, isBelow: Bool) {
    #expect(DropPath(path).isBelowOrEqual(DropPath(folder)) == isBelow)
  }

  @Test func spellingsAreDifferentFiles() {
    #expect(DropPath("\u{e9}") != DropPath("e\u{301}"))
    #expect(Set([DropPath("\u{e9}"), DropPath("e\u{301}")]).count == 2)
  }

  @Test func siblings() {
    let key = FileKey(root: RootID(3), path: DropPath("a/cat.prompt"))
    #expect(key.sibling(Array("cat.png".utf8)) == FileKey(root: RootID(3), path: DropPath("a/cat.png")))
  }

  @Test func displayReplacesWhatIsNoText() {
    #expect(DropPath(bytes: [0x61, 0xff, 0x62]).display == "a\u{fffd}b")
    #expect(DropPath("Katze ä 🐈/漢").display == "Katze ä 🐈/漢")
  }

  @Test func aNameCannotForgeALine() {
    #expect(DropPath("a\nb\r\u{1b}[2J\u{7f}").display == #"a\nb\r\u{1B}[2J\u{7F}"#)
  }

  /// C1 controls are controls: U+0085 ends a line, U+009B begins an escape sequence.
  @Test func noControlCharacterIsShown() {
    let controls = (Array(0...31) + Array(127...159)).compactMap { (value: UInt32) in Unicode.Scalar(value) }
    let shown = controls.filter { DropPath("a\($0)b").display.unicodeScalars.contains($0) }
    #expect(shown.map { String($0.value, radix: 16) } == [])
  }

  @Test func whatCannotBeSeenIsShown() {
    #expect(DropPath("a\u{200B}b\u{2060}\u{FEFF}\u{AD}").display == #"a\u{200B}b\u{2060}\u{FEFF}\u{00AD}"#)
    #expect(DropPath("\u{202E}gnp.a\u{2066}\u{61C}").display == #"\u{202E}gnp.a\u{2066}\u{061C}"#)
    let family = "\u{1F469}\u{200D}\u{1F467} \u{2764}\u{FE0F}\u{200D}\u{1F525}.png"
    #expect(DropPath(family).display == family, "an emoji is one picture")
    #expect(DropPath("a\u{200D}b\u{FE0F}").display == #"a\u{200D}b\u{FE0F}"#)
    #expect(DropPath("cafe\u{301}").display == "cafe\u{301}")
    #expect(DropPath.spelled(Array("cafe\u{301}/caf\u{E9}".utf8)) == "cafe\\u{0301}/caf\u{E9}")
  }

  @Test func hexadecimal() {
    #expect([0, 1, 15, 16, 255].map { UInt8($0) }.hex == "00010f10ff")
    #expect([UInt8]().hex == "")
    #expect(Hex.uuid(0x0123_4567_89AB_CDEF, 0xFEDC_BA98_7654_3210) == "01234567-89ab-cdef-fedc-ba9876543210")
    #expect(Hex.uuid(0, .max) == "00000000-0000-0000-ffff-ffffffffffff")
    for count in 0...20 {
      let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ count) }
      #expect(bytes.hex == bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined())
      #expect(read(Array(bytes.hex.utf8)) == bytes)
    }
  }

  private func read(_ text: [UInt8]) -> [UInt8]? {
    var bytes = [UInt8](repeating: 0, count: text.count / 2)
    let isRead = text.withUnsafeBytes { text in bytes.withUnsafeMutableBytes { Hex.read(text, into: $0) } }
    return isRead ? bytes : nil
  }

  // Whatever else stands in the place of a digit or of a dash.
  @Test func onlyLowerCaseIsRead() {
    let digits = Set(Array("0123456789abcdef".utf8))
    for length in [2, 8, 18] {
      for place in 0..<length {
        for other in UInt8.min...UInt8.max {
          var text = Array("0f9a5c3e71b2d4860f".utf8.prefix(length))
          text[place] = other
          #expect((read(text) != nil) == digits.contains(other))
        }
      }
    }
    #expect(read([48]) == nil)
    let uuid = "0f9a5c3e-71b2-4d48-860f-fedcba987654"
    for place in 0..<36 {
      for other in UInt8.min...UInt8.max {
        var text = Array(uuid.utf8)
        let isDash = text[place] == UInt8(ascii: "-")
        text[place] = other
        let read = text.withUnsafeBytes { Hex.uuid($0) }
        #expect((read != nil) == (isDash ? other == UInt8(ascii: "-") : digits.contains(other)))
        if let read { #expect(Hex.uuid(read.high, read.low) == String(decoding: text, as: UTF8.self)) }
      }
    }
    #expect(Array(uuid.utf8.dropLast()).withUnsafeBytes { Hex.uuid($0) } == nil)
  }
}
