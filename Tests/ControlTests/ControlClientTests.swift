import Foundation
import TestKit
import Testing

@testable import Control

@Suite struct ControlClientTests {
  let folder: TemporaryFolder
  var path: String { folder.path("a.sock") }

  init() throws { folder = try TemporaryFolder() }

  private func ask(
    _ text: String = "x", _ path: String? = nil, timeout: Duration = .seconds(10)
  ) async throws -> String {
    let answer = try await ControlClient.ask(socket: path ?? self.path, Array(text.utf8), timeout: timeout, on: loops)
    return String(decoding: answer, as: UTF8.self)
  }

  /// The reason of a `silent`.
  private func silence(_ path: String? = nil, timeout: Duration = .seconds(10)) async -> String? {
    do {
      _ = try await ask("x", path, timeout: timeout)
      return nil
    } catch ControlError.silent(_, let why) {
      return why
    } catch {
      return "another error: \(error)"
    }
  }

  private func open(_ answer: @escaping @Sendable ([UInt8]) async -> [UInt8]) async throws -> ControlSocket {
    try await ControlSocket(path: path, group: nil, mode: 0o600, on: loops, answer: answer)
  }

  @Test func anAnswerComesWhole() async throws {
    let socket = try await open { request in
      request + [UInt8](repeating: 121, count: 5_000_000)
    }
    let answer = try await ask(String(repeating: "x", count: 1_000_000))
    #expect(answer.utf8.count == 6_000_000)
    #expect(answer.hasPrefix("xx") && answer.hasSuffix("yy"))
    await socket.close()
  }

  @Test func aRequestIsOneLine() async throws {
    let socket = try await open { $0 }
    #expect(try await ask("{\n}") == "{ }")
    #expect(try await ask("") == "")
    await socket.close()
  }

  @Test func clientsAtTheSameTimeGetTheirOwnAnswers() async throws {
    let socket = try await open { Array("re ".utf8) + $0 }
    try await withThrowingTaskGroup(of: Bool.self) { group in
      for number in 0..<60 { group.addTask { try await ask("\(number)") == "re \(number)" } }
      for try await isRight in group { #expect(isRight) }
    }
    await socket.close()
  }

  @Test func whereNobodyListensItIsSilent() async throws {
    #expect(await silence() == "No such file or directory")
    let dead = Names.newSocket()
    #expect(Names.withAddress(path, { bind(dead, $0, $1) }) == 0)
    close(dead)
    #expect(await silence() == "Connection refused")
    #expect(await silence("/" + String(repeating: "x", count: 200))?.contains("cannot have this path") == true)
  }

  @Test func whoDoesNotAnswerInTimeIsSilent() async throws {
    let gate = Gate()
    let socket = try await open { request in
      await gate.wait()
      return request
    }
    #expect(await silence(timeout: .milliseconds(150))?.contains("in time") == true)
    // The request had arrived all the same.
    try await eventually("it was asked") { gate.waiting == 1 }
    let asking = Task { await silence() }
    try await eventually("it is asked") { gate.waiting == 2 }
    asking.cancel()
    #expect(await asking.value?.contains("nobody waits") == true)
    gate.open()
    await socket.close()
  }

  @Test func aListenerThatAcceptsNothingIsSilent() async throws {
    let listener = Names.newSocket()
    defer { close(listener) }
    #expect(Names.withAddress(path, { bind(listener, $0, $1) }) == 0)
    #expect(listen(listener, 8) == 0)
    #expect(await silence(timeout: .milliseconds(100))?.contains("in time") == true)
  }

  @Test func aConnectionThatEndsEarlyIsSilent() async throws {
    let gate = Gate()
    let socket = try await open { request in
      await gate.wait()
      return request
    }
    let asking = Task { await silence() }
    try await eventually("it is asked") { gate.waiting == 1 }
    await socket.close()
    #expect(await asking.value?.contains("before the answer") == true)
    gate.open()
  }
}
