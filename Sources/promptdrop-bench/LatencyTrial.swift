import Foundation
import Glibc
import SandboxServer

/// From the rename of a prompt into place to the arrival of its submission at the service.
struct LatencyTrial {
  let sandbox: Sandbox
  let parent: String

  /// Milliseconds, sorted.
  struct Times {
    var values: [Double]
    func percentile(_ share: Double) -> Double {
      values.isEmpty ? 0 : values[min(values.count - 1, Int(Double(values.count) * share))]
    }
  }

  /// promptdrop, started by `start` on a place.
  func own(files: Int, start: (Place) throws -> Child) throws -> Times {
    let place = try Place(in: parent)
    defer { place.remove() }
    let child = try start(place)
    try place.waitUntilWatched(by: child)
    let times = try measure(place, files)
    _ = child.end()
    return times
  }

  /// inotifywait, whose lines a loop reads, and one connection that stays open.
  func plain(files: Int) throws -> Times {
    let place = try Place(in: parent)
    defer { place.remove() }
    let fifo = place.base + "/lines"
    guard mkfifo(fifo, 0o600) == 0 else { throw BenchError("cannot make \(fifo)") }
    let reader = open(fifo, O_RDWR)
    let child = try Child(
      ["sh", "-c", "exec inotifywait -m -q -e moved_to --format %f \"$1\" > \"$2\"", "sh", place.drop, fifo])
    try place.waitUntilWatched(by: child)
    let connection = try WarmConnection(sandbox.baseURL)
    let drop = place.drop
    let thread = Thread {
      guard let lines = fdopen(reader, "r") else { return }
      var line: UnsafeMutablePointer<CChar>?
      var capacity = 0
      while getline(&line, &capacity, lines) > 0, let line {
        let name = String(cString: line).dropLast()
        if name == "end" { break }
        if let text = FileManager.default.contents(atPath: "\(drop)/\(name)") { connection.submit(text) }
      }
      free(line)
      fclose(lines)
    }
    thread.start()
    let times = try measure(place, files)
    _ = child.end()
    _ = write(reader, "end\n", 4)
    return times
  }

  // One at a time: what is measured is the way, not the queue.
  private func measure(_ place: Place, _ files: Int) throws -> Times {
    var times: [Double] = []
    for number in 0..<files {
      let before = sandbox.ledger().last?.number ?? 0
      let temporary = place.base + "/next"
      try Data("a picture of number \(number) of \(place.base)".utf8).write(to: URL(fileURLWithPath: temporary))
      let start = ContinuousClock.now
      guard rename(temporary, "\(place.drop)/p\(number).prompt") == 0 else { throw BenchError("cannot rename") }
      while (sandbox.ledger().last?.number ?? 0) == before {
        guard ContinuousClock.now - start < .seconds(20) else { throw BenchError("p\(number) was not submitted") }
        usleep(20)
      }
      times.append((ContinuousClock.now - start) / .milliseconds(1))
      // Until what follows from it is over.
      usleep(30_000)
    }
    return Times(values: times.sorted())
  }
}

/// One HTTP connection that is kept open, with nothing around it.
final class WarmConnection: Sendable {
  private let number: Int32
  private let host: String

  init(_ url: String) throws {
    guard let parts = URLComponents(string: url), let port = parts.port else { throw BenchError("\(url) is no URL") }
    host = "\(parts.host ?? "127.0.0.1"):\(port)"
    number = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = UInt16(port).bigEndian
    address.sin_addr.s_addr = inet_addr("127.0.0.1")
    let (socket, size) = (number, socklen_t(MemoryLayout<sockaddr_in>.size))
    let result = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(socket, $0, size) }
    }
    guard result == 0 else { throw BenchError("cannot connect to \(url)") }
    var on: Int32 = 1
    setsockopt(number, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
  }

  deinit { close(number) }

  /// Sends a prompt and reads the answer.
  func submit(_ text: Data) {
    let body = #"{"model":"google/gempix2","prompt":"\#(String(decoding: text, as: UTF8.self))"}"#
    let request =
      "POST /api/image/gen HTTP/1.1\r\nHost: \(host)\r\nAuthorization: Bearer dk-bench\r\n"
      + "Content-Type: application/json\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
    let bytes = Array(request.utf8)
    _ = write(number, bytes, bytes.count)
    // The answer is small and comes in one piece.
    var answer = [UInt8](repeating: 0, count: 65_536)
    _ = read(number, &answer, answer.count)
  }
}
