import Foundation
import ProgramKit
import Synchronization
import TestKit
import Testing

/// What `status --json` says, as any script reads it.
struct AgentStatus: Decodable {
  struct Line: Decodable {
    let file: String, state: String
    let reason: String?, message: String?, hint: String?, serviceStatus: String?, until: String?
    let tasks: [String]
  }
  struct Stop: Decodable {
    let reason: String, message: String
    let hint: String?, until: String?
  }
  struct Spend: Decodable {
    let day: String, folder: String, model: String
    let submissions: Int
    let consumed: String?, reserved: String?
  }
  struct Today: Decodable {
    let day: String
    let submissions: Int
    let credits: String
    let submissionLimit: Int?
    let creditLimit: String?
  }
  let schema: String, version: String
  let pid: Int32?
  let roots: [String]
  let counts: [String: Int]
  let stops: [Stop]
  let inFlight: [Line], waiting: [Line]
  let waitingMore: Int
  let today: Today
  let spending: [Spend]
}

/// What `plan --json` says.
struct PlanAnswer: Decodable {
  struct Item: Decodable {
    let file: String, why: String
    let pictures: Int
    let model: String?, size: String?, price: String?, message: String?
  }
  let schema: String
  let items: [Item]
  let pictures: Int, unpriced: Int, heldByBurstLimit: Int
  let waitsForDailyLimit: Int?
  let dailyLimit: String?
  let credits: String

  /// The item of a prompt, by its name.
  func item(_ name: String) -> Item? { items.first { $0.file.hasSuffix("/\(name).prompt") } }
}

/// One line of `resolve --json` and its like.
struct FileAnswer: Decodable {
  let file: String, state: String, message: String
  let ok: Bool
}

extension Outcome {
  /// Standard output as JSON.
  func json<Form: Decodable>(_ form: Form.Type) throws -> Form {
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    return try decoder.decode(form, from: Data(out.utf8))
  }
}

extension Fixture {
  /// Has the folder worked on until `condition` holds: by an agent that goes on running, which is returned, or by one run.
  @discardableResult
  func work(
    running: Bool, _ flags: [String: String?] = [:], until what: String, _ condition: () throws -> Bool
  ) async throws -> ChildProcess? {
    let agent = running ? try await watch(flags) : nil
    let run = agent == nil ? try await once(flags) : nil
    try await eventually(within: .seconds(30), "\(what): \(run?.log ?? agent?.standardError ?? "")") { try condition() }
    return agent
  }

  /// The same for what has been decided: a running agent goes on by itself, else there is another run.
  func goOn(
    _ agent: ChildProcess?, _ flags: [String: String?] = [:], until what: String, _ condition: () throws -> Bool
  )
    async throws
  {
    if agent == nil { _ = try await once(flags) }
    try await eventually(within: .seconds(30), "\(what): \(agent?.standardError ?? "")") { try condition() }
  }

  /// Whether a prompt's sidecar is there and in a state.
  func isIn(_ name: String, _ state: String) throws -> Bool {
    root.exists("\(name).status.json") ? try sidecar(name).state == state : false
  }

  func status(_ flags: [String: String?] = [:]) async throws -> AgentStatus {
    try await run("status", ["--json"], flags).json(AgentStatus.self)
  }

  func plan(_ flags: [String: String?] = [:]) async throws -> (report: PlanAnswer, code: Int32) {
    let run = try await run("plan", [root.path, "--json"], flags)
    return (try run.json(PlanAnswer.self), run.code)
  }

  /// The callback URLs of the POSTs, in their order.
  var callbackURLs: [String] {
    posts.compactMap { post in
      // Nothing but what was received in full is in the ledger, and the program sends JSON.
      (try? JSONSerialization.jsonObject(with: post.body) as? [String: Any])?["callback_url"] as? String
    }
  }
}

/// Plain TCP on this machine.
enum Loopback {
  private static func address(_ port: Int) -> sockaddr_in {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = in_port_t(port).bigEndian
    address.sin_addr.s_addr = in_addr_t(0x7f00_0001).bigEndian
    return address
  }

  private struct Trouble: Error, CustomStringConvertible {
    let description: String
  }

  private static func trouble(_ what: String) -> Trouble {
    Trouble(description: "\(what): \(String(cString: strerror(errno)))")
  }

  /// A socket that listens, at any free port or at the one given, where connections come about and what is sent is
  /// never read.
  final class Deaf: Sendable {
    let port: Int
    private let socket: Int32
    private let accepted = Mutex<[Int32]>([])

    init() throws {
      let descriptor = Foundation.socket(AF_INET, Int32(SOCK_STREAM.rawValue) | O_CLOEXEC, 0)
      var address = Loopback.address(0)
      var length = socklen_t(MemoryLayout<sockaddr_in>.size)
      let isBound = withUnsafeMutablePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          bind(descriptor, $0, length) == 0 && listen(descriptor, 16) == 0 && getsockname(descriptor, $0, &length) == 0
        }
      }
      socket = descriptor
      port = Int(in_port_t(bigEndian: address.sin_port))
      guard isBound else { throw Loopback.trouble("listen") }
    }

    deinit {
      for descriptor in accepted.withLock({ $0 }) + [socket] { close(descriptor) }
    }

    /// Whether a client has sent anything on a connection. That one is accepted, and dropped with the value.
    func hasBytes() -> Bool {
      var waiting = pollfd(fd: socket, events: Int16(POLLIN), revents: 0)
      guard poll(&waiting, 1, 0) > 0 else { return accepted.withLock { Self.hasBytes($0) } }
      let connection = accept(socket, nil, nil)
      return accepted.withLock { all in
        if connection >= 0 { all.append(connection) }
        return Self.hasBytes(all)
      }
    }

    private static func hasBytes(_ connections: [Int32]) -> Bool {
      connections.contains { connection in
        var waiting = pollfd(fd: connection, events: Int16(POLLIN), revents: 0)
        return poll(&waiting, 1, 0) > 0
      }
    }
  }

  /// A port that was free a moment ago.
  static func freePort() throws -> Int { try Deaf().port }

  /// Sends a request, and returns the answer up to the connection's end.
  static func ask(_ port: Int, _ request: String) throws -> String {
    let socket = Foundation.socket(AF_INET, Int32(SOCK_STREAM.rawValue) | O_CLOEXEC, 0)
    defer { close(socket) }
    var limit = timeval(tv_sec: 10, tv_usec: 0)
    setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    var address = address(port)
    let length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let connected = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(socket, $0, length) == 0 }
    }
    guard connected else { throw trouble("connect") }
    let bytes = Array(request.utf8)
    guard send(socket, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count else { throw trouble("send") }
    var answer: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 4096)
    while true {
      let count = recv(socket, &buffer, buffer.count, 0)
      guard count > 0 else { break }
      answer += buffer[..<count]
    }
    return String(decoding: answer, as: UTF8.self)
  }

  /// The status of the answer to a request with a body of JSON; nil where there was none.
  static func status(_ port: Int, _ method: String, _ path: String, _ body: String = "", key: String? = nil) throws
    -> Int?
  {
    Int(
      try exchange(port, method, path, body, key: key).split(separator: " ", maxSplits: 2).dropFirst().first ?? "")
  }

  /// The whole answer to such a request.
  static func exchange(_ port: Int, _ method: String, _ path: String, _ body: String, key: String? = nil) throws
    -> String
  {
    var head = "\(method) \(path) HTTP/1.1\r\nHost: 127.0.0.1:\(port)\r\nConnection: close\r\n"
    if let key { head += "Authorization: Bearer \(key)\r\n" }
    if !body.isEmpty { head += "Content-Type: application/json\r\nContent-Length: \(body.utf8.count)\r\n" }
    return try ask(port, head + "\r\n" + body)
  }
}
