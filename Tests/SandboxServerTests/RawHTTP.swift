import Foundation
import Testing

/// How an exchange ended without a whole answer.
enum RawFailure: Error, Equatable {
  /// The peer closed before a complete head.
  case closed
  /// The peer reset the connection.
  case reset
  /// Nothing came for as long as the test was ready to wait.
  case timeout
  case system(Int32)
}

/// An answer as it came, byte for byte.
struct RawAnswer: Sendable {
  var status: Int
  var headers: [String: String]
  var body: Data
  /// The connection ended before the announced body had come.
  var isCut = false

  var text: String { String(decoding: body, as: UTF8.self) }

  func json() throws -> [String: Any] {
    try #require(JSONSerialization.jsonObject(with: body) as? [String: Any])
  }

  func data() throws -> [String: Any] { try #require(try json()["data"] as? [String: Any]) }
}

/// One HTTP exchange over a plain socket, so that the way a connection ends can be told.
enum RawHTTP {
  static func exchange(
    _ method: String, _ path: String, port: Int, headers: [String: String] = [:], body: Data? = nil,
    seconds: Int = 10
  ) async throws -> RawAnswer {
    var head = "\(method) \(path) HTTP/1.1\r\nHost: 127.0.0.1:\(port)\r\nConnection: close\r\n"
    for (name, value) in headers { head += "\(name): \(value)\r\n" }
    if let body { head += "Content-Length: \(body.count)\r\n" }
    let bytes = Data((head + "\r\n").utf8) + (body ?? Data())
    return try await send(bytes, port: port, seconds: seconds)
  }

  /// Sends bytes and reads one answer, on a thread of its own: it blocks.
  static func send(_ bytes: Data, port: Int, seconds: Int = 10) async throws -> RawAnswer {
    try await withCheckedThrowingContinuation { continuation in
      Thread.detachNewThread {
        continuation.resume(with: Result { try blocking(bytes, port, seconds) })
      }
    }
  }

  private static func blocking(_ bytes: Data, _ port: Int, _ seconds: Int) throws -> RawAnswer {
    let socket = try connect(port, seconds)
    defer { close(socket) }
    var sent = 0
    while sent < bytes.count {
      let count = bytes.withUnsafeBytes { buffer in
        Foundation.send(socket, buffer.baseAddress?.advanced(by: sent), buffer.count - sent, Int32(MSG_NOSIGNAL))
      }
      // A peer that answers early may stop reading; what it said counts.
      if count < 0 { break }
      sent += count
    }
    var answer = Data()
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = recv(socket, &chunk, chunk.count, 0)
      if count > 0 {
        answer.append(contentsOf: chunk[..<count])
        continue
      }
      if count == 0 { break }
      switch errno {
      case EINTR: continue
      case ECONNRESET: throw RawFailure.reset
      case EAGAIN: throw RawFailure.timeout
      default: throw RawFailure.system(errno)
      }
    }
    return try parse(answer)
  }

  private static func connect(_ port: Int, _ seconds: Int) throws -> Int32 {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    guard descriptor >= 0 else { throw RawFailure.system(errno) }
    var wait = timeval(tv_sec: seconds, tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &wait, socklen_t(MemoryLayout<timeval>.size))
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = in_port_t(port).bigEndian
    address.sin_addr.s_addr = inet_addr("127.0.0.1")
    let result = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        Foundation.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    guard result == 0 else {
      let code = errno
      close(descriptor)
      throw RawFailure.system(code)
    }
    return descriptor
  }

  static func parse(_ bytes: Data) throws -> RawAnswer {
    guard let end = bytes.firstRange(of: Data("\r\n\r\n".utf8)) else { throw RawFailure.closed }
    let lines = String(decoding: bytes[..<end.lowerBound], as: UTF8.self).components(separatedBy: "\r\n")
    let status = try #require(lines.first?.split(separator: " ").dropFirst().first.flatMap { Int($0) })
    if status == 100 { return try parse(Data(bytes[end.upperBound...])) }
    var headers: [String: String] = [:]
    for line in lines.dropFirst() {
      let parts = line.split(separator: ":", maxSplits: 1)
      if parts.count == 2 { headers[parts[0].lowercased()] = parts[1].trimmingCharacters(in: .whitespaces) }
    }
    var answer = RawAnswer(status: status, headers: headers, body: Data(bytes[end.upperBound...]))
    if let length = headers["content-length"].flatMap({ Int($0) }) { answer.isCut = answer.body.count < length }
    return answer
  }
}
