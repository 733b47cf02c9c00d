/// Words that many rows have: models, sizes, boots of the machine. They stand in a table of their own, once, and in the rows
/// by their number.
final class Words {
  private var texts: [Int64: String] = [:]
  private var numbers: [String: Int64] = [:]
  // The last few, newest first: a row has three or four, the same as the row before it. To compare them takes less than a
  // hash.
  private var recent: [(text: String, number: Int64)] = []
  private static let mostRecent = 4
  private let connection: Connection

  // What is long, or new when there are so many, is no word that rows have in common.
  private static let longest = 64
  private static let most = 1000

  init(_ connection: Connection) { self.connection = connection }

  /// Reads all of them. Throws `Unreadable` where one went bad; then they are as before.
  func load() throws {
    var (texts, numbers): ([Int64: String], [String: Int64]) = ([:], [:])
    try connection.each("SELECT id, text, checksum FROM word") { row in
      let (id, text) = (row.integer(0), row.text(1))
      guard row.integer(2) == Self.checksum(id, text) else { throw Unreadable(what: "word") }
      (texts[id], numbers[text]) = (text, id)
      return true
    }
    (self.texts, self.numbers, recent) = (texts, numbers, [])
  }

  subscript(number: Int64) -> String? { texts[number] }

  /// The word's number, made where it is new; nil for what is no such word.
  func number(_ text: String) throws -> Int64? {
    for word in recent where word.text == text { return word.number }
    if let known = numbers[text] {
      if recent.count == Self.mostRecent { recent.removeLast() }
      recent.insert((text, known), at: 0)
      return known
    }
    guard text.utf8.count <= Self.longest, texts.count < Self.most else { return nil }
    let id = (texts.keys.max() ?? 0) + 1
    try connection.run(
      "INSERT INTO word (id, text, checksum) VALUES (?, ?, ?)", .integer(id), .text(text),
      .integer(Self.checksum(id, text)))
    (texts[id], numbers[text]) = (text, id)
    return id
  }

  private static func checksum(_ id: Int64, _ text: String) -> Int64 {
    var checksum = Checksum()
    checksum.add(UInt64(bitPattern: id))
    checksum.add(text)
    return Int64(checksum.result)
  }
}
