import AsyncHTTPClient
import JobCore
import NIOCore
import NIOHTTP1

/// The image service over HTTP, as `https://api.defapi.org` speaks it.
public final class HTTPImageService: ImageService {
  private let settings: Settings
  private let api: HTTPClient
  private let images: HTTPClient
  private let addresses: ResultAddress
  private let submitURL: String
  private let queryURL: String
  private let apiHeaders: HTTPHeaders
  private let key: [UInt8]
  private let wallClock: @Sendable () -> Timestamp

  // Answers may carry pictures as data URIs; nothing else in them is large.
  private let answerLimit: Int

  /// Makes a service. Nothing is connected before the first call. Throws a sentence for the user when the proxy or the
  /// certificates cannot be used.
  public init(
    _ settings: Settings, key: APIKey, on group: any EventLoopGroup, wallClock: @escaping @Sendable () -> Timestamp
  ) throws(JobError) {
    self.settings = settings
    self.wallClock = wallClock
    let base = settings.baseURL.hasSuffix("/") ? String(settings.baseURL.dropLast()) : settings.baseURL
    submitURL = base + "/api/image/gen"
    queryURL = base + "/api/task/query?task_id="
    addresses = ResultAddress(allowsLoopback: ResultAddress.isLoopback(base))
    answerLimit = settings.maxImageBytes / 3 * 4 * 4 + 1_048_576
    self.key = Array(key.reveal().utf8)
    apiHeaders = [
      "Authorization": "Bearer \(key.reveal())", "User-Agent": settings.userAgent, "Accept": "application/json",
    ]
    let shared = HTTPClient.EventLoopGroupProvider.shared(group)
    api = HTTPClient(
      eventLoopGroupProvider: shared,
      configuration: try settings.configuration(readTimeout: settings.submitTimeout, for: base))
    images = HTTPClient(
      eventLoopGroupProvider: shared,
      configuration: try settings.configuration(
        readTimeout: settings.fetchTimeout, for: addresses.allowsLoopback ? base : nil))
  }

  /// Closes all connections.
  public func shutdown() async throws {
    try await api.shutdown()
    try await images.shutdown()
  }

  /// Sends one POST, once: redirects are not followed, and the client repeats nothing.
  public func submit(_ request: SubmitRequest) async -> SubmitOutcome {
    let sorting = Sorting(now: wallClock())
    let post: HTTPClient.Request
    do {
      var headers = apiHeaders
      headers.add(name: "Content-Type", value: "application/json")
      post = try HTTPClient.Request(
        url: submitURL, method: .POST, headers: headers, body: .bytes(Wire.submitBody(request)))
    } catch {
      return sorting.submitBroke(Exchange.Broken(mayHaveBeenSent: false, underlying: error))
    }
    do {
      // No deadline: the time limit counts from the last byte of the body, which is the client's read time-out.
      return sorting.submitted(
        scrubbed(
          try await Exchange.perform(
            post, with: api, limit: answerLimit, patience: TimeAmount(settings.submitTimeout), deadline: nil)))
    } catch {
      return sorting.submitBroke(error)
    }
  }

  /// Asks for a task.
  public func query(_ taskID: String) async -> QueryOutcome {
    let sorting = Sorting(now: wallClock())
    do {
      let get = try HTTPClient.Request(url: queryURL + Self.escaped(taskID), method: .GET, headers: apiHeaders)
      let deadline = NIODeadline.now() + TimeAmount(settings.queryTimeout)
      return sorting.queried(
        scrubbed(
          try await Exchange.perform(
            get, with: api, limit: answerLimit, patience: TimeAmount(settings.queryTimeout), deadline: deadline)))
    } catch let broken as Exchange.Broken {
      return sorting.queryBroke(broken)
    } catch {
      return sorting.queryBroke(Exchange.Broken(mayHaveBeenSent: false, underlying: error))
    }
  }

  // A service that repeats the key in its words must not bring it into a log or a sidecar.
  private func scrubbed(_ answer: Exchange.Answer) -> Exchange.Answer {
    guard let range = answer.body.firstRange(of: key) else { return answer }
    var scrubbed = answer
    scrubbed.body.replaceSubrange(range, with: "(key)".utf8)
    return self.scrubbed(scrubbed)
  }

  // RFC 3986's unreserved characters; task ids have no others, but they come from outside.
  private static func escaped(_ text: String) -> String {
    var escaped = ""
    for byte in text.utf8 {
      switch byte {
      case 48...57, 65...90, 97...122, 45, 46, 95, 126: escaped.unicodeScalars.append(Unicode.Scalar(byte))
      default: escaped += "%" + [byte].hex.uppercased()
      }
    }
    return escaped
  }

  /// Fetches a result. The key never goes with it.
  public func fetch(
    _ item: ResultItem, limit: Int, into sink: @Sendable ([UInt8]) async throws(FetchFailure) -> Void
  ) async throws(FetchFailure) {
    switch item {
    case .inline(let uri): try await sink(try DataURI.decode(uri, limit: limit))
    case .url(let url): try await download(url, limit: limit, into: sink)
    case .inlineElsewhere, .text:
      throw .expired(JobError(code: "result-missing", message: "The result has to be asked for again."))
    }
  }

  private func download(
    _ start: String, limit: Int, into sink: @Sendable ([UInt8]) async throws(FetchFailure) -> Void
  ) async throws(FetchFailure) {
    var url = start
    let deadline = NIODeadline.now() + TimeAmount(settings.fetchTotalTimeout)
    for _ in 0...settings.maxRedirects {
      if let why = addresses.refusal(of: url) {
        throw .unusable(JobError(code: "result-address", message: "The picture's URL \(why): it is not fetched."))
      }
      var request = HTTPClientRequest(url: url)
      request.headers = ["User-Agent": settings.userAgent]
      let response: HTTPClientResponse
      do {
        response = try await images.execute(request, timeout: TimeAmount(settings.fetchTotalTimeout))
      } catch {
        throw .transient(Self.unreachable(error), retryAfter: nil)
      }
      switch response.status.code {
      case 200: return try await stream(response, limit: limit, until: deadline, into: sink)
      case 301, 302, 303, 307, 308:
        guard let next = response.headers.first(name: "Location"), let resolved = Redirect.resolve(next, against: url)
        else {
          throw .unusable(JobError(code: "result-redirect", message: "The picture's host redirects to nowhere."))
        }
        url = resolved
      case 429, 500...:
        throw .transient(
          JobError(
            code: "image-host-\(response.status.code)",
            message: "The picture's host answers HTTP \(response.status.code).",
            retryable: true), retryAfter: Sorting(now: wallClock()).retryAfter(response.headers))
      default:
        // Signed URLs that are over are answered with 400, 403, 404 or 410, depending on the host.
        throw .expired(
          JobError(
            code: "image-expired", message: "The picture's URL is no longer good (HTTP \(response.status.code)).",
            retryable: true))
      }
    }
    throw .unusable(
      JobError(
        code: "result-redirect", message: "The picture's host redirects more than \(settings.maxRedirects) times."))
  }

  private func stream(
    _ response: HTTPClientResponse, limit: Int, until deadline: NIODeadline,
    into sink: @Sendable ([UInt8]) async throws(FetchFailure) -> Void
  ) async throws(FetchFailure) {
    let expected = response.headers.first(name: "Content-Length").flatMap { Int($0) }
    let tooLarge = FetchFailure.unusable(
      JobError(
        code: "image-too-large", message: "The picture is larger than the limit of \(limit) bytes (max-image-bytes)."))
    if let expected, expected > limit { throw tooLarge }
    var received = 0
    var chunks = response.body.makeAsyncIterator()
    while true {
      let chunk: ByteBuffer?
      do { chunk = try await chunks.next() } catch { throw .transient(Self.unreachable(error), retryAfter: nil) }
      guard let chunk else { break }
      received += chunk.readableBytes
      // The client's own time limit ends with the head of the answer.
      if .now() > deadline { throw .transient(Self.unreachable(TooLate()), retryAfter: nil) }
      if received > limit { throw tooLarge }
      try await sink(Array(chunk.readableBytesView))
    }
    if let expected, received != expected {
      throw .transient(
        JobError(
          code: "image-cut-short", message: "The picture ended after \(received) of \(expected) bytes.", retryable: true
        ),
        retryAfter: nil)
    }
  }

  private static func unreachable(_ error: any Error) -> JobError {
    JobError(
      code: "image-host-unreachable", message: "The picture could not be fetched: \(Sorting.explain(error)).",
      hint: "It is tried again by itself.", retryable: true)
  }
}

extension TimeAmount {
  init(_ duration: Duration) { self = .milliseconds(duration.milliseconds) }
}
