import SHA2
import Foundation
import JobCore
import NIOCore
import NIOPosix
import SandboxServer
import Synchronization
import Testing

@testable import ImageAPI

/// A service under test, shut down with the test.
struct ServiceFixture: Sendable {
  static let key = "dk-1234567890abcdef"
  /// 2026-01-31T09:00:00Z
  static let now = Timestamp(milliseconds: 1_769_850_000_000)

  let service: HTTPImageService

  /// Runs `body` with a service at `base`.
  static func run<T>(
    at base: String, key: String = ServiceFixture.key,
    settings change: (inout HTTPImageService.Settings) -> Void = { _ in },
    resolve: @escaping @Sendable (String) async throws -> [NetworkAddress] = Resolver.system,
    on group: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton,
    _ body: (ServiceFixture) async throws -> T
  ) async throws -> T {
    var settings = HTTPImageService.Settings(
      baseURL: base, userAgent: "promptdrop/1.2.3", connectTimeout: .seconds(5), submitTimeout: .seconds(5),
      queryTimeout: .seconds(5), fetchTimeout: .seconds(5), fetchTotalTimeout: .seconds(10))
    change(&settings)
    let service = try HTTPImageService(
      settings, key: APIKey(key), on: group, resolve: resolve, wallClock: { now })
    let result: T
    do {
      result = try await body(ServiceFixture(service: service))
    } catch {
      try await service.shutdown()
      throw error
    }
    try await service.shutdown()
    return result
  }

  /// Runs `body` with a service at a raw server.
  static func run<T>(
    settings change: (inout HTTPImageService.Settings) -> Void = { _ in },
    script: @escaping @Sendable (Connection) -> Void, _ body: (ServiceFixture, RawServer) async throws -> T
  ) async throws -> T {
    let server = try RawServer(script)
    defer { server.stop() }
    return try await run(at: server.baseURL, settings: change) { try await body($0, server) }
  }

  /// Runs `body` with a service at a sandbox whose tasks are final at once.
  static func run<T>(
    sandbox faults: [String], options change: (inout SandboxOptions) -> Void = { _ in },
    settings: (inout HTTPImageService.Settings) -> Void = { _ in },
    _ body: (ServiceFixture, Sandbox) async throws -> T
  ) async throws -> T {
    var options = SandboxOptions()
    options.apiKey = key
    options.statusDelay = .zero
    options.imageWidth = 24
    options.imageHeight = 24
    options.faults = try faults.map { try Fault(parsing: $0) }
    change(&options)
    let sandbox = Sandbox(options)
    try await sandbox.start()
    let result: T
    do {
      result = try await run(at: sandbox.baseURL, settings: settings) { try await body($0, sandbox) }
    } catch {
      try await sandbox.stop()
      throw error
    }
    try await sandbox.stop()
    return result
  }

  /// SHA-256, hexadecimal.
  static func digest(_ bytes: [UInt8]) -> String { SHA256.hash(data: bytes).hex }

  func submit(_ prompt: String = "a red fox", willSend: @escaping @Sendable () -> Bool = { true }) async
    -> SubmitOutcome
  {
    let asked = Asked(willSend)
    let outcome = await service.submit(
      SubmitRequest(snapshot: Snapshot(prompt: prompt, model: "google/gempix2"), images: []), willSend: asked.ask)
    // What was never sent was never asked for, unless the answer was no; everything else was, once.
    let isNeverAsked = outcome.reached == false && outcome.error?.code != "called-off"
    #expect(asked.count == (isNeverAsked ? 0 : 1), "\(outcome)")
    return outcome
  }

  /// Submits and returns the task's id.
  func accepted(_ prompt: String = "a red fox") async throws -> String {
    let outcome = await submit(prompt)
    guard case .accepted(let id) = outcome else {
      Issue.record("\(outcome)")
      throw Unexpected()
    }
    return id
  }

  /// The report of a query.
  func report(_ id: String = "ta1") async throws -> TaskReport {
    let outcome = await service.query(id)
    guard case .report(let report) = outcome else {
      Issue.record("\(outcome)")
      throw Unexpected()
    }
    return report
  }

  /// Submits, queries, and returns the first result.
  func firstResult() async throws -> ResultItem {
    let report = try await report(try await accepted())
    guard case .succeeded(let items) = report.phase else {
      Issue.record("\(report)")
      throw Unexpected()
    }
    return try #require(items.first)
  }

  /// Fetches in full.
  func fetch(_ item: ResultItem, limit: Int = 10_000_000) async -> Result<[UInt8], FetchFailure> {
    let bytes = Collected()
    do throws(FetchFailure) {
      try await service.fetch(item, limit: limit) { chunk throws(FetchFailure) in bytes.add(chunk) }
      return .success(bytes.all)
    } catch {
      return .failure(error)
    }
  }
}

struct Unexpected: Error {}

extension HTTPImageService {
  /// A submission that nobody calls off.
  func submit(_ request: SubmitRequest) async -> SubmitOutcome { await submit(request, willSend: { true }) }
}

/// What a sink was given.
final class Collected: Sendable {
  private let chunks = Mutex<[[UInt8]]>([])
  func add(_ chunk: [UInt8]) { chunks.withLock { $0.append(chunk) } }
  var all: [UInt8] { chunks.withLock { $0.flatMap(\.self) } }
  var count: Int { chunks.withLock { $0.count } }
  /// In bytes.
  var length: Int { chunks.withLock { $0.reduce(0) { $0 + $1.count } } }
  /// SHA-256 of all of it.
  var digest: String {
    var hash = SHA256()
    for chunk in chunks.withLock({ $0 }) { hash.update(data: chunk) }
    return Array(hash.finalize()).hex
  }
}

extension SubmitOutcome {
  /// What is told to the user; nil when it was accepted.
  var error: JobError? {
    switch self {
    case .accepted: nil
    case .notAccepted(let failure, _): failure.error
    case .taskOfAnother(let error), .unknown(let error, _): error
    }
  }
  var consequence: Failure.Consequence? {
    if case .notAccepted(let failure, _) = self { failure.consequence } else { nil }
  }
  var isUnknown: Bool { if case .unknown = self { true } else { false } }
  /// nil unless it was not accepted.
  var reached: Bool? { if case .notAccepted(_, let reached) = self { reached } else { nil } }
}

extension QueryOutcome {
  var consequence: Failure.Consequence? { if case .failed(let failure) = self { failure.consequence } else { nil } }
}

extension FetchFailure {
  /// The case's name.
  var kind: String {
    switch self {
    case .expired: "expired"
    case .transient: "transient"
    case .damaged: "damaged"
    case .unusable: "unusable"
    case .local: "local"
    }
  }
}

extension Result where Success == [UInt8], Failure == FetchFailure {
  var failure: FetchFailure? { if case .failure(let failure) = self { failure } else { nil } }
  var bytes: [UInt8]? { if case .success(let bytes) = self { bytes } else { nil } }
}
