import NIOCore
import NIOHTTP1

/// Hands an answer's body on as it is wanted. What is not wanted yet is kept up to a limit; then nothing more is read, and
/// the server has to wait. Confined to the event loop.
final class BodyStream: AnswerReceiver {
  private static let most = 1_048_576

  private var headWaits: CheckedContinuation<HTTPResponseHead, any Error>?
  private var partWaits: CheckedContinuation<ByteBuffer?, any Error>?
  private var parts = CircularBuffer<ByteBuffer>(initialCapacity: 4)
  private var held = 0
  private var isPaused = false
  private var outcome: Result<Void, any Error>?

  init(_ waiting: CheckedContinuation<HTTPResponseHead, any Error>) { headWaits = waiting }

  func received(_ head: HTTPResponseHead) {
    headWaits?.resume(returning: head)
    headWaits = nil
  }

  func received(_ part: ByteBuffer) -> Bool {
    if let waiting = partWaits {
      partWaits = nil
      waiting.resume(returning: part)
      return true
    }
    parts.append(part)
    held += part.readableBytes
    isPaused = held > Self.most
    return !isPaused
  }

  func ended(_ failure: (any Error)?) {
    outcome = failure.map { .failure($0) } ?? .success(())
    headWaits?.resume(throwing: failure ?? ConnectionTrouble.closed)
    headWaits = nil
    if let waiting = partWaits {
      partWaits = nil
      finish(waiting)
    }
  }

  /// What is there already: a part, or nil for the end. Nothing: it has to be waited for.
  func take() -> Result<ByteBuffer?, any Error>? {
    // Where reading rests, it is `wait` that goes on with it.
    guard !isPaused else { return nil }
    if let part = parts.popFirst() {
      held -= part.readableBytes
      return .success(part)
    }
    return outcome?.map { nil }
  }

  /// Gives a part as soon as there is one, and lets `exchange` bring more.
  func wait(for waiting: CheckedContinuation<ByteBuffer?, any Error>, resume exchange: Exchange?) {
    if let part = parts.popFirst() {
      held -= part.readableBytes
      waiting.resume(returning: part)
    } else if outcome != nil {
      finish(waiting)
    } else {
      partWaits = waiting
    }
    if isPaused, held <= Self.most / 2 {
      isPaused = false
      exchange?.resume()
    }
  }

  private func finish(_ waiting: CheckedContinuation<ByteBuffer?, any Error>) {
    switch outcome {
    case .failure(let error): waiting.resume(throwing: error)
    case .success, nil: waiting.resume(returning: nil)
    }
  }
}
