import CZlib
import Foundation
import JobCore
import NIOCore
import NIOHTTP1
import SandboxServer
import Testing

@testable import ImageAPI

/// Bodies that come compressed: they are what they were, and no larger than plain ones may be.
@Suite struct EncodingTests {
  /// How a body is wrapped: zlib's number for it.
  enum Wrapping: Int32, CaseIterable {
    case gzip = 31, zlib = 15
    case raw = -15
    var name: String { self == .gzip ? "gzip" : "deflate" }
  }

  static func compressed(_ bytes: [UInt8], _ wrapping: Wrapping) throws -> [UInt8] {
    var stream = z_stream()
    var input = bytes
    return try withUnsafeMutablePointer(to: &stream) { stream in
      let size = Int32(MemoryLayout<z_stream>.size)
      guard deflateInit2_(stream, 9, Z_DEFLATED, wrapping.rawValue, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION, size) == Z_OK
      else { throw Unexpected() }
      defer { deflateEnd(stream) }
      let most = Int(deflateBound(stream, UInt(input.count)))
      return [UInt8](unsafeUninitializedCapacity: most) { output, count in
        input.withUnsafeMutableBufferPointer { input in
          stream.pointee.next_in = input.baseAddress
          stream.pointee.avail_in = UInt32(input.count)
          stream.pointee.next_out = output.baseAddress
          stream.pointee.avail_out = UInt32(most)
          _ = deflate(stream, Z_FINISH)
        }
        count = most - Int(stream.pointee.avail_out)
      }
    }
  }

  private func decoded(_ parts: [[UInt8]], _ encoding: String, limit: Int = 1_000_000) throws -> [UInt8] {
    let decoder = try #require(ContentDecoder(["Content-Encoding": encoding], limit: limit))
    var all: [UInt8] = []
    for part in parts {
      decoder.feed(ByteBuffer(bytes: part).readableBytesView)
      while let bytes = try decoder.next() { all += bytes }
    }
    return all + (try decoder.finish())
  }

  private static let text = (0..<20_000).map { UInt8(truncatingIfNeeded: $0 &* $0 >> 3) }

  @Test(arguments: Wrapping.allCases) func `What was compressed, in parts of any size`(wrapping: Wrapping) throws {
    let bytes = try Self.compressed(Self.text, wrapping)
    for step in [1, 2, 7, 4096, bytes.count] {
      let parts = stride(from: 0, to: bytes.count, by: step).map { Array(bytes[$0..<min($0 + step, bytes.count)]) }
      #expect(try decoded(parts, wrapping.name) == Self.text)
    }
    // Servers call either the other.
    if wrapping != .raw { #expect(try decoded([bytes], "DEFLATE") == Self.text) }
  }

  @Test func `Compressed twice, several files in one, padding, and nothing at all`() throws {
    let once = try Self.compressed(Self.text, .gzip)
    #expect(try decoded([try Self.compressed(once, .zlib)], "gzip, deflate") == Self.text)
    #expect(try decoded([try Self.compressed(once, .gzip)], "x-gzip, identity, gzip") == Self.text)
    #expect(try decoded([once, once], "gzip") == Self.text + Self.text)
    #expect(try decoded([once + [0, 0, 0, 0]], "gzip") == Self.text)
    for encoding in ["gzip", "deflate", "gzip, gzip"] { #expect(try decoded([], encoding) == []) }
  }

  @Test func `What calls itself gzip and is not, and what nobody knows, speaks for itself`() throws {
    #expect(try decoded([Array("{\"code\":0}".utf8)], "gzip") == Array("{\"code\":0}".utf8))
    #expect(try decoded([[7]], "gzip") == [7])
    for encoding in ["", "identity", "br", "gzip, br", "aws-chunked", "utf-8", "gzip, gzip, gzip, gzip"] {
      #expect(ContentDecoder(["Content-Encoding": encoding], limit: 9) == nil, "\(encoding)")
    }
    #expect(ContentDecoder([:], limit: 9) == nil)
  }

  @Test(arguments: Wrapping.allCases) func `Damage and an end too early are noticed`(wrapping: Wrapping) throws {
    let bytes = try Self.compressed(Self.text, wrapping)
    #expect(throws: Inflater.Trouble.damaged("it ends too early")) {
      try decoded([Array(bytes.dropLast(9))], wrapping.name)
    }
    var damaged = bytes
    for index in (bytes.count / 2)..<(bytes.count / 2 + 8) { damaged[index] ^= 0xA5 }
    #expect(throws: Inflater.Trouble.self) { try decoded([damaged], wrapping.name) }
  }

  @Test(arguments: Wrapping.allCases) func `A bomb is cut off at the limit, in every layer`(wrapping: Wrapping) throws {
    let bomb = try Self.compressed([UInt8](repeating: 0, count: 3_000_000), wrapping)
    #expect(bomb.count < 10_000)
    #expect(throws: Inflater.Trouble.tooLarge) { try decoded([bomb], wrapping.name) }
    let twice = try Self.compressed(bomb, .gzip)
    #expect(throws: Inflater.Trouble.tooLarge) { try decoded([twice], "\(wrapping.name), gzip") }
    #expect(try decoded([bomb], wrapping.name, limit: 3_000_000).count == 3_000_000)
  }

  // MARK: over the network

  private func serve<T>(
    _ body: [UInt8], _ encoding: String, _ run: (ServiceFixture, RawServer) async throws -> T
  ) async throws -> T {
    try await ServiceFixture.run(
      settings: { $0.queryTimeout = .seconds(30) },
      script: { connection in
        while connection.readRequest() != nil {
          connection.send("HTTP/1.1 200 OK\r\nContent-Encoding: \(encoding)\r\nContent-Length: \(body.count)\r\n\r\n")
          connection.send(body)
        }
      }, run)
  }

  @Test(arguments: Wrapping.allCases)
  func `A bomb of an answer or a picture has the limits of plain ones`(wrapping: Wrapping) async throws {
    let bomb = try Self.compressed([UInt8](repeating: 0x20, count: 40_000_000), wrapping)
    try await serve(bomb, wrapping.name) { bench, server in
      #expect(await bench.submit().isUnknown)
      guard case .failed(let failure) = await bench.service.query("ta1") else { throw Unexpected() }
      #expect(failure.error.code == "answer-too-large", "\(failure)")
      let fetched = await bench.fetch(.url(server.baseURL + "/a.png"), limit: 1_000_000)
      #expect(fetched.failure?.kind == "unusable", "\(fetched)")
    }
  }

  @Test func `An answer to a submission that cannot be decoded is an unknown outcome`() async throws {
    let yes = Array("{\"code\":0,\"data\":{\"task_id\":\"ta1\"}}".utf8)
    let whole = try Self.compressed(yes, .gzip)
    try await serve(whole, "gzip") { bench, _ in #expect(await bench.submit() == .accepted(taskID: "ta1")) }
    try await serve(Array(whole.dropLast(4)), "gzip") { bench, server in
      let outcome = await bench.submit()
      #expect(outcome.isUnknown && outcome.error?.message.contains("decoded") == true, "\(outcome)")
      guard case .unusable = await bench.service.query("ta1") else { throw Unexpected() }
      #expect(await bench.fetch(.url(server.baseURL)).failure?.kind == "transient")
    }
  }

  @Test func `A refusal counts by its status where its words cannot be decoded`() async throws {
    try await ServiceFixture.run(script: { connection in
      while connection.readRequest() != nil {
        connection.send(
          "HTTP/1.1 402 Payment Required\r\nContent-Encoding: deflate\r\nContent-Length: 6\r\n\r\n\u{1}\u{2}nop!")
      }
    }) { bench, _ in
      #expect(await bench.submit().consequence == .service(.account))
    }
  }

  @Test(arguments: ["gzip", "deflate", "deflate-raw"])
  func `The sandbox compresses everything`(encoding: String) async throws {
    let faults = ["submit", "query", "image"].map { "\($0)-encoding=\(encoding)" }
    for shape in [nil, "result-data-uri", "result-base64"] {
      try await ServiceFixture.run(sandbox: faults + [shape].compactMap { $0 }) { bench, _ in
        let fetched = await bench.fetch(try await bench.firstResult())
        #expect(fetched.bytes?.starts(with: [0x89, 0x50, 0x4E, 0x47]) == true, "\(fetched)")
      }
    }
  }

  @Test func `The sandbox damages what it compressed`() async throws {
    try await ServiceFixture.run(sandbox: ["query-encoding=damaged:1", "image-encoding=damaged:1"]) { bench, _ in
      let id = try await bench.accepted()
      guard case .unusable = await bench.service.query(id) else { throw Unexpected() }
      guard case .succeeded(let items) = try await bench.report(id).phase else { throw Unexpected() }
      #expect(await bench.fetch(items[0]).failure?.kind == "transient")
      #expect(await bench.fetch(items[0]).failure == nil)
    }
    try await ServiceFixture.run(sandbox: ["submit-encoding=damaged"]) { bench, _ in
      #expect(await bench.submit().isUnknown)
    }
  }
}
