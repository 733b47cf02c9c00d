import CSQLite
import JobCore

/// What SQLite says went wrong.
struct SQLiteError: Error, CustomStringConvertible {
  /// The extended result code.
  let code: Int32
  let message: String
  var description: String { "SQLite: \(message) (\(code))" }
}

/// What a statement is given.
enum SQLValue {
  case null
  case integer(Int64)
  case text(String)
  case bytes([UInt8])

  static func number(_ value: some BinaryInteger) -> SQLValue { .integer(Int64(value)) }
  static func number(_ value: (some BinaryInteger)?) -> SQLValue { value.map { .integer(Int64($0)) } ?? .null }
  static func text(_ value: String?) -> SQLValue { value.map { .text($0) } ?? .null }
  static func bytes(_ value: [UInt8]?) -> SQLValue { value.map { .bytes($0) } ?? .null }
}

/// One connection to one file, with its prepared statements. Whoever uses it has it alone.
final class Connection {
  // Nil once it is closed.
  private var handle: OpaquePointer?
  // A statement's text is a literal: where that stands in the program tells it from all others.
  private var statements: [UnsafePointer<UInt8>: Statement] = [:]

  private static let isConfigured = promptdrop_configure() == SQLITE_OK

  /// Opens or makes a file. Throws `SQLiteError`.
  init(path: String) throws {
    _ = Self.isConfigured
    var opened: OpaquePointer?
    // Nothing else in this process has the connection, so SQLite's own locks are not needed.
    let flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX
    let code = sqlite3_open_v2(path, &opened, flags, nil)
    guard code == SQLITE_OK, let opened else {
      let error = SQLiteError(code: code, message: opened.map { String(cString: sqlite3_errmsg($0)) } ?? "no memory")
      sqlite3_close_v2(opened)
      throw error
    }
    handle = opened
    sqlite3_extended_result_codes(handle, 1)
  }

  deinit { close() }

  /// Ends the connection: a last checkpoint, and the log is gone. It is of no use afterwards.
  func close() {
    statements = [:]
    sqlite3_close_v2(handle)
    handle = nil
  }

  /// How many rows the last statement changed.
  var changes: Int { Int(sqlite3_changes(handle)) }
  /// The number that the last insertion gave its row.
  var lastRow: Int64 { sqlite3_last_insert_rowid(handle) }
  /// Whether a transaction is open.
  var isInTransaction: Bool { sqlite3_get_autocommit(handle) == 0 }

  /// Gives back the memory that the cache of pages takes.
  func releaseMemory() { sqlite3_db_release_memory(handle) }

  /// What SQLite says about the last call.
  func failure(_ code: Int32) -> SQLiteError {
    SQLiteError(code: code, message: String(cString: sqlite3_errmsg(handle)))
  }

  /// Runs statements that are not kept, one after the other, and nothing that they find.
  func execute(sql: String) throws {
    let code = sqlite3_exec(handle, sql, nil, nil, nil)
    guard code == SQLITE_OK else { throw failure(sqlite3_extended_errcode(handle)) }
  }

  /// The statement, prepared once.
  func statement(_ sql: StaticString) throws -> Statement {
    if let known = statements[sql.utf8Start] { return known }
    let made = try prepare(sql)
    statements[sql.utf8Start] = made
    return made
  }

  /// A statement that whoever asks for it keeps.
  func prepare(_ sql: StaticString) throws -> Statement { try Statement(self, handle, sql.description) }

  /// Runs a statement that finds nothing.
  func run(_ sql: StaticString, _ values: SQLValue...) throws {
    try statement(sql).run(values) { _ in false }
  }

  /// Runs a statement whether it changed a row.
  func changed(_ sql: StaticString, _ values: SQLValue...) throws -> Bool {
    try statement(sql).run(values) { _ in false }
    return changes > 0
  }

  /// The first row that is found, as `body` reads it.
  func first<T>(_ sql: StaticString, _ values: SQLValue..., read: (Row) throws -> T) throws -> T? {
    var found: T?
    try statement(sql).run(values) { row in
      found = try read(row)
      return false
    }
    return found
  }

  /// Every row that is found, as `body` reads it.
  func all<T>(_ sql: StaticString, _ values: SQLValue..., read: (Row) throws -> T) throws -> [T] {
    var found: [T] = []
    try statement(sql).run(values) { row in
      found.append(try read(row))
      return true
    }
    return found
  }

  /// Hands out the rows until `body` says that it is enough. The same statement must not be run inside.
  func each(_ sql: StaticString, _ values: SQLValue..., body: (Row) throws -> Bool) throws {
    try statement(sql).run(values, body)
  }

  /// The same for a text that is put together, and is not kept.
  func all<T>(sql: String, read: (Row) throws -> T) throws -> [T] {
    var found: [T] = []
    try Statement(self, handle, sql).run([]) { row in
      found.append(try read(row))
      return true
    }
    return found
  }
}

/// A prepared statement; as long as it stands on a row, that row.
final class Statement {
  private unowned let connection: Connection
  private let handle: OpaquePointer

  fileprivate init(_ connection: Connection, _ database: OpaquePointer?, _ sql: String) throws {
    var made: OpaquePointer?
    let code = sqlite3_prepare_v3(database, sql, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &made, nil)
    guard code == SQLITE_OK, let made else { throw connection.failure(code) }
    (self.connection, handle) = (connection, made)
  }

  deinit { sqlite3_finalize(handle) }

  fileprivate func run(_ values: [SQLValue], _ body: (Row) throws -> Bool) throws {
    defer { sqlite3_reset(handle) }
    for (index, value) in values.enumerated() {
      let code = bind(value, Int32(index + 1))
      guard code == SQLITE_OK else { throw connection.failure(code) }
    }
    while true {
      switch sqlite3_step(handle) {
      case SQLITE_ROW: if try !body(Row(handle: handle)) { return }
      case SQLITE_DONE: return
      case let code: throw connection.failure(code)
      }
    }
  }

  private func bind(_ value: SQLValue, _ index: Int32) -> Int32 {
    switch value {
    case .null: return sqlite3_bind_null(handle, index)
    case .integer(let number): return sqlite3_bind_int64(handle, index, number)
    case .text(let text): return bind(text, index)
    case .bytes(let bytes): return bytes.withUnsafeBytes { bind($0, index) }
    }
  }

  private func bind(_ text: String, _ index: Int32) -> Int32 {
    var text = text
    return text.withUTF8 { bind(text: $0, index) }
  }

  private func bind(text: UnsafeBufferPointer<UInt8>, _ index: Int32) -> Int32 {
    text.withMemoryRebound(to: CChar.self) { promptdrop_bind_text(handle, index, $0.baseAddress, Int32($0.count)) }
  }

  private func bind(_ bytes: UnsafeRawBufferPointer, _ index: Int32) -> Int32 {
    // A blob without bytes needs an address too; else it would be NULL.
    if bytes.isEmpty { return sqlite3_bind_zeroblob(handle, index, 0) }
    return promptdrop_bind_blob(handle, index, bytes.baseAddress, Int32(bytes.count))
  }
}

// One value after the other, without a box or an array of them: for what each step of a job runs. What is bound stays until
// it is bound anew.
extension Statement {
  func bind(_ index: Int32, _ number: Int64?) throws {
    try check(number.map { sqlite3_bind_int64(handle, index, $0) } ?? sqlite3_bind_null(handle, index))
  }

  func bind(_ index: Int32, bytes: UnsafeRawBufferPointer) throws { try check(bind(bytes, index)) }
  func bind(_ index: Int32, bytes: [UInt8]) throws { try check(bytes.withUnsafeBytes { bind($0, index) }) }

  func bind(_ index: Int32, text: String?) throws {
    try check(text.map { bind($0, index) } ?? sqlite3_bind_null(handle, index))
  }

  /// As `SQLValue.id`.
  func bind(_ index: Int32, id: String) throws {
    var id = id
    let code = id.withUTF8 { utf8 in
      guard let uuid = Hex.uuid(UnsafeRawBufferPointer(utf8)) else { return bind(text: utf8, index) }
      return withUnsafeBytes(of: (uuid.high.bigEndian, uuid.low.bigEndian)) { bind($0, index) }
    }
    try check(code)
  }

  /// The same of a job's id.
  func bind(_ index: Int32, id job: JobID) throws {
    guard let (high, low) = job.bits else { return try bind(index, text: job.text) }
    try check(withUnsafeBytes(of: (high.bigEndian, low.bigEndian)) { bind($0, index) })
  }

  /// As `SQLValue.amount`.
  func bind(_ index: Int32, amount: String?) throws {
    if let packed = amount.flatMap(Decimals.pack) { try bind(index, packed) } else { try bind(index, text: amount) }
  }

  /// Runs it; it finds nothing.
  func execute() throws {
    let code = sqlite3_step(handle)
    // What it says of an error is the connection's until the next call.
    guard code == SQLITE_DONE || code == SQLITE_ROW else {
      defer { sqlite3_reset(handle) }
      throw connection.failure(code)
    }
    sqlite3_reset(handle)
  }

  /// Runs it with bytes that it does not copy; it finds nothing. They are bound last: SQLite looks at them in `execute` only.
  func execute(_ index: Int32, bytes: UnsafeRawBufferPointer) throws {
    try check(promptdrop_bind_static_blob(handle, index, bytes.baseAddress, Int32(bytes.count)))
    try execute()
  }

  /// Runs it, and reads the first row where there is one.
  func first<T>(_ read: (Row) throws -> T) throws -> T? {
    defer { sqlite3_reset(handle) }
    switch sqlite3_step(handle) {
    case SQLITE_ROW: return try read(Row(handle: handle))
    case SQLITE_DONE: return nil
    case let code: throw connection.failure(code)
    }
  }

  private func check(_ code: Int32) throws {
    guard code == SQLITE_OK else { throw connection.failure(code) }
  }
}

/// A row that was found; to be read before the next one.
struct Row {
  fileprivate let handle: OpaquePointer

  func isNull(_ column: Int32) -> Bool { sqlite3_column_type(handle, column) == SQLITE_NULL }
  func isText(_ column: Int32) -> Bool { sqlite3_column_type(handle, column) == SQLITE_TEXT }
  func isInteger(_ column: Int32) -> Bool { sqlite3_column_type(handle, column) == SQLITE_INTEGER }
  func integer(_ column: Int32) -> Int64 { sqlite3_column_int64(handle, column) }
  func int(_ column: Int32) -> Int { Int(sqlite3_column_int64(handle, column)) }
  func optionalInteger(_ column: Int32) -> Int64? { isNull(column) ? nil : integer(column) }

  func bytes(_ column: Int32) -> [UInt8] { withBytes(column) { Array($0) } }
  func optionalBytes(_ column: Int32) -> [UInt8]? { isNull(column) ? nil : bytes(column) }

  func text(_ column: Int32) -> String { withBytes(column) { String(decoding: $0, as: UTF8.self) } }
  func optionalText(_ column: Int32) -> String? { isNull(column) ? nil : text(column) }

  /// The bytes where they are; they are gone after `body`.
  func withBytes<T>(_ column: Int32, _ body: (UnsafeRawBufferPointer) throws -> T) rethrows -> T {
    let bytes = sqlite3_column_blob(handle, column)
    return try body(UnsafeRawBufferPointer(start: bytes, count: Int(sqlite3_column_bytes(handle, column))))
  }
}
