#if DEBUG
  import Foundation
  import JobCore
  import NIOCore
  import NIOHTTP1
  import Synchronization

  @testable import ImageAPI

  extension FuzzTarget {
    /// An answer of the service: a line with the status and `Retry-After`, then the body. Sorted both as the answer to a
    /// submission and as the answer to a query. A byte 1 in the body stands for as much base64 as is cut out of an answer
    /// before it is read, so that inputs stay short.
    static let answer = FuzzTarget("answer", maxLength: 8192) { raw in
      let parts = Array(raw).split(separator: 10, maxSplits: 1, omittingEmptySubsequences: false)
      let head = String(decoding: parts[0], as: UTF8.self).split(separator: " ", maxSplits: 1)
      guard let first = head.first, let status = Int(first), (100...999).contains(status) else { return }
      let headers: HTTPHeaders = head.count > 1 ? ["Retry-After": String(head[1])] : [:]
      let body = parts.count > 1 ? grown(parts[1]) : []
      let answer = Exchange.Answer(status: status, headers: headers, body: ByteBuffer(bytes: body))
      let classifier = ResponseClassifier(now: Timestamp(milliseconds: 1_790_000_000_000))
      let submitted = classifier.submitted(answer)
      try hold(submitted == classifier.submitted(answer), "one answer, two outcomes")
      try holdSubmitted(submitted, answer)
      try holdQueried(classifier.queried(answer), answer)
      try holdRead(body)
    }

    private static func grown(_ body: ArraySlice<UInt8>) -> [UInt8] {
      var (grown, left) = ([UInt8](), 4)
      for byte in body {
        if byte == 1, left > 0 {
          grown += Array(repeating: Array("QUJD".utf8), count: AnswerText.least / 4).joined()
          left -= 1
        } else {
          grown.append(byte)
        }
      }
      return grown
    }

    /// Cutting the pictures out before reading must make no difference to what is read.
    private static func holdRead(_ body: [UInt8]) throws {
      // What cannot be read in whole need not be read in parts.
      let whole = try? Wire.task(in: body)
      // A NUL is the mark of a cut; in real answers there is none.
      guard let whole, !Data(body).contains(Data("\\u0000".utf8)) else { return }
      let answer = try Wire.task(from: ByteBuffer(bytes: body)).get()
      let read = answer.envelope
      // What is no JSON inside a picture makes the whole unreadable only where the picture was not cut out.
      let isCutText = answer.text.pictures.contains { picture in
        picture.utf8.contains { !(0x20...0x7E).contains($0) || $0 == UInt8(ascii: "?") }
      }
      if isCutText { return }
      try hold(read.code == whole.code && read.payload?.status == whole.payload?.status, "\(read), not \(whole)")
      let asked = ResultReading.Asked(url: "https://api.example/api/task/query?task_id=ta1")
      let inParts = read.payload?.read(ResultReading(asked: asked, whole: answer.text.whole))
      let inWhole = whole.payload?.read(ResultReading(asked: asked))
      guard case .items(let cuts)? = inParts, case .items(let items)? = inWhole else {
        return try hold(inParts == inWhole, "read \(inParts as Any), not \(inWhole as Any)")
      }
      try hold(cuts.count == items.count, "read \(cuts), not \(items)")
      for (a, b) in zip(cuts, items) {
        if case .inline(let cut) = a, case .inline(let uri) = b, uri.utf8.count >= AnswerText.least {
          guard case .success(let bytes) = decoded(uri, limit: 100_000) else { continue }
          try hold(decoded(cut, limit: 100_000) == .success(bytes), "a large picture that was cut out is another one")
        } else {
          try hold(a == b, "read \(a), not \(b)")
        }
      }
    }

    private static func holdSubmitted(_ outcome: SubmitOutcome, _ answer: Exchange.Answer) throws {
      let isYes = (200..<300).contains(answer.status)
      let said = isYes ? Said(Array(answer.body.readableBytesView)) : nil
      switch outcome {
      case .accepted(let id):
        try hold(isYes && said?.code == 0 && !id.isEmpty && said?.taskID == id, "accepted \(id.debugDescription)")
      case .notAccepted(let failure, let reached):
        try hold(reached, "an answer of a service that was not reached")
        try holdWorded(failure)
        // What may have been accepted may have been paid for, and must not be sent again.
        try hold(said?.taskID?.isEmpty ?? true, "refused, with the task \(said?.taskID ?? "")")
        try hold(!isYes || said?.code != nil, "refused by an answer that cannot be read")
      case .taskOfAnother(let error): throw Broken(what: "the answer alone cannot tell whose task it is: \(error)")
      case .unknown(let error, _):
        try hold(!error.code.rawValue.isEmpty && !error.message.isEmpty, "no words: \(error)")
      }
      if [408, 499].contains(answer.status) || answer.status >= 500 {
        guard case .unknown = outcome else { throw Broken(what: "HTTP \(answer.status) taken for \(outcome)") }
      }
    }

    private static func holdQueried(_ outcome: QueryOutcome, _ answer: Exchange.Answer) throws {
      switch outcome {
      case .report(let report):
        try hold((200..<300).contains(answer.status), "HTTP \(answer.status) taken for \(report)")
        if case .notUnderstood(let odd) = report.phase {
          try hold(odd.answer == Array(answer.body.readableBytesView), "what is kept is another answer")
        }
        guard case .succeeded(let items) = report.phase else { return }
        try hold(report.status == "success", "\(report.status) taken for a success")
        for item in items {
          switch item {
          case .url(let url): try hold(url.prefixMatch(of: /(?i:https?):\/\//) != nil, "the URL \(url)")
          case .inline(let uri): try holdDecoded(uri, limit: 4096)
          case .inlineElsewhere: throw Broken(what: "an item from nowhere")
          case .text: break
          }
        }
      case .notFound: try hold(answer.status == 404 || (200..<300).contains(answer.status), "HTTP \(answer.status)")
      case .unusable(let error):
        try hold((200..<300).contains(answer.status) && !error.message.isEmpty, "unusable: HTTP \(answer.status)")
      case .failed(let failure):
        let isTooLarge = failure.error.code == .answerTooLarge
        try hold(failure.consequence != .permanent || isTooLarge, "a query made a job wrong")
        try holdWorded(failure)
      }
    }

    private static func holdWorded(_ failure: Failure) throws {
      try hold(
        failure.error.code.rawValue.wholeMatch(of: /[a-z0-9\-]+/) != nil && !failure.error.message.isEmpty, "\(failure)"
      )
      if case .transient(let wait?) = failure.consequence {
        try hold(wait >= .zero && wait <= .seconds(31_536_000), "Retry-After of \(wait)")
      }
    }

    /// A picture in an answer.
    static let dataURI = FuzzTarget("data-uri", maxLength: 8192) { raw in
      for limit in [16, 3000, 1_000_000] { try holdDecoded(String(decoding: raw, as: UTF8.self), limit: limit) }
    }

    private static func holdDecoded(_ uri: String, limit: Int) throws {
      switch decoded(uri, limit: limit) {
      case .success(let bytes):
        try hold(!bytes.isEmpty && bytes.count <= limit, "\(bytes.count) bytes, limit \(limit)")
        let again = decoded("data:image/png;base64,\(Data(bytes).base64EncodedString())", limit: limit)
        try hold(again == .success(bytes), "encoded again, it is not the same")
        try holdInParts(uri, bytes)
      case .failure(.unusable(let reported)):
        try holdPresentable(reported)
        // What Foundation decodes and encodes to the same text again is base64 beyond doubt.
        let text = uri.split(separator: ",", maxSplits: 1).last.map(String.init) ?? ""
        let data = uri.hasPrefix("data:image/png;base64,") ? Data(base64Encoded: text) ?? Data() : Data()
        let isFine = !data.isEmpty && data.count <= limit && data.base64EncodedString() == text
        try hold(!isFine, "good base64 refused: \(reported.message)")
      case .failure(let failure): throw Broken(what: "a data URI is \(failure)")
      }
    }

    private static func decoded(_ uri: String, limit: Int) -> Result<[UInt8], FetchFailure> {
      let outcome = Kept<Result<Void, FetchFailure>>()
      Task.immediate {
        do throws(FetchFailure) {
          try await DataURI.decode(uri, limit: limit) { part in outcome.bytes.withLock { $0 += part } }
          outcome.value.withLock { $0 = .success(()) }
        } catch {
          outcome.value.withLock { $0 = .failure(error) }
        }
      }
      // Nothing in it waits, so it has ended; where it waits one day, this fails.
      return outcome.value.withLock {
        $0 ?? .failure(.unusable(JobError(code: ErrorCode(rawValue: "waits"), message: "")))
      }
      .map { outcome.bytes.withLock { $0 } }
    }

    /// However the text comes in parts, the bytes are the same.
    private static func holdInParts(_ uri: String, _ bytes: [UInt8]) throws {
      guard let comma = uri.utf8.firstIndex(of: UInt8(ascii: ",")) else { return }
      let text = Array(uri.utf8[uri.utf8.index(after: comma)...])
      for step in [1, 3, 7] where text.count < 2000 {
        var decoder = Base64()
        var joined: [UInt8] = []
        for start in stride(from: 0, to: text.count, by: step) {
          let part = Substring(decoding: text[start..<min(start + step, text.count)], as: UTF8.self)
          joined += decoder.decode(part.utf8) ?? [0]
        }
        joined += decoder.finish() ?? [0]
        try hold(joined == bytes, "in parts of \(step) it is not the same")
      }
    }
  }

  /// What a task that has ended left behind.
  private final class Kept<Value: Sendable>: Sendable {
    let value = Mutex<Value?>(nil)
    let bytes = Mutex<[UInt8]>([])
  }

  /// What the JSON says, without the reader under test. A field that cannot be read says nothing, whatever it is beside.
  private struct Said {
    var code: Int64?
    var taskID: String?

    init?(_ body: [UInt8]) {
      guard let fields = try? JSONDecoder().decode([String: Field].self, from: Data(body)) else { return nil }
      if case .integer(let code)? = fields["code"]?.value { self.code = code }
      if case .string(let id)? = fields["data"]?.fields["task_id"]?.value { taskID = id }
    }

    private struct Field: Decodable {
      var value: JSONValue?
      var fields: [String: Field] = [:]
      init(from decoder: any Decoder) throws {
        value = try? JSONValue(from: decoder)
        fields = (try? [String: Field](from: decoder)) ?? [:]
      }
    }
  }
#endif
