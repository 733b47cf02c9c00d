import Foundation
import NIOCore
import Synchronization
import TestKit
import Testing

@testable import Control

@Suite struct ControlSocketTests {
  let folder: TemporaryFolder
  var path: String { folder.path("a.sock") }

  init() throws { folder = try TemporaryFolder() }

  private func open(
    lineTime: TimeAmount = .seconds(30), answerTime: TimeAmount = .seconds(60),
    answer: @escaping @Sendable ([UInt8]) async -> [UInt8] = { $0 }
  ) async throws -> ControlSocket {
    var limits = ControlSocket.Limits()
    (limits.lineTime, limits.answerTime) = (lineTime, answerTime)
    return try await ControlSocket(path: path, group: nil, mode: 0o600, on: loops, limits: limits, answer: answer)
  }

  @Test func severalRequestsOnAConnectionAreAnsweredInOrder() async throws {
    let gate = Gate()
    let socket = try await open { request in
      // The first is answered only when the test says so; the others may not overtake it.
      if request == Array("1".utf8) { await gate.wait() }
      return Array("re ".utf8) + request
    }
    let path = path
    let client = try RawClient(unix: path)
    try client.send("1\n2\n3")
    try await eventually("the first is asked") { gate.waiting == 1 }
    try client.send("\n\n")
    #expect(!client.hasNews)
    gate.open()
    let answers = try await onThread { try (0..<4).map { _ in try client.line() } }
    #expect(answers == ["re 1\n", "re 2\n", "re 3\n", "re \n"])
    await socket.close()
  }

  @Test func aClientThatHasSaidAllGetsItsAnswers() async throws {
    let socket = try await open()
    let path = path
    let text = try await onThread {
      let client = try RawClient(unix: path)
      try client.send("one\ntwo\nhalf")
      client.endSending()
      return try client.text()
    }
    #expect(text == "one\ntwo\n")
    await socket.close()
  }

  @Test func aRequestMayHaveAMebibyteAndAnAnswerMore() async throws {
    let asked = Mutex<[Int]>([])
    let socket = try await open { request in
      asked.withLock { $0.append(request.count) }
      return [UInt8](repeating: 120, count: 8 * request.count)
    }
    let path = path
    let (fits, tooLong) = try await onThread {
      let client = try RawClient(unix: path)
      try client.send([UInt8](repeating: 97, count: 1 << 20) + [10])
      client.endSending()
      let fits = try client.rest().count
      let other = try RawClient(unix: path)
      // It may be closed while this is on its way.
      do { try other.send([UInt8](repeating: 97, count: 1 << 20) + [97, 10]) } catch is ClientTrouble {}
      return (fits, try other.rest().count)
    }
    #expect(fits == 8 << 20 + 1)
    #expect(tooLong == 0)
    #expect(asked.withLock { $0 } == [1 << 20])
    await socket.close()
  }

  @Test func lineFeedsWithinAnAnswerBecomeSpaces() async throws {
    let socket = try await open { _ in Array("{\n\"a\":1}\n".utf8) }
    #expect(try await talk(path, ["x", "y"]) == ["{ \"a\":1} \n", "{ \"a\":1} \n"])
    await socket.close()
  }

  @Test func aLineThatComesByteByByteIsAnswered() async throws {
    let socket = try await open()
    let path = path
    let line = try await onThread {
      let client = try RawClient(unix: path)
      for byte in "drop by drop\n".utf8 {
        try client.send([byte])
        usleep(1000)
      }
      return try client.line()
    }
    #expect(line == "drop by drop\n")
    await socket.close()
  }

  @Test func whoNeverEndsALineIsDroppedAndWhoSaysNothingIsNot() async throws {
    #expect(ControlSocket.Limits().lineTime == .seconds(30))
    let socket = try await open(lineTime: .milliseconds(250))
    let path = path
    let idle = try RawClient(unix: path)
    let began = ContinuousClock.now
    let ended = try await onThread {
      let client = try RawClient(unix: path)
      // Each byte would be in time; the line is not.
      while !client.hasEnded {
        do { try client.send("a") } catch is ClientTrouble { break }
        usleep(20_000)
        if ContinuousClock.now - began > .seconds(8) { return false }
      }
      return true
    }
    #expect(ended)
    #expect(ContinuousClock.now - began > .milliseconds(240))
    try idle.send("still there?\n")
    #expect(try await onThread { try idle.line() } == "still there?\n")
    await socket.close()
  }

  @Test func whoDoesNotTakeItsAnswerIsDropped() async throws {
    let socket = try await open(answerTime: .milliseconds(200)) { _ in
      [UInt8](repeating: 120, count: 32 << 20)
    }
    let client = try RawClient(unix: path)
    try client.send("everything\n")
    try await eventually("it is dropped") { client.hasEnded }
    #expect(try await onThread { try client.rest().count } < 32 << 20)
    await socket.close()
  }

  @Test func aConnectionBeyondTheSixtyFourthIsClosed() async throws {
    let socket = try await open()
    let path = path
    var clients = try (0..<64).map { _ in try RawClient(unix: path) }
    for client in clients {
      try client.send("hello\n")
      #expect(try await onThread { try client.line() } == "hello\n")
    }
    let tooMany = try RawClient(unix: path)
    try await eventually("it is closed") { tooMany.hasEnded }
    #expect(!clients.contains { $0.hasEnded })
    clients.removeLast()
    try await eventually("there is room again") {
      let client = try RawClient(unix: path)
      do { try client.send("hello\n") } catch is ClientTrouble { return false }
      return try await onThread { try client.line() } == "hello\n"
    }
    await socket.close()
  }

  @Test func closingEndsConnectionsAndTakesTheNameAway() async throws {
    let gate = Gate()
    let socket = try await open { request in
      await gate.wait()
      return request
    }
    let (idle, busy) = (try RawClient(unix: path), try RawClient(unix: path))
    try busy.send("x\n")
    try await eventually("it is asked") { gate.waiting == 1 }
    await socket.close()
    try await eventually("both have ended") { idle.hasEnded && busy.hasEnded }
    #expect(!folder.exists("a.sock"))
    gate.open()
  }
}

/// Lets nobody pass until it is opened.
final class Gate: Sendable {
  private let state = Mutex<(isOpen: Bool, waiting: [CheckedContinuation<Void, Never>])>((false, []))
  var waiting: Int { state.withLock { $0.waiting.count } }

  func wait() async {
    await withCheckedContinuation { continuation in
      let isOpen = state.withLock { state in
        if !state.isOpen { state.waiting.append(continuation) }
        return state.isOpen
      }
      if isOpen { continuation.resume() }
    }
  }

  func open() {
    let waiting = state.withLock { state in
      state.isOpen = true
      defer { state.waiting = [] }
      return state.waiting
    }
    for continuation in waiting { continuation.resume() }
  }
}
