import FoundationEssentials
import JobCore
import NIOCore

/// The service's JSON, as it was documented and seen: lenient about shapes, exact about what matters.
enum Wire {
  /// The envelope of every answer.
  struct Envelope<Payload: Decodable>: Decodable {
    var code: Int
    /// What it says to people, the most precise first.
    var texts: [String]
    var payload: Payload?
    var words: String { texts.first ?? "no reason given" }

    private enum Key: CodingKey { case code, message, detail, data }
    init(from decoder: any Decoder) throws {
      let box = try decoder.container(keyedBy: Key.self)
      code = try box.decode(Int.self, forKey: .code)
      // Texts beside the code are for people: of whatever type they are, they must not make the answer unreadable.
      let message = try? box.decodeIfPresent(String.self, forKey: .message)
      let detail = try? box.decodeIfPresent(String.self, forKey: .detail)
      texts = [detail, message].compactMap { $0 }.filter { !$0.isEmpty }
      // Beside an error the data may be anything; what can be read of it is kept all the same.
      payload =
        code == 0 ? try box.decodeIfPresent(Payload.self, forKey: .data) : try? box.decode(Payload.self, forKey: .data)
    }
  }

  struct Accepted: Decodable {
    var task_id: String
  }

  /// `data` of a query.
  struct Task: Decodable {
    var taskID: String?
    var status: String
    /// Of a finished task; nil: it has none.
    var result: ResultTree?
    /// Whether the result has more in it than is read.
    var isTooMuch = false
    var consumed: String?
    var reason: String?

    private enum Key: CodingKey { case task_id, status, result, consumed, status_reason }
    private struct Reason: Decodable { var message: String? }

    init(from decoder: any Decoder) throws {
      let box = try decoder.container(keyedBy: Key.self)
      // A text by contract; a number names a task as well.
      taskID =
        (try? box.decodeIfPresent(String.self, forKey: .task_id))
        ?? (try? box.decodeIfPresent(Int64.self, forKey: .task_id)).map { "\($0)" }
      status = try box.decode(String.self, forKey: .status)
      // A decimal string by contract; a number is not exact, but better than nothing.
      if let text = try? box.decodeIfPresent(String.self, forKey: .consumed) {
        consumed = text
      } else {
        consumed = try? box.decodeIfPresent(Double.self, forKey: .consumed).map { "\($0)" }
      }
      reason =
        (try? box.decodeIfPresent(String.self, forKey: .status_reason))
        ?? (try? box.decodeIfPresent(Reason.self, forKey: .status_reason))?.message
      guard status == "success" else { return }
      do {
        result = try box.decodeIfPresent(ResultTree.self, forKey: .result)
      } catch is ResultTree.TooMany {
        isTooMuch = true
      }
    }

    /// What the result has.
    func read(_ reading: ResultReading) -> ResultReading.Outcome {
      isTooMuch ? .notUnderstood("its result has more in it than a result ever had") : reading.read(result)
    }
  }

  /// More results than any model makes of one task.
  static let mostItems = 64

  /// An answer's envelope. Throws `TooLarge` for what is large without pictures.
  static func decode<T: Decodable>(_ type: T.Type, from body: ByteBuffer) -> Result<Envelope<T>, any Error> {
    Result { try JSONDecoder().decode(Envelope<T>.self, from: Data(try AnswerText(body).json)) }
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
      return TaskAnswer(
        envelope: try ResultTree.decoder().decode(Envelope<Task>.self, from: Data(text.json)), text: text)
    }
  }
}
