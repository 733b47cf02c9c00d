import JobCore
import NIOCore

/// The service's JSON, as it was documented and seen: lenient about shapes, exact about what matters.
enum Wire {
  /// The envelope of every answer.
  struct Envelope<Payload> {
    var code: Int
    /// What it says to people, the most precise first.
    var texts: [String]
    var payload: Payload?
    var words: String { texts.first ?? "no reason given" }
  }

  /// `data` of a submission.
  struct Accepted {
    var task_id: String
  }

  /// `data` of a query.
  struct Task {
    var taskID: String?
    var status: String
    /// Of a finished task; nil: it has none.
    var result: ResultTree?
    /// Whether the result has more in it than is read.
    var isTooMuch = false
    var consumed: String?
    var reason: String?

    /// What the result has.
    func read(_ reading: ResultReading) -> ResultReading.Outcome {
      isTooMuch ? .notUnderstood("its result has more in it than a result ever had") : reading.read(result)
    }
  }

  /// More results than any model makes of one task.
  static let mostItems = 64

  /// The answer to a submission. Throws `TooLarge` for what is large without pictures.
  static func accepted(from body: ByteBuffer) -> Result<Envelope<Accepted>, any Error> {
    Result { try envelope(try AnswerText(body).json) { Accepted(task_id: try $0.text(.taskID)) } }
  }

  /// An answer to a query.
  struct TaskAnswer {
    var envelope: Envelope<Task>
    /// The pictures that were cut out of it.
    var text: AnswerText
  }

  /// The answer to a query. Throws `TooLarge` for what is large without pictures.
  static func task(from body: ByteBuffer) -> Result<TaskAnswer, any Error> {
    Result {
      let text = try AnswerText(body)
      return TaskAnswer(envelope: try task(in: text.json), text: text)
    }
  }

  /// The JSON of an answer to a query.
  static func task(in json: [UInt8]) throws -> Envelope<Task> {
    try envelope(json) { data in
      // A decimal string by contract; a number is not exact, but better than nothing. A number names a task as well.
      var task = Task(
        taskID: data.textIfAny(.taskID) ?? data.integerIfAny(.taskID).map { "\($0)" },
        status: try data.text(.status),
        consumed: data.textIfAny(.consumed) ?? data.doubleIfAny(.consumed).map { "\($0)" },
        reason: data.textIfAny(.reason) ?? data.fieldsIfAny(.reason)?.textIfAny(.message))
      guard task.status == "success", var result = data[.result] else { return task }
      do {
        task.result = try result.kind() == .nothing ? nil : try ResultTree(reading: &result)
      } catch is ResultTree.TooMany {
        task.isTooMuch = true
      }
      return task
    }
  }

  private static func envelope<Payload>(
    _ json: [UInt8], data read: (Fields) throws -> Payload
  ) throws -> Envelope<Payload> {
    var scanner = JSONScanner(json)
    let answer = try Fields(&scanner)
    try scanner.end()
    let code: Int = try answer.integer(.code)
    // Texts beside the code are for people: of whatever type they are, they must not make the answer unreadable.
    var texts: [String] = []
    if let detail = answer.textIfAny(.detail), !detail.isEmpty { texts.append(detail) }
    if let message = answer.textIfAny(.message), !message.isEmpty { texts.append(message) }
    return Envelope(code: code, texts: texts, payload: try payload(answer, code, read))
  }

  private static func payload<Payload>(
    _ answer: Fields, _ code: Int, _ read: (Fields) throws -> Payload
  ) throws -> Payload? {
    guard var data = answer[.data], try data.kind() != .nothing else { return nil }
    do { return try read(try Fields(&data)) } catch {
      // Beside an error the data may be anything; what can be read of it is kept all the same.
      if code != 0 { return nil }
      throw error
    }
  }
}

/// Where the fields of an object stand that anybody asks for. Of two with the same name the first counts.
private struct Fields {
  enum Name: Int { case code, message, detail, data, taskID, status, result, consumed, reason }
  private static let names: [StaticString] = [
    "code", "message", "detail", "data", "task_id", "status", "result", "consumed", "status_reason",
  ]
  // By name.
  private let places: InlineArray<9, JSONScanner.Place?>
  private let whole: JSONScanner

  /// Reads an object, and passes over its values.
  init(_ scanner: inout JSONScanner) throws {
    var places = InlineArray<9, JSONScanner.Place?>(repeating: nil)
    try scanner.fields(of: Self.names) { name, value in
      if let name, places[name] == nil { places[name] = value.place }
      try value.skip()
    }
    self.places = places
    whole = scanner
  }

  subscript(name: Name) -> JSONScanner? { places[name.rawValue].map(whole.from) }

  func text(_ name: Name) throws(JSONScanner.Mismatch) -> String {
    guard var value = self[name] else { throw JSONScanner.Mismatch() }
    return try value.text()
  }

  func integer<T: FixedWidthInteger>(_ name: Name) throws(JSONScanner.Mismatch) -> T {
    guard var value = self[name] else { throw JSONScanner.Mismatch() }
    return try value.integer()
  }

  // What is not of that kind is not there.

  func textIfAny(_ name: Name) -> String? { places[name.rawValue] == nil ? nil : try? text(name) }

  func integerIfAny(_ name: Name) -> Int64? { places[name.rawValue] == nil ? nil : try? integer(name) }

  func doubleIfAny(_ name: Name) -> Double? {
    guard var value = self[name] else { return nil }
    return try? value.double()
  }

  func fieldsIfAny(_ name: Name) -> Fields? {
    guard var value = self[name] else { return nil }
    return try? Fields(&value)
  }
}
