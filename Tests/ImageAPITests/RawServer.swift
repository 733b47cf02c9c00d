import Foundation
import Synchronization

/// A TCP server on loopback that does to each connection exactly what a test says, on a thread of its own. For what a
/// server library would not let happen.
final class RawServer: Sendable {
  /// A whole request as it was on the wire.
  struct Request: Sendable {
    var head: String
    var body: [UInt8]
    var line: String { String(head.prefix { $0 != "\r\n" }) }
    /// The values of a header, its name in any case.
    func header(_ name: String) -> [String] {
      head.split(separator: "\r\n").dropFirst().compactMap { line in
        let parts = line.split(separator: ":", maxSplits: 1)
        guard parts.count == 2, parts[0].lowercased() == name.lowercased() else { return nil }
        return parts[1].trimmingCharacters(in: .whitespaces)
      }
    }
  }

  let port: Int
  private let listener: Int32
  private let state = Mutex<(connections: Int, requests: [Request], open: Set<Int32>, received: Int, ended: Int)>(
    (0, [], [], 0, 0))

  /// Connections made so far.
  var connections: Int { state.withLock { $0.connections } }
  /// Bytes read so far.
  var received: Int { state.withLock { $0.received } }
  /// Connections that have ended, on this side at least.
  var ended: Int { state.withLock { $0.ended } }
  /// Requests read in full so far.
  var requests: [Request] { state.withLock { $0.requests } }
  var baseURL: String { "http://127.0.0.1:\(port)" }

  init(onIPv6: Bool = false, _ script: @escaping @Sendable (Connection) -> Void) throws {
    listener = socket(
      onIPv6 ? AF_INET6 : AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    var (four, six) = (sockaddr_in(), sockaddr_in6())
    four.sin_family = sa_family_t(AF_INET)
    four.sin_addr.s_addr = inet_addr("127.0.0.1")
    six.sin6_family = sa_family_t(AF_INET6)
    six.sin6_addr = in6addr_loopback
    let result = onIPv6 ? Self.listen(listener, &six) : Self.listen(listener, &four)
    guard result else { throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO) }
    port = Int(UInt16(bigEndian: onIPv6 ? six.sin6_port : four.sin_port))
    let thread = Thread { [self] in serve(script) }
    thread.start()
  }

  private static func listen<Address>(_ handle: Int32, _ address: inout Address) -> Bool {
    var size = socklen_t(MemoryLayout<Address>.size)
    let length = size
    return withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { raw in
        bind(handle, raw, length) == 0 && Foundation.listen(handle, 64) == 0 && getsockname(handle, raw, &size) == 0
      }
    }
  }

  /// Ends the server and everything that is open.
  func stop() {
    state.withLock { state in
      for open in state.open { shutdown(open, Int32(SHUT_RDWR)) }
    }
    shutdown(listener, Int32(SHUT_RDWR))
  }

  private func serve(_ script: @escaping @Sendable (Connection) -> Void) {
    while true {
      let descriptor = Foundation.accept(listener, nil, nil)
      if descriptor < 0 && (errno == EINTR || errno == ECONNABORTED) { continue }
      guard descriptor >= 0 else { break }
      _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
      var limit = timeval(tv_sec: 10, tv_usec: 0)
      setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
      setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
      let number = state.withLock { state in
        state.connections += 1
        state.open.insert(descriptor)
        return state.connections
      }
      Thread { [self] in
        let connection = Connection(descriptor, number, server: self)
        script(connection)
        connection.finish()
      }.start()
    }
    close(listener)
  }

  fileprivate func record(_ request: Request) { state.withLock { $0.requests.append(request) } }
  fileprivate func count(_ bytes: Int) { state.withLock { $0.received += bytes } }
  fileprivate func end(_ descriptor: Int32) {
    state.withLock { state in
      state.ended += 1
      state.open.remove(descriptor)
      close(descriptor)
    }
  }
}

/// A connection, for the thread that has it.
final class Connection {
  /// Counts from 1.
  let number: Int
  private let descriptor: Int32
  private unowned let server: RawServer
  private var buffer: [UInt8] = []
  private var isOpen = true

  fileprivate init(_ descriptor: Int32, _ number: Int, server: RawServer) {
    self.descriptor = descriptor
    self.number = number
    self.server = server
  }

  /// Reads some bytes; false at the end.
  @discardableResult
  func readSome() -> Bool {
    var chunk = [UInt8](repeating: 0, count: 65_536)
    let count = recv(descriptor, &chunk, chunk.count, 0)
    guard count > 0 else { return false }
    buffer += chunk[..<count]
    server.count(count)
    return true
  }

  /// Reads up to the end of the head; nil when the connection ends before.
  func readHead() -> String? {
    let end = Array("\r\n\r\n".utf8)
    var looked = 0
    while true {
      if buffer.count >= looked + 4 {
        for at in looked...(buffer.count - 4) where buffer[at..<(at + 4)].elementsEqual(end) {
          let head = String(decoding: buffer[..<at], as: UTF8.self)
          buffer.removeFirst(at + 4)
          return head
        }
        looked = buffer.count - 3
      }
      guard readSome() else { return nil }
    }
  }

  /// Reads a request in full; nil when the connection ends before.
  @discardableResult
  func readRequest() -> RawServer.Request? {
    guard let head = readHead() else { return nil }
    var request = RawServer.Request(head: head, body: [])
    let length = request.header("Content-Length").first.flatMap { Int($0) } ?? 0
    while buffer.count < length { guard readSome() else { return nil } }
    request.body = Array(buffer[..<length])
    buffer.removeFirst(length)
    server.record(request)
    return request
  }

  /// False when the other side is gone.
  @discardableResult
  func send(_ bytes: [UInt8]) -> Bool {
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { Foundation.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
      guard count > 0 else { return false }
      rest = rest.dropFirst(count)
    }
    return true
  }

  @discardableResult
  func send(_ text: String) -> Bool { send(Array(text.utf8)) }

  /// Answers with a body and its length.
  func answer(_ status: String, _ body: String, headers: String = "") {
    send("HTTP/1.1 \(status)\r\nContent-Length: \(body.utf8.count)\r\n\(headers)\r\n\(body)")
  }

  /// Sends a byte every 50 ms, 100 of them; returns how many went before the other side had enough.
  func drip() -> Int {
    for sent in 0..<100 {
      guard send(" ") else { return sent }
      // Nobody signals it: it only paces this thread.
      _ = DispatchSemaphore(value: 0).wait(timeout: .now() + .milliseconds(50))
    }
    return 100
  }

  /// Passes everything on to a port of this machine and back, until both sides have ended.
  func tunnel(to port: Int) {
    let other = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    defer { close(other) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = in_port_t(port).bigEndian
    address.sin_addr.s_addr = inet_addr("127.0.0.1")
    let size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let result = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { Foundation.connect(other, $0, size) }
    }
    guard result == 0 else { return }
    let back = DispatchSemaphore(value: 0)
    let mine = descriptor
    Thread {
      Self.copy(other, mine)
      back.signal()
    }.start()
    Self.copy(descriptor, other)
    back.wait()
  }

  private static func copy(_ from: Int32, _ to: Int32) {
    var chunk = [UInt8](repeating: 0, count: 65_536)
    while true {
      let count = recv(from, &chunk, chunk.count, 0)
      guard count > 0, Foundation.send(to, chunk, count, Int32(MSG_NOSIGNAL)) == count else { break }
    }
    shutdown(to, Int32(SHUT_WR))
  }

  /// Ends with RST.
  func reset() {
    var linger = linger(l_onoff: 1, l_linger: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout<linger>.size))
    finish()
  }

  /// Reads until the other side ends, so that the connection stays open meanwhile.
  func waitForEnd() { while readSome() { buffer = [] } }

  /// Ends with FIN, once.
  func finish() {
    guard isOpen else { return }
    isOpen = false
    server.end(descriptor)
  }
}
