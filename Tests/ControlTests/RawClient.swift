import Foundation
import NIOPosix
import Testing

@testable import Control

/// The loops that servers of these tests run on. Not the tests' own threads: a client that blocks is no reason for a server
/// to wait.
let loops = MultiThreadedEventLoopGroup.singleton

/// Runs blocking calls on a thread of their own.
func onThread<T: Sendable>(_ body: @escaping @Sendable () throws -> T) async throws -> T {
  try await withCheckedThrowingContinuation { continuation in
    Thread { continuation.resume(with: Result { try body() }) }.start()
  }
}

/// A connection that does exactly what a test says. What takes longer than ten seconds fails.
final class RawClient: Sendable {
  let descriptor: Int32

  /// Connects to a Unix socket.
  init(unix path: String) throws {
    descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard Names.withAddress(path, { connect(descriptor, $0, $1) }) == 0 else {
      let number = errno
      close(descriptor)
      throw ClientTrouble(number: number)
    }
    limitTime()
  }

  /// Connects to a port on 127.0.0.1.
  init(port: Int) throws {
    descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = inet_addr("127.0.0.1")
    address.sin_port = in_port_t(port).bigEndian
    let result = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    guard result == 0 else {
      let number = errno
      close(descriptor)
      throw ClientTrouble(number: number)
    }
    limitTime()
  }

  deinit { close(descriptor) }

  private func limitTime() {
    var limit = timeval(tv_sec: 10, tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
  }

  func send(_ text: String) throws { try send(Array(text.utf8)) }

  /// Sends all; throws where the other side has closed.
  func send(_ bytes: [UInt8]) throws {
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes {
        Foundation.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
      }
      guard count > 0 else { throw ClientTrouble(number: errno) }
      rest = rest.dropFirst(count)
    }
  }

  /// Sends what fits into the buffers at once; how much that was.
  func sendAvailable(_ bytes: [UInt8]) -> Int {
    max(0, Foundation.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT)))
  }

  func endSending() { shutdown(descriptor, Int32(SHUT_WR)) }

  /// Reads up to and with a line feed, or to the end.
  func line() throws -> String {
    var bytes: [UInt8] = []
    while bytes.last != 10, let byte = try read(1).first { bytes.append(byte) }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// Reads until the other side ends the stream or resets the connection.
  func rest() throws -> [UInt8] {
    var bytes: [UInt8] = []
    while true {
      do {
        let part = try read(65_536)
        if part.isEmpty { return bytes }
        bytes += part
      } catch let trouble as ClientTrouble where trouble.number == ECONNRESET {
        return bytes
      }
    }
  }

  func text() throws -> String { String(decoding: try rest(), as: UTF8.self) }

  private func read(_ count: Int) throws -> [UInt8] {
    var number: Int32 = 0
    let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, got in
      let result = recv(descriptor, buffer.baseAddress, count, 0)
      number = result < 0 ? errno : 0
      got = max(0, result)
    }
    guard number == 0 else { throw ClientTrouble(number: number) }
    return bytes
  }

  /// Whether the other side has ended the stream, or the connection, whatever is still unread.
  var hasEnded: Bool {
    var wanted = pollfd(fd: descriptor, events: Int16(0x2000), revents: 0)  // POLLRDHUP
    return poll(&wanted, 1, 0) == 1
  }

  /// Whether there is anything to read, be it the end.
  var hasNews: Bool {
    var wanted = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    return poll(&wanted, 1, 0) == 1
  }
}

struct ClientTrouble: Error, CustomStringConvertible {
  var number: Int32
  var description: String { String(cString: strerror(number)) }
}

/// Sends bytes and returns what comes back until the end.
func exchange(port: Int, _ text: String) async throws -> String {
  try await onThread {
    let client = try RawClient(port: port)
    try client.send(text)
    return try client.text()
  }
}

/// Sends lines on a connection of their own and returns as many lines of answers.
func talk(_ path: String, _ lines: [String]) async throws -> [String] {
  try await onThread {
    let client = try RawClient(unix: path)
    try client.send(lines.map { $0 + "\n" }.joined())
    return try lines.map { _ in try client.line() }
  }
}
