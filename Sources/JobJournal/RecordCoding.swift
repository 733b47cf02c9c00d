import FoundationEssentials
import JobCore

// How a job stands in its row. Columns have what SQL looks for; all else is in `body`: four bytes of a checksum over what
// the row says of what was paid for, the version of the form, and then one value after the other.

extension JobRecord {
  // The form of the body; a later one has a higher number.
  private static let form: UInt8 = 1
  // Texts beyond this many bytes stand in a table of their own: a row that fits on its page is written with it.
  static let longestInside = 512

  // What an open slot and its picture come to take, in bytes, on the way of most jobs: kept free from the beginning, so that
  // rows that grow do not leave half of each page empty.
  private static let growth = 200

  /// The row's body, in `writer`, with the columns that it is checked together with. `heads`: see `HeldRecords.Held`; made
  /// where there are none.
  func write(to writer: inout RecordWriter, heads: inout [[UInt8]], _ columns: CheckedColumns) throws {
    writer.begin()
    writer.out.byte(Self.form)
    writer.out.signed(createdAt.milliseconds &- (UUIDTime.milliseconds(id) ?? 0))
    writer.out.unsigned(UInt64(outputs.count))
    if !outputs.isEmpty {
      let stem = file.path.stem
      for place in outputs.indices { try writer.output(outputs[place], stem) }
    }
    var growing = writer.out.size
    writer.out.unsigned(UInt64(revisions.count))
    var open = 0
    for place in revisions.indices {
      if place < heads.count {
        heads[place].withUnsafeBytes { writer.out.raw($0) }
        writer.requestSHA = revisions[place].identity.request
      } else {
        let start = writer.out.size
        try writer.head(revisions[place], since: createdAt)
        heads.append(Array(writer.out.bytes[start...]))
      }
      for slot in revisions[place].slots where slot.isOpen { open += 1 }
      growing += try writer.slots(revisions[place])
    }
    if open > 0 { writer.out.fill(to: writer.out.size - growing + open * Self.growth) }
    writer.out.setFirst(Self.checksum(id, current, columns, UnsafeRawBufferPointer(rebasing: writer.out.bytes[4...])))
  }

  private static func checksum(
    _ id: JobID, _ current: Int, _ columns: CheckedColumns, _ body: UnsafeRawBufferPointer
  ) -> UInt32 {
    var checksum = Checksum()
    checksum.add(id)
    checksum.add(UInt64(bitPattern: columns.state << 8 | (columns.isLoose ? 1 : 0)))
    checksum.add(UInt64(bitPattern: Int64(current)))
    checksum.add(UInt64(bitPattern: columns.source ?? -1))
    checksum.add(body)
    return checksum.result
  }

  /// The columns that `init(_:_:)` reads: id, uuid, root, path, state, current, source, loose, stamp, inputs_changed, note,
  /// body. Throws `Unreadable` where the row is not as it was written.
  init(_ row: Row, _ words: Words) throws {
    let id = row.job(1)
    let file = FileKey(root: RootID(row.integer(2)), path: DropPath(bytes: row.bytes(3)))
    let current = row.int(5)
    let columns = CheckedColumns(
      state: row.integer(4), source: row.optionalInteger(6), isLoose: row.integer(7) != 0)
    self = try row.withBytes(11) { bytes in
      let sum = bytes.count > 4 ? UInt32(littleEndian: bytes.loadUnaligned(as: UInt32.self)) : 0
      let payload = UnsafeRawBufferPointer(rebasing: bytes.dropFirst(4))
      var reader = RecordReader(payload, of: id, words)
      guard bytes.count > 4, sum == Self.checksum(id, current, columns, payload) else { throw reader.input.damage }
      guard try reader.input.byte() == Self.form else { throw reader.input.damage }
      let created = Timestamp(milliseconds: (UUIDTime.milliseconds(id) ?? 0) &+ (try reader.input.signed()))
      var record = JobRecord(row: row.integer(0), id: id, file: file, current: current, createdAt: created)
      let stem = file.path.stem
      record.outputs = try reader.list { try $0.output(id, stem) }
      record.revisions = try reader.list { try $0.revision(id, since: created) }
      guard reader.input.isAtEnd else { throw reader.input.damage }
      return record
    }
    stamp = row.isNull(8) ? nil : row.withBytes(8) { TakenStamp(packed: $0) }
    inputsChanged = row.integer(9) != 0
    note = try row.optionalText(10).map { try FileNote(journal: $0) }
    guard Int64(state.number) == columns.state else { throw Unreadable(what: "state of job \(id.text)") }
  }
}

/// What of a row's columns its checksum is over, and what follows from its body.
struct CheckedColumns {
  let state: Int64
  let source: Int64?
  let isLoose: Bool

  init(state: Int64, source: Int64?, isLoose: Bool) {
    (self.state, self.source, self.isLoose) = (state, source, isLoose)
  }

  init(of record: borrowing JobRecord, source: Int64?) {
    self.init(state: Int64(record.state.number), source: source, isLoose: record.isLoose)
  }
}

extension FileNote {
  /// Reads a note's JSON. Throws `Unreadable`.
  init(journal text: String) throws {
    do {
      self = try JSONDecoder().decode(FileNote.self, from: Data(text.utf8))
    } catch { throw Unreadable(what: "note: \(error)") }
  }

  /// The note's JSON: notes are few, and a later version may know more of them.
  func journalText() throws -> String { String(decoding: try JSONEncoder().encode(self), as: UTF8.self) }
}

extension RecordWriter {
  /// All of a revision but its slots.
  fileprivate mutating func head(_ revision: RevisionRecord, since base: Timestamp) throws {
    let (snapshot, identity) = (revision.revision.snapshot, revision.identity)
    out.count(revision.number)
    var storedText: Int64?
    if case .stored(let text) = revision.text { storedText = text }
    flags(
      identity.list != nil, snapshot.aspectRatio != nil, snapshot.imageSize != nil, snapshot.owner != nil,
      !snapshot.images.isEmpty, !snapshot.extra.isEmpty, storedText != nil)
    out.count(revision.revision.count)
    moment(revision.takenAt, since: base)
    out.token(identity.prompt)
    out.token(identity.source)
    out.token(identity.request)
    if let list = identity.list { out.token(list) }
    try word(snapshot.model)
    if let ratio = snapshot.aspectRatio { try word(ratio) }
    if let size = snapshot.imageSize { try word(size) }
    if let owner = snapshot.owner { try word(owner) }
    if !snapshot.images.isEmpty {
      out.unsigned(UInt64(snapshot.images.count))
      for image in snapshot.images { self.image(image) }
    }
    if !snapshot.extra.isEmpty { out.data(Array(try JSONEncoder().encode(snapshot.extra))) }
    if let storedText { out.signed(storedText) } else { out.text(snapshot.prompt) }
    requestSHA = identity.request
  }

  /// How many bytes its open slots took.
  fileprivate mutating func slots(_ revision: RevisionRecord) throws -> Int {
    out.unsigned(UInt64(revision.slots.count))
    var growing = 0
    for slot in revision.slots {
      let before = out.size
      try self.slot(slot, since: revision.takenAt)
      if slot.isOpen { growing += out.size - before }
    }
    return growing
  }

  private mutating func image(_ image: ImageInput) {
    flags(image.url != nil, image.path != nil, image.sha256 != nil, image.bytes != nil)
    for text in [image.url, image.path].compactMap({ $0 }) { out.text(text) }
    if let hash = image.sha256 { out.token(hash) }
    if let bytes = image.bytes { out.count(bytes) }
  }

  /// `stem`: the prompt's name without its ending, which most pictures have too.
  fileprivate mutating func output(_ output: Output, _ stem: ArraySlice<UInt8>) throws {
    let hasStem = output.isCalled(stem)
    flags(output.temporary != nil, output.kept != nil, output.warning != nil, hasStem)
    out.count(output.slot.revision)
    out.count(output.slot.number)
    out.count(output.part)
    out.count(output.number)
    if !hasStem { out.data(output.file) }
    out.token(output.sha256)
    out.count(output.bytes)
    try word(output.image.format.rawValue)
    out.count(output.image.width)
    out.count(output.image.height)
    if let name = output.temporary { out.data(name) }
    if let name = output.kept { out.data(name) }
    if let warning = output.warning { out.text(warning) }
  }
}

extension RecordReader {
  fileprivate mutating func revision(_ job: JobID, since base: Timestamp) throws -> RevisionRecord {
    let number = try input.count()
    let flags = try input.byte()
    let count = try input.count()
    let taken = try moment(since: base)
    let (prompt, source, request) = (try input.token(), try input.token(), try input.token())
    let identity = Identity(
      prompt: prompt, source: source, list: flags & 1 != 0 ? try input.token() : nil, request: request)
    var snapshot = Snapshot(prompt: "", model: try word())
    if flags & 2 != 0 { snapshot.aspectRatio = try word() }
    if flags & 4 != 0 { snapshot.imageSize = try word() }
    if flags & 8 != 0 { snapshot.owner = try word() }
    if flags & 16 != 0 { snapshot.images = try list { try $0.image() } }
    if flags & 32 != 0 {
      let json = try input.data()
      do {
        snapshot.extra = try JSONDecoder().decode([String: JSONValue].self, from: Data(json))
      } catch { throw input.damage }
    }
    var text = RevisionRecord.Text.inside
    if flags & 64 != 0 { text = .stored(try input.signed()) } else { snapshot.prompt = try input.text() }
    requestSHA = request
    return RevisionRecord(
      revision: Revision(number: number, identity: identity, snapshot: snapshot, count: count, takenAt: taken),
      text: text, slots: try list { try $0.slot(job, number, since: taken) })
  }

  private mutating func image() throws -> ImageInput {
    let flags = try input.byte()
    var image = ImageInput(url: "")
    image.url = flags & 1 != 0 ? try input.text() : nil
    image.path = flags & 2 != 0 ? try input.text() : nil
    image.sha256 = flags & 4 != 0 ? try input.token() : nil
    image.bytes = flags & 8 != 0 ? try input.count() : nil
    return image
  }

  fileprivate mutating func output(_ job: JobID, _ stem: ArraySlice<UInt8>) throws -> Output {
    let flags = try input.byte()
    let slot = SlotKey(job: job, revision: try input.count(), number: try input.count())
    let (part, number) = (try input.count(), try input.count())
    let file = flags & 8 == 0 ? try input.data() : []
    let (hash, bytes) = (try input.token(), try input.count())
    guard let format = ImageInfo.Format(rawValue: try word()) else { throw input.damage }
    let image = ImageInfo(format: format, width: try input.count(), height: try input.count())
    var output = Output(
      slot: slot, part: part, number: number, file: file, sha256: hash, bytes: bytes, image: image,
      temporary: flags & 1 != 0 ? try input.data() : nil, kept: flags & 2 != 0 ? try input.data() : nil,
      warning: flags & 4 != 0 ? try input.text() : nil)
    if flags & 8 != 0 { output.file = stem + output.ending }
    return output
  }
}

extension Output {
  fileprivate var ending: [UInt8] { [UInt8(ascii: ".")] + image.format.fileExtension.utf8 }

  // Whether its name is this stem with its ending.
  fileprivate func isCalled(_ stem: ArraySlice<UInt8>) -> Bool {
    guard file.count > stem.count, file[stem.count] == UInt8(ascii: ".") else { return false }
    return file[..<stem.count] == stem && file[(stem.count + 1)...].elementsEqual(image.format.fileExtension.utf8)
  }
}

extension DropPath {
  // The name up to its last dot. A row is written anew when the name changes; folders may be renamed without that.
  fileprivate var stem: ArraySlice<UInt8> {
    let start = bytes.lastIndex(of: UInt8(ascii: "/")).map { $0 + 1 } ?? 0
    let name = bytes[start...]
    return name[..<(name.lastIndex(of: UInt8(ascii: ".")) ?? name.endIndex)]
  }
}

extension TakenStamp {
  /// The stamp in as few bytes as its numbers need.
  var packed: [UInt8] {
    var writer = ByteWriter()
    writer.byte((list == nil ? 0 : 1) | (inputs == 0 ? 0 : 2))
    if inputs != 0 { writer.fixed(inputs) }
    Self.write(prompt, to: &writer)
    if let list { Self.write(list, to: &writer) }
    return Array(writer.bytes)
  }

  private static func write(_ stamp: FileStamp, to writer: inout ByteWriter) {
    writer.unsigned(stamp.device)
    writer.unsigned(stamp.inode)
    writer.signed(stamp.size)
    writer.signed(stamp.modified)
    // Most files were changed when they were modified.
    writer.signed(stamp.changed &- stamp.modified)
  }

  /// Nil for what is no stamp: then the file is read again.
  init?(packed: UnsafeRawBufferPointer) {
    var reader = ByteReader(packed, of: nil)
    func stamp() throws -> FileStamp {
      let (device, inode, size) = (try reader.unsigned(), try reader.unsigned(), try reader.signed())
      let modified = try reader.signed()
      return FileStamp(
        device: device, inode: inode, size: size, modified: modified, changed: modified &+ (try reader.signed()))
    }
    do {
      let flags = try reader.byte()
      let inputs = flags & 2 != 0 ? try reader.fixed() : 0
      self.init(prompt: try stamp(), list: flags & 1 != 0 ? try stamp() : nil, inputs: inputs)
    } catch { return nil }
    guard reader.isAtEnd else { return nil }
  }
}

extension SQLValue {
  /// A UUID as its bytes, and any other id as text.
  static func id(_ text: String) -> SQLValue {
    var text = text
    guard let (high, low) = text.withUTF8({ Hex.uuid(UnsafeRawBufferPointer($0)) }) else { return .text(text) }
    return .bytes(withUnsafeBytes(of: (high.bigEndian, low.bigEndian)) { Array($0) })
  }

  /// The same of a job's id.
  static func id(_ job: JobID) -> SQLValue {
    guard let (high, low) = job.bits else { return .text(job.text) }
    return .bytes(withUnsafeBytes(of: (high.bigEndian, low.bigEndian)) { Array($0) })
  }

  /// A hexadecimal hash as its bytes, and any other text as it is.
  static func hash(_ text: String) -> SQLValue {
    var text = text
    let bytes: [UInt8]? = text.withUTF8 { utf8 in
      guard utf8.count >= 2, utf8.count.isMultiple(of: 2) else { return nil }
      var bytes = [UInt8](repeating: 0, count: utf8.count / 2)
      let isHash = bytes.withUnsafeMutableBytes { Hex.read(UnsafeRawBufferPointer(utf8), into: $0) }
      return isHash ? bytes : nil
    }
    return bytes.map { .bytes($0) } ?? .text(text)
  }

  /// A decimal amount as a number, and any other text as it is.
  static func amount(_ text: String?) -> SQLValue {
    guard let text else { return .null }
    return Decimals.pack(text).map { .integer($0) } ?? .text(text)
  }
}

extension Row {
  /// What `SQLValue.id` wrote.
  func id(_ column: Int32) -> String {
    isText(column) ? text(column) : withBytes(column) { $0.count == 16 ? Hex.uuidText($0) : "" }
  }
  /// What `SQLValue.id` wrote of a job.
  func job(_ column: Int32) -> JobID {
    if isText(column) { return JobID(text(column)) }
    return withBytes(column) { bytes in
      guard bytes.count == 16 else { return JobID("") }
      return JobID(
        high: UInt64(bigEndian: bytes.loadUnaligned(as: UInt64.self)),
        low: UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self)))
    }
  }
  /// What `SQLValue.hash` wrote.
  func hash(_ column: Int32) -> String {
    isText(column) ? text(column) : withBytes(column) { $0.hex }
  }
  /// What `SQLValue.amount` wrote.
  func amount(_ column: Int32) -> String? {
    if isNull(column) { return nil }
    return isInteger(column) ? Decimals.text(integer(column)) : text(column)
  }
}
