import Foundation
import NIOCore

/// The submits received, bounded in number and in bytes of bodies.
struct Ledger: Sendable {
  private var entries = CircularBuffer<LedgerEntry>()
  private var received = 0
  private var keptBytes = 0
  /// How many entries from the front have no body any more.
  private var bare = 0
  private static let maximumKept = 256 << 20

  var all: [LedgerEntry] { Array(entries) }

  /// Enters a submit and returns its number.
  mutating func record(_ form: SubmitForm, request: Request, options: SandboxOptions) -> Int {
    received += 1
    let keep = options.keepBodies
    entries.append(
      LedgerEntry(
        number: received, receivedAt: .now, body: keep ? Data(request.body.readableBytesView) : Data(),
        bodySize: request.body.readableBytes, model: form.model, prompt: form.prompt,
        images: keep ? form.images : [], hasAuthorization: request.headers.contains(name: "Authorization"),
        headerNames: keep ? request.headers.map(\.name) : []))
    keptBytes += entries[offset: entries.count - 1].body.count
    while keptBytes > Self.maximumKept, bare < entries.count - 1 { dropBody() }
    while entries.count > max(1, options.ledgerLimit) {
      keptBytes -= entries.removeFirst().body.count
      bare = max(0, bare - 1)
    }
    return received
  }

  mutating func accepted(_ number: Int, taskID: String) { update(number) { $0.taskID = taskID } }

  mutating func answered(_ number: Int, status: Int) { update(number) { $0.status = status } }

  private mutating func update(_ number: Int, _ change: (inout LedgerEntry) -> Void) {
    let offset = number - (received - entries.count) - 1
    guard offset >= 0, offset < entries.count else { return }
    change(&entries[offset: offset])
  }

  private mutating func dropBody() {
    keptBytes -= entries[offset: bare].body.count
    entries[offset: bare].body = Data()
    entries[offset: bare].images = []
    bare += 1
  }
}

extension CircularBuffer {
  fileprivate subscript(offset offset: Int) -> Element {
    get { self[index(startIndex, offsetBy: offset)] }
    _modify { yield &self[index(startIndex, offsetBy: offset)] }
  }
}
