import AsyncHTTPClient
import JobCore
import NIOCore
import NIOHTTP1

/// The image service over HTTP, as `https://api.defapi.org` speaks it.
public final class HTTPImageService: ImageService {
  // Answers may carry a picture as a data URI, of about 24 MB; nothing else in them is large.
  private static let submitLimit = 1_048_576
  private static let queryLimit = 33_554_432

  private let settings: Settings
  private let api: HTTPClient
  private let gate: SendGate
  private let download: PictureDownload
  // All answers with pictures in them, and the pictures until they are fetched.
  private let budget = AnswerBudget(50_331_648)
  private let inline = InlineShares()
  private let submitURL: String
  private let queryURL: String
  private let apiHeaders: HTTPHeaders
  private let key: String
  private let wallClock: @Sendable () -> Timestamp

  /// Makes a service. Nothing is connected before the first call. Throws a sentence for the user when the proxy or the
  /// certificates cannot be used.
  public convenience init(
    _ settings: Settings, key: APIKey, on group: any EventLoopGroup, wallClock: @escaping @Sendable () -> Timestamp
  ) throws(JobError) {
    try self.init(settings, key: key, on: group, resolve: Resolver.system, wallClock: wallClock)
  }

  /// The same with another way to resolve the hosts of pictures.
  init(
    _ settings: Settings, key: APIKey, on group: any EventLoopGroup,
    resolve: @escaping @Sendable (String) async throws -> [NetworkAddress],
    wallClock: @escaping @Sendable () -> Timestamp
  ) throws(JobError) {
    self.settings = settings
    self.wallClock = wallClock
    let base = settings.baseURL.hasSuffix("/") ? String(settings.baseURL.dropLast()) : settings.baseURL
    submitURL = base + "/api/image/gen"
    queryURL = base + "/api/task/query?task_id="
    self.key = key.reveal()
    apiHeaders = [
      "Authorization": "Bearer \(key.reveal())", "User-Agent": settings.userAgent, "Accept": "application/json",
    ]
    gate = SendGate(patience: TimeAmount(settings.stallTimeout))
    var configuration = try settings.configuration(readTimeout: settings.submitTimeout, for: base)
    configuration.http1_1ConnectionDebugInitializer = gate.install
    let addresses = ResultAddress(
      allowsLoopback: ThisMachine.isMeant(by: base), allowsAll: settings.allowsPrivateResults)
    let near = addresses.allowsLoopback ? base : nil
    let forImages = try settings.configuration(readTimeout: settings.fetchTimeout, for: near)
    api = HTTPClient(eventLoopGroupProvider: .shared(group), configuration: configuration)
    download = PictureDownload(
      settings: settings, addresses: addresses,
      plain: HTTPClient(eventLoopGroupProvider: .shared(group), configuration: forImages),
      pinned: PinnedClients(forImages, on: group), isProxied: settings.usesProxy(near), resolve: resolve,
      wallClock: wallClock)
  }

  /// Closes all connections.
  public func shutdown() async throws {
    await download.pinned.shutdown()
    try await api.shutdown()
    try await download.plain.shutdown()
  }

  /// How many hosts of pictures have a client of their own.
  var pinnedClients: Int { download.pinned.count }

  /// Sends one POST, once: redirects are not followed, and neither the client nor the gate lets it leave again.
  public func submit(_ request: SubmitRequest, willSend: @escaping @Sendable () -> Bool) async -> SubmitOutcome {
    let sorting = Sorting(
      now: wallClock(), scrub: Scrubbing(key: key, callbackURL: request.callbackURL),
      refusals: RefusalWords(prompt: request.snapshot.prompt))
    let permit = SendPermit(willSend)
    let name = gate.enter(permit)
    defer { gate.leave(name) }
    do {
      var headers = apiHeaders
      headers.add(name: "Content-Type", value: "application/json")
      headers.add(name: SendGate.header, value: name)
      let post = try HTTPClient.Request(
        url: submitURL, method: .POST, headers: headers, body: SubmitBody(request).forClient)
      // No deadline: the time limit counts from the last byte of the body, which is the client's read time-out.
      let answer = try await Exchange.perform(
        post, with: api, limit: Self.submitLimit, budget: budget, patience: TimeAmount(settings.submitTimeout),
        deadline: nil)
      return sorting.submitted(answer)
    } catch {
      return sorting.submitBroke(Exchange.Broken(permit: permit.close(), underlying: error))
    }
  }

  /// Asks for a task.
  public func query(_ taskID: String, sent: [ImageInput]) async -> QueryOutcome {
    let sorting = Sorting(now: wallClock(), scrub: Scrubbing(key: key))
    inline.tidy()
    do {
      let url = queryURL + Self.escaped(taskID)
      let get = try HTTPClient.Request(url: url, method: .GET, headers: apiHeaders)
      let deadline = NIODeadline.now() + TimeAmount(settings.queryTimeout)
      let answer = try await Exchange.perform(
        get, with: api, limit: Self.queryLimit, budget: budget, patience: TimeAmount(settings.queryTimeout),
        deadline: deadline)
      let outcome = sorting.queried(answer, of: .init(taskID: taskID, sent: sent, url: url))
      inline.keep(answer.share, for: outcome)
      return outcome
    } catch {
      return sorting.queryBroke(error)
    }
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
    case .inline(let uri):
      defer { inline.drop(uri) }
      try await DataURI.decode(uri, limit: limit, into: sink)
    case .url(let url): try await download.run(url, limit: limit, into: sink)
    case .inlineElsewhere, .text:
      throw .expired(JobError(code: .resultMissing, message: "The result has to be asked for again."))
    }
  }
}
