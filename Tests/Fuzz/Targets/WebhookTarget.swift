#if DEBUG
  import Control
  import Foundation
  import JobCore

  extension FuzzTarget {
    /// What comes in on a callback URL. Only the id is taken of it, and it is confirmed by a query.
    static let webhook = FuzzTarget("webhook", maxLength: 8192) { raw in
      let bytes = Array(raw)
      let id = CallbackBody.taskID(in: bytes)
      try hold(id == CallbackBody.taskID(in: bytes), "one body, two ids")
      guard let id else { return }
      // An id stands in a URL, a log line and a sidecar.
      try hold(!id.isEmpty && id.utf8.count <= 1000, "an id of \(id.utf8.count) bytes")
      try hold(!id.unicodeScalars.contains { $0.value < 32 || $0.value == 127 }, "the id \(id.debugDescription)")
      // What is no JSON names no task. Bytes elsewhere that are no UTF-8 do not matter.
      // Neither do halves of surrogate pairs, which JSON's grammar has and some readers do not take.
      let text = String(decoding: bytes, as: UTF8.self).replacing(/\\u[dD][89a-fA-F][0-9a-fA-F]{2}/, with: "\\u0041")
      let repaired = Data(text.utf8)
      try hold((try? JSONDecoder().decode([String: Anything].self, from: repaired)) != nil, "an id from no JSON object")
    }
  }

  private struct Anything: Decodable {
    init(from decoder: any Decoder) {}
  }
#endif
