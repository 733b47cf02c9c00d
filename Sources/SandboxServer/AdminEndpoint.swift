import Foundation
import NIOCore
import NIOHTTP1

/// `/sandbox/…`: for tests in other processes. None of it is part of the service that is restated.
extension Service {
  func admin(_ request: Request) -> Reply {
    switch (request.method, request.path) {
    case (.GET, "/sandbox/ledger"): return .json(ledgerJSON())
    case (.POST, "/sandbox/faults"): return addFaults(String(buffer: request.body))
    case (.DELETE, "/sandbox/faults"):
      state.withLock { $0.faults.removeAll() }
      return faultList()
    case (.GET, "/sandbox/faults"): return faultList()
    default: return .html(404)
    }
  }

  /// One fault a line; all of them, or none when one cannot be read.
  private func addFaults(_ text: String) -> Reply {
    let lines = text.split(whereSeparator: \.isNewline).map { String($0).trimmed }.filter { !$0.isEmpty }
    do {
      let faults = try lines.map { try Fault(parsing: $0) }
      state.withLock { store in
        for fault in faults { store.faults.add(fault) }
      }
      return faultList()
    } catch {
      return .json(Envelope.error("failed", detail: "\(error)"), status: 400)
    }
  }

  private func faultList() -> Reply {
    var body = ByteBuffer(string: "{\"faults\":[")
    for (index, fault) in state.withLock({ $0.faults.faults }).enumerated() {
      if index > 0 { body.writeString(",") }
      body.writeJSON(fault.description)
    }
    body.writeString("]}")
    return .json(body)
  }

  private func ledgerJSON() -> ByteBuffer {
    let (entries, counters) = state.withLock { ($0.ledger.all, $0.counters) }
    var body = ByteBuffer(string: "{\"submissions\":[")
    for (index, entry) in entries.enumerated() {
      if index > 0 { body.writeString(",") }
      body.writeString("{\"number\":\(entry.number),\"task_id\":")
      body.writeJSON(entry.taskID)
      body.writeString(",\"status\":\(entry.status.map(String.init) ?? "null"),\"model\":")
      body.writeJSON(entry.model)
      body.writeString(",\"prompt\":")
      body.writeJSON(entry.prompt)
      body.writeString(",\"images\":")
      body.writeList(entry.images)
      body.writeString(",\"authorization\":\(entry.hasAuthorization),\"headers\":")
      body.writeList(entry.headerNames)
      body.writeString(",\"body_size\":\(entry.bodySize),\"body\":")
      body.writeJSON(String(bytes: entry.body, encoding: .utf8))
      body.writeString("}")
    }
    body.writeString("],\"queries\":\(counters.queries),\"fetches\":\(counters.fetches)")
    body.writeString(",\"leaked_keys\":\(counters.leakedKeys),\"webhooks\":\(counters.webhooks)}")
    return body
  }
}

extension ByteBuffer {
  fileprivate mutating func writeList(_ texts: [String]) {
    writeString("[")
    for (index, text) in texts.enumerated() {
      if index > 0 { writeString(",") }
      writeJSON(text)
    }
    writeString("]")
  }
}
