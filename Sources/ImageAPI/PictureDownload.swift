import JobCore
import NIOCore
import NIOHTTP1

/// Fetches pictures from where the service says, each address looked at before it is dialled.
struct PictureDownload: Sendable {
  let settings: HTTPImageService.Settings
  let addresses: ResultAddress
  let connections: Connections
  /// Whether all goes through a proxy, which resolves the names by itself: then only addresses that stand in a URL are
  /// checked, and the proxy has to keep its own networks closed.
  let isProxied: Bool
  let resolve: @Sendable (String) async throws -> [NetworkAddress]
  let wallClock: @Sendable () -> Timestamp
  // Of a request all but its path and its host; nil where it cannot be written.
  private let head: RequestHead?
  typealias Sink = @Sendable ([UInt8]) async throws(FetchFailure) -> Void

  init(
    settings: HTTPImageService.Settings, addresses: ResultAddress, connections: Connections, isProxied: Bool,
    resolve: @escaping @Sendable (String) async throws -> [NetworkAddress],
    wallClock: @escaping @Sendable () -> Timestamp
  ) {
    self.settings = settings
    self.addresses = addresses
    self.connections = connections
    self.isProxied = isProxied
    self.resolve = resolve
    self.wallClock = wallClock
    head = RequestHead.fields(["User-Agent": settings.userAgent]).map { RequestHead("GET ", "\r\n\($0)\r\n") }
  }

  // Hosts with many addresses are not tried through.
  private static let maxAttempts = 3

  /// Fetches what a URL leads to. The key never goes with it.
  func run(_ start: String, limit: Int, into sink: Sink) async throws(FetchFailure) {
    var url = start
    let deadline = NIODeadline.now() + TimeAmount(settings.fetchTotalTimeout)
    for turn in 0...settings.maxRedirects {
      let next: String?
      do throws(FetchFailure) { next = try await hop(url, limit: limit, until: deadline, into: sink) } catch {
        // Where a host redirects to is its answer, which may be another one later; the first URL is the service's.
        if turn > 0, case .unusable(let why) = error, why.code == .resultAddress { throw .expired(why) }
        throw error
      }
      guard let next else { return }
      if Redirect.isDowngrade(from: url, to: next) {
        throw Self.noPicture("redirects from https to http, which is not followed", code: .resultRedirect)
      }
      url = next
    }
    throw Self.noPicture("redirects more than \(settings.maxRedirects) times", code: .resultRedirect)
  }

  // Object stores lag: whatever a host answers now, it may have the picture later.
  private static func noPicture(_ what: String, code: ErrorCode) -> FetchFailure {
    .expired(JobError(code: code, message: "The picture's host \(what).", retryable: true))
  }

  // Where the URL redirects to; nil: it was the picture, and the sink has it.
  private func hop(
    _ url: String, limit: Int, until deadline: NIODeadline, into sink: Sink
  ) async throws(FetchFailure) -> String? {
    let address: WebAddress
    do throws(ResultAddress.Refusal) { address = try ResultAddress.read(url) } catch { throw Self.refused(error) }
    let (way, checked) = try await dialled(for: address)
    let answer: Download
    do {
      guard let head else { throw ConnectionTrouble.unusableRequest }
      answer = try await connections.open(
        Outgoing(
          destination: Destination(address, way), addresses: checked,
          // `WebAddress` reads nothing that cannot be written into a request.
          head: head.with("\(address.path) HTTP/1.1\r\nHost: \(address.authority)"), deadline: deadline,
          silence: TimeAmount(settings.fetchTimeout)))
    } catch {
      throw .transient(Self.unreachable(error), retryAfter: nil)
    }
    defer { answer.end() }
    return try await consume(answer, of: url, limit, into: sink)
  }

  // How the host is reached, and what may be dialled for it where that was checked.
  private func dialled(
    for url: WebAddress
  ) async throws(FetchFailure) -> (way: Destination.Way, addresses: [NetworkAddress]) {
    let target: ResultAddress.Target
    do throws(ResultAddress.Refusal) { target = try addresses.target(of: url) } catch { throw Self.refused(error) }
    if isProxied { return (.proxy, []) }
    switch target {
    case .address: return (.byName, [])
    case .odd(let address): return (.checked, [address])
    case .name where addresses.allowsAll: return (.byName, [])
    case .name: break
    }
    let found: [NetworkAddress]
    do { found = try await resolve(url.host) } catch { throw .transient(Self.unreachable(error), retryAfter: nil) }
    guard !found.isEmpty else {
      throw .transient(
        Self.unreachable(Resolver.Unresolved(description: "the host name has no address")), retryAfter: nil)
    }
    do throws(ResultAddress.Refusal) { try addresses.check(found) } catch { throw Self.refused(error) }
    return (.checked, Array(found.prefix(Self.maxAttempts)))
  }

  private func consume(
    _ answer: Download, of url: String, _ limit: Int, into sink: Sink
  ) async throws(FetchFailure) -> String? {
    let (code, headers) = (Int(answer.head.status.code), answer.head.headers)
    switch code {
    case 200, 203:
      try await stream(answer, limit: limit, into: sink)
      return nil
    case 206:
      guard PartialAnswer(headers).isWhole else {
        throw Self.noPicture("sends only a part of it (HTTP 206)", code: .imageHost(status: 206))
      }
      try await stream(answer, limit: limit, into: sink)
      return nil
    case 301, 302, 303, 307, 308:
      guard let next = headers.first(name: "Location"), let resolved = Redirect.resolve(next, against: url)
      else {
        throw Self.noPicture("redirects to nowhere", code: .resultRedirect)
      }
      return resolved
    case 429, 500...:
      throw .transient(
        JobError(
          code: .imageHost(status: code),
          message: "The picture's host answers HTTP \(code).",
          retryable: true), retryAfter: ResponseClassifier(now: wallClock()).retryAfter(headers))
    case 400..<500:
      // What is not there yet, and a signed URL that is over: 400, 403, 404 or 410, depending on the host.
      throw Self.noPicture("does not give it out (HTTP \(code))", code: .imageExpired)
    default:
      throw Self.noPicture(
        "has no picture yet (HTTP \(code))", code: .imageHost(status: code))
    }
  }

  private func stream(
    _ answer: Download, limit: Int, into sink: Sink
  ) async throws(FetchFailure) {
    let expected = answer.head.headers.first(name: "Content-Length").flatMap { Int($0) }
    let decoder = ContentDecoder(answer.head.headers, limit: limit)
    if let expected, expected > limit, decoder == nil { throw Self.tooLarge(limit) }
    var (received, made) = (0, 0)
    // The limit counts the picture's own bytes, whatever they come as.
    func hand(_ bytes: [UInt8]) async throws(FetchFailure) {
      made += bytes.count
      if made > limit { throw Self.tooLarge(limit) }
      if !bytes.isEmpty { try await sink(bytes) }
    }
    while true {
      let chunk: ByteBuffer?
      do { chunk = try await answer.next() } catch { throw .transient(Self.unreachable(error), retryAfter: nil) }
      guard let chunk else { break }
      received += chunk.readableBytes
      guard let decoder else {
        try await hand(chunk.withUnsafeReadableBytes { Array($0) })
        continue
      }
      decoder.feed(chunk.readableBytesView)
      while let part = try Self.decoded(limit, { () throws(Inflater.Trouble) in try decoder.next() }) {
        try await hand(part)
      }
    }
    if let decoder, expected == nil || received == expected {
      try await hand(try Self.decoded(limit) { () throws(Inflater.Trouble) in try decoder.finish() })
    }
    if let expected, received != expected {
      throw .transient(
        JobError(
          code: .imageCutShort, message: "The picture ended after \(received) of \(expected) bytes.", retryable: true
        ),
        retryAfter: nil)
    }
  }

  private static func tooLarge(_ limit: Int) -> FetchFailure {
    .unusable(
      JobError(
        code: .imageTooLarge, message: "The picture is larger than the limit of \(limit) bytes (max-image-bytes)."))
  }

  private static func decoded<T>(
    _ limit: Int, _ body: () throws(Inflater.Trouble) -> T
  ) throws(FetchFailure) -> T {
    do throws(Inflater.Trouble) { return try body() } catch .tooLarge { throw tooLarge(limit) } catch {
      throw .transient(
        JobError(
          code: .imageEncoding, message: "The picture came compressed, and cannot be decoded: \(error.words).",
          hint: "promptdrop tries again by itself.", retryable: true), retryAfter: nil)
    }
  }

  private static func refused(_ refusal: ResultAddress.Refusal) -> FetchFailure {
    .unusable(
      JobError(
        code: .resultAddress, message: "The picture is not fetched: its URL \(refusal.why).",
        hint: "To allow such addresses, set --allow-private-results yes, and restart promptdrop."))
  }

  private static func unreachable(_ error: any Error) -> JobError {
    JobError(
      code: .imageHostUnreachable, message: "The picture could not be fetched: \(ResponseClassifier.explain(error)).",
      hint: "promptdrop tries again by itself.", retryable: true)
  }
}

extension TimeAmount {
  init(_ duration: Duration) { self = .milliseconds(duration.milliseconds) }
}
