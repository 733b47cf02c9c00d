import Foundation
import SandboxServer
import Testing

/// A sandbox and the requests a client makes of it.
struct Fixture: Sendable {
  let sandbox: Sandbox

  /// Runs a test against a sandbox of its own whose tasks are final at once.
  static func run(
    _ faults: [String] = [], options change: (inout SandboxOptions) -> Void = { _ in },
    _ body: (Fixture) async throws -> Void
  ) async throws {
    var options = SandboxOptions()
    options.statusDelay = .zero
    options.imageWidth = 48
    options.imageHeight = 48
    options.faults = try faults.map { try Fault(parsing: $0) }
    change(&options)
    let sandbox = Sandbox(options)
    try await sandbox.start()
    do {
      try await body(Fixture(sandbox: sandbox))
    } catch {
      try await sandbox.stop()
      throw error
    }
    try await sandbox.stop()
  }

  static let good: [String: String] = ["Authorization": "Bearer dk-test", "Content-Type": "application/json"]

  func submit(
    _ prompt: String = "a red fox", extra: [String: Any] = [:], headers: [String: String] = Fixture.good,
    seconds: Int = 10
  ) async throws -> RawAnswer {
    var fields: [String: Any] = ["model": "google/gempix2", "prompt": prompt]
    fields.merge(extra) { $1 }
    return try await post(try JSONSerialization.data(withJSONObject: fields), headers: headers, seconds: seconds)
  }

  func post(_ body: Data, headers: [String: String] = Fixture.good, seconds: Int = 10) async throws -> RawAnswer {
    try await RawHTTP.exchange(
      "POST", "/api/image/gen", port: sandbox.port, headers: headers, body: body, seconds: seconds)
  }

  /// Submits and returns the task's id.
  func accepted(_ prompt: String = "a red fox", extra: [String: Any] = [:]) async throws -> String {
    try #require(try await submit(prompt, extra: extra).data()["task_id"] as? String)
  }

  func query(_ id: String, headers: [String: String] = Fixture.good, seconds: Int = 10) async throws -> RawAnswer {
    try await RawHTTP.exchange(
      "GET", "/api/task/query?task_id=\(id)", port: sandbox.port, headers: headers, seconds: seconds)
  }

  /// The links of a finished task.
  func links(_ id: String) async throws -> [String] {
    let result = try await query(id).data()["result"] as? [[String: String]]
    return try #require(result).compactMap { $0["image"] }
  }

  func fetch(_ link: String, headers: [String: String] = [:], seconds: Int = 10) async throws -> RawAnswer {
    let url = try #require(URLComponents(string: link))
    let path = url.path + (url.query.map { "?" + $0 } ?? "")
    return try await RawHTTP.exchange("GET", path, port: sandbox.port, headers: headers, seconds: seconds)
  }

  /// Submits and fetches the only picture.
  func picture(_ prompt: String = "a red fox", extra: [String: Any] = [:]) async throws -> RawAnswer {
    let id = try await accepted(prompt, extra: extra)
    return try await fetch(try #require(try await links(id).first))
  }
}

/// Polls until `condition` holds; a test that would wait longer fails.
func eventually(seconds: Double = 8, _ condition: () async throws -> Bool) async throws {
  let deadline = ContinuousClock.now + .seconds(seconds)
  while try await !condition() {
    try #require(ContinuousClock.now < deadline, "not within \(seconds) s")
    try await Task.sleep(for: .milliseconds(5))
  }
}

/// Width and height from a PNG's header.
func pngSize(_ data: Data) -> [Int]? {
  let bytes = [UInt8](data)
  guard bytes.count > 24, Array(bytes[..<8]) == [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A] else { return nil }
  return [16, 20].map { start in bytes[start..<start + 4].reduce(0) { $0 << 8 | Int($1) } }
}

/// Whether the PNG is there to its last chunk.
func isWholePNG(_ data: Data) -> Bool { pngSize(data) != nil && data.suffix(8).prefix(4) == Data("IEND".utf8) }
