import NIOCore
import NIOHTTP1

/// What becomes of a request's answer. All is called on the event loop, and after `ended` nothing more.
protocol AnswerReceiver: AnyObject {
  /// The head of the answer. Throws why the answer is not wanted.
  func received(_ head: HTTPResponseHead) throws
  /// A part of its body. False: no more for the moment, until `Exchange.resume`. Throws why it is not wanted.
  func received(_ part: ByteBuffer) throws -> Bool
  /// The end: the answer is whole, or there is none.
  func ended(_ failure: (any Error)?)
}

/// One request under way, from the moment at which it wants a connection to the end of its answer. Confined to the event
/// loop.
final class Exchange {
  let request: Outgoing
  /// What is left of the body; nil: nothing.
  var body: SubmitBody?
  /// The connection that it is on.
  private(set) var connection: ConnectionHandler?
  /// When something of it has to be looked at.
  private(set) var due: NIODeadline
  /// Its place in `ExchangeRoll`.
  fileprivate(set) var place = 0
  private var receiver: (any AnswerReceiver)?
  private let pools: ConnectionPools

  init(_ request: Outgoing, _ receiver: any AnswerReceiver, in pools: ConnectionPools) {
    self.request = request
    self.receiver = receiver
    self.pools = pools
    body = request.body
    due = request.deadline ?? .distantFuture
  }

  /// Whether it is paid for when it arrives, so that it must not be sent twice.
  var isSubmission: Bool { request.permit != nil }
  /// Whether it has ended.
  var hasEnded: Bool { receiver == nil }

  // MARK: on its way

  /// It is on a connection now. `stall`: for how long the other side may take nothing of it.
  func began(on connection: ConnectionHandler, stall: TimeAmount) {
    self.connection = connection
    if isSubmission { lookAgain(in: stall) }
  }

  /// The other side has taken something of it, and has to take more.
  func progressed(stall: TimeAmount) { lookAgain(in: stall) }

  /// Its last byte has gone out.
  func sent() {
    if let patience = request.patience { lookAgain(in: patience) } else { heard() }
  }

  /// Something of its answer came.
  func heard() { if let silence = request.silence { lookAgain(in: silence) } }

  private func lookAgain(in time: TimeAmount) {
    due = min(request.deadline ?? .distantFuture, .now() + time)
    pools.wake(by: due)
  }

  // MARK: its answer

  func received(_ head: HTTPResponseHead) throws {
    heard()
    try receiver?.received(head)
  }

  /// False: no more for the moment, and what is not asked for is no silence.
  func received(_ part: ByteBuffer) throws -> Bool {
    guard try receiver?.received(part) ?? true else {
      due = request.deadline ?? .distantFuture
      return false
    }
    heard()
    return true
  }

  /// More is wanted again.
  func resume() {
    guard let connection else { return }
    heard()
    connection.resumeReading()
  }

  /// Ends it, once. Nil: the answer is whole.
  func end(_ failure: (any Error)?) {
    guard let receiver else { return }
    self.receiver = nil
    connection = nil
    pools.ended(self)
    receiver.ended(failure)
  }
}

/// The exchanges that are under way.
struct ExchangeRoll {
  private(set) var all: [Exchange] = []

  mutating func add(_ exchange: Exchange) {
    exchange.place = all.count
    all.append(exchange)
  }

  mutating func remove(_ exchange: Exchange) {
    guard all.indices.contains(exchange.place), all[exchange.place] === exchange, let last = all.popLast() else {
      return
    }
    guard last !== exchange else { return }
    all[exchange.place] = last
    last.place = exchange.place
  }
}
