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

  /// `data` of a query, and the body of a webhook.
  struct Task: Decodable {
    var taskID: String?
    var status: String
    var items: [ResultItem]
    var consumed: String?
    var reason: String?

    private enum Key: CodingKey { case task_id, status, result, consumed, status_reason }
    private struct Reason: Decodable { var message: String? }

    init(from decoder: any Decoder) throws {
      let box = try decoder.container(keyedBy: Key.self)
      taskID = try box.decodeIfPresent(String.self, forKey: .task_id)
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
      items = status == "success" ? try box.decodeIfPresent(Items.self, forKey: .result)?.items ?? [] : []
    }

    /// How far the task is; a word that is not known means: not final.
    var phase: TaskReport.Phase {
      switch status {
      case "success": .succeeded(items)
      case "failed": .failed(reason ?? "no reason given")
      default: .running
      }
    }
  }

  /// `result`: an array by contract; a single object or a plain text were seen.
  private struct Items: Decodable {
    var items: [ResultItem]
    init(from decoder: any Decoder) throws {
      let box = try decoder.singleValueContainer()
      if let many = try? box.decode([Item].self) {  // A mismatch only means: another shape.
        items = many.compactMap(\.item)
      } else {
        items = [try box.decode(Item.self).item].compactMap { $0 }
      }
    }
  }

  private struct Item: Decodable {
    var item: ResultItem?
    private enum Key: CodingKey { case image, url, text }
    init(from decoder: any Decoder) throws {
      if let plain = try? decoder.singleValueContainer().decode(String.self) {
        item = Self.item(plain)
        return
      }
      let box = try decoder.container(keyedBy: Key.self)
      if let image = try box.decodeIfPresent(String.self, forKey: .image) {
        item = Self.item(image)
      } else if let url = try box.decodeIfPresent(String.self, forKey: .url) {
        item = Self.item(url)
      } else if let text = try box.decodeIfPresent(String.self, forKey: .text) {
        item = .text(text)
      }
    }
    private static func item(_ text: String) -> ResultItem {
      if text.prefixMatch(of: /(?i:data):/) != nil { return .inline(dataURI: text) }
      return text.prefixMatch(of: /(?i:https?):\/\//) != nil ? .url(text) : .text(text)
    }
  }

  /// More results than any model makes of one task.
  static let mostItems = 64
  struct TooMany: Error {}

  /// An answer's envelope. Throws `TooLarge` for what is large without pictures.
  static func decode<T: Decodable>(_ type: T.Type, from body: ByteBuffer) -> Result<Envelope<T>, any Error> {
    Result { try JSONDecoder().decode(Envelope<T>.self, from: Data(try AnswerText(body).json)) }
  }

  /// The answer to a query, with the pictures in it.
  static func task(from body: ByteBuffer) -> Result<Envelope<Task>, any Error> {
    Result {
      let text = try AnswerText(body)
      var envelope = try JSONDecoder().decode(Envelope<Task>.self, from: Data(text.json))
      let items = envelope.payload?.items ?? []
      guard items.count <= mostItems else { throw TooMany() }
      envelope.payload?.items = items.map { item in
        if case .inline(let uri) = item { .inline(dataURI: text.whole(uri)) } else { item }
      }
      return envelope
    }
  }
}
