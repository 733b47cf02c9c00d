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
  // Of a request all but its path and its host; nil where that cannot be written.
  private let form: RequestForm?
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
    form = RequestForm.fields(["User-Agent": settings.userAgent]).map {
      RequestForm("GET ", " HTTP/1.1\r\nHost: ", "\r\n\($0)\r\n")
    }
  }

  // Hosts with many addresses are not tried through.
  private static let maxAttempts = 3

  /// Fetches what a URL leads to. The key never goes with it.
  func run(_ start: String, limit: Int, into sink: Sink) async throws(FetchFailure) {
    var url = start
    let deadline = NIODeadline.now() + TimeAmount(settings.fetchTotalTimeout)
    for turn in 0...settings.maxRedirects {
      let answer: Download
      do throws(FetchFailure) { answer = try await opened(url, until: deadline) } catch {
        // Where a host redirects to is its answer, which may be another one later; the first URL is the service's.
        if turn > 0, case .unusable(let why) = error, why.code == .resultAddress { throw .expired(why) }
        throw error
      }
      defer { answer.end() }
      guard let next = try next(answer.head, of: url) else {
        return try await stream(answer, limit: limit, into: sink)
      }
      url = next
    }
    throw Self.noPicture("redirects more than \(settings.maxRedirects) times", code: .resultRedirect)
  }

  // Object stores lag: whatever a host answers now, it may have the picture later.
  private static func noPicture(_ what: String, code: ErrorCode) -> FetchFailure {
    .expired(JobError(code: code, message: "The picture's host \(what).", retryable: true))
  }

  private func opened(_ url: String, until deadline: NIODeadline) async throws(FetchFailure) -> Download {
    let address: WebAddress
    do throws(ResultAddress.Refusal) { address = try ResultAddress.read(url) } catch { throw Self.refused(error) }
    let known = try route(to: address)
    let route = if let known { known } else { try await resolved(address) }
    do { return try await connections.open(try request(address, route, deadline)) } catch {
      throw .transient(Self.unreachable(error), retryAfter: nil)
    }
  }

  // How a host is reached, and what may be dialled for it where that was checked.
  private struct Route {
    var way: Destination.Way
    var addresses: [NetworkAddress] = []
  }

  private func request(_ address: WebAddress, _ route: Route, _ deadline: NIODeadline) throws -> Outgoing {
    guard let form else { throw ConnectionTrouble.unusableRequest }
    // `WebAddress` reads nothing that cannot be written into a request.
    return Outgoing(
      destination: Destination(address, route.way), addresses: route.addresses,
      head: form.with(address.path, address.authority), deadline: deadline, silence: TimeAmount(settings.fetchTimeout))
  }

  // Nil: the host's name has to be resolved, and what is found checked.
  private func route(to url: WebAddress) throws(FetchFailure) -> Route? {
    let target: ResultAddress.Target
    do throws(ResultAddress.Refusal) { target = try addresses.target(of: url) } catch { throw Self.refused(error) }
    if isProxied { return Route(way: .proxy) }
    switch target {
    case .address: return Route(way: .byName)
    case .odd(let address): return Route(way: .checked, addresses: [address])
    case .name: return addresses.allowsAll ? Route(way: .byName) : nil
    }
  }

  private func resolved(_ url: WebAddress) async throws(FetchFailure) -> Route {
    let found: [NetworkAddress]
    do { found = try await resolve(url.host) } catch { throw .transient(Self.unreachable(error), retryAfter: nil) }
    guard !found.isEmpty else {
      throw .transient(
        Self.unreachable(Resolver.Unresolved(description: "the host name has no address")), retryAfter: nil)
    }
    do throws(ResultAddress.Refusal) { try addresses.check(found) } catch { throw Self.refused(error) }
    return Route(way: .checked, addresses: Array(found.prefix(Self.maxAttempts)))
  }

  // Where an answer redirects to; nil: it has the picture.
  private func next(_ head: HTTPResponseHead, of url: String) throws(FetchFailure) -> String? {
    let (code, headers) = (Int(head.status.code), head.headers)
    switch code {
    case 200, 203: return nil
    case 206:
      guard PartialAnswer(headers).isWhole else {
        throw Self.noPicture("sends only a part of it (HTTP 206)", code: .imageHost(status: 206))
      }
      return nil
    case 301, 302, 303, 307, 308:
      guard let location = headers.first(name: "Location"), let next = Redirect.resolve(location, against: url) else {
        throw Self.noPicture("redirects to nowhere", code: .resultRedirect)
      }
      if Redirect.isDowngrade(from: url, to: next) {
        throw Self.noPicture("redirects from https to http, which is not followed", code: .resultRedirect)
      }
      return next
    case 429, 500...:
      throw .transient(
        JobError(code: .imageHost(status: code), message: "The picture's host answers HTTP \(code).", retryable: true),
        retryAfter: ResponseClassifier(now: wallClock()).retryAfter(headers))
    case 400..<500:
      // What is not there yet, and a signed URL that is over: 400, 403, 404 or 410, depending on the host.
      throw Self.noPicture("does not give it out (HTTP \(code))", code: .imageExpired)
    default:
      throw Self.noPicture("has no picture yet (HTTP \(code))", code: .imageHost(status: code))
    }
  }

  private func stream(_ answer: Download, limit: Int, into sink: Sink) async throws(FetchFailure) {
    var picture = try PictureBody(answer.head.headers, limit: limit)
    while true {
      let part: ByteBuffer?
      do {
        // Most pictures are here as a whole with their first byte.
        if let taken = answer.taken() { part = try taken.get() } else { part = try await answer.next() }
      } catch {
        throw .transient(Self.unreachable(error), retryAfter: nil)
      }
      guard let part else { break }
      picture.add(part)
      while let bytes = try picture.next() { try await sink(bytes) }
    }
    if let rest = try picture.end() { try await sink(rest) }
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
