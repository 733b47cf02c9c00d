import Foundation
import NIOCore
import Synchronization
import TestKit
import Testing

@testable import Control

/// A sink of the test's: knows the tokens given, notes what it is asked and told, and answers when the test lets it.
final class RecordingSink: CallbackSink {
  private struct State {
    var asked: [String] = []
    var reported: [String] = []
  }
  private let state = Mutex(State())
  private let known: Set<String>
  private let isDurable: Bool
  private let asking: Gate?
  private let telling: Gate?

  init(_ known: Set<String> = [RecordingSink.token], isDurable: Bool = true, asking: Gate? = nil, telling: Gate? = nil)
  {
    (self.known, self.isDurable, self.asking, self.telling) = (known, isDurable, asking, telling)
  }

  static let token = String(repeating: "tok-EN_0", count: 6)
  static let other = String(repeating: "x", count: 43)

  var asked: [String] { state.withLock { $0.asked } }
  /// `TOKEN TASKID` of each callback.
  var reported: [String] { state.withLock { $0.reported } }

  func knows(_ token: String) async -> Bool {
    state.withLock { $0.asked.append(token) }
    await asking?.wait()
    return known.contains(token)
  }

  func received(_ token: String, taskID: String) async -> Bool {
    state.withLock { $0.reported.append("\(token) \(taskID)") }
    await telling?.wait()
    return isDurable
  }
}

/// Runs a test against a receiver of its own.
func withReceiver(
  _ sink: RecordingSink = RecordingSink(), limits change: (inout WebhookReceiver.Limits) -> Void = { _ in },
  _ body: (Int, RecordingSink) async throws -> Void
) async throws {
  var limits = WebhookReceiver.Limits()
  change(&limits)
  let receiver = try await WebhookReceiver(host: "127.0.0.1", port: 0, limits: limits, on: loops, sink: sink)
  do {
    try await body(receiver.port, sink)
  } catch {
    await receiver.close()
    throw error
  }
  await receiver.close()
}

/// The head of a callback, with whatever else it is to say.
func head(_ token: String = RecordingSink.token, _ fields: String...) -> String {
  "POST /callback/\(token) HTTP/1.1\r\nHost: x\r\n" + fields.map { $0 + "\r\n" }.joined() + "\r\n"
}

/// A whole callback.
func callback(_ token: String = RecordingSink.token, _ body: String = #"{"task_id":"t1","status":"success"}"#) -> String
{
  head(token, "Content-Length: \(body.utf8.count)", "Content-Type: application/json") + body
}

let notFound = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
let accepted =
  "HTTP/1.1 200 OK\r\nContent-Length: 25\r\nConnection: close\r\nContent-Type: application/json\r\n\r\n"
  + #"{"code":0,"message":"ok"}"#

func unavailable(_ seconds: Int) -> String {
  "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\nRetry-After: \(seconds)\r\n\r\n"
}
