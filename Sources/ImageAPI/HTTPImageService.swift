import JobCore
import NIOCore

/// The image service over HTTP, as `https://api.defapi.org` speaks it.
public final class HTTPImageService: ImageService {
  // Answers may carry a picture as a data URI, of about 24 MB; nothing else in them is large.
  private static let submitLimit = 1_048_576
  private static let queryLimit = 33_554_432

  private let settings: Settings
  private let connections: Connections
  private let download: PictureDownload
  // All answers with pictures in them, and the pictures until they are fetched.
  private let budget = AnswerBudget(50_331_648)
  private let inline = InlineShares()
  private let api: APIAddress?
  private let queryURL: String
  private let key: String
  private let scrub: Scrubbing
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
    self.key = key.reveal()
    scrub = Scrubbing(key: self.key)
    let base = settings.baseURL.hasSuffix("/") ? String(settings.baseURL.dropLast()) : settings.baseURL
    queryURL = base + APIAddress.queryPath
    let isProxied = settings.usesProxy(base)
    api = APIAddress(base, key: key.reveal(), userAgent: settings.userAgent, isProxied ? .proxy : .byName)
    let addresses = ResultAddress(
      allowsLoopback: ThisMachine.isMeant(by: base), allowsAll: settings.allowsPrivateResults)
    let areProxied = settings.usesProxy(addresses.allowsLoopback ? base : nil)
    connections = Connections(
      settings.limits, try settings.connector(isProxied: isProxied || areProxied), on: group.next())
    download = PictureDownload(
      settings: settings, addresses: addresses, connections: connections, isProxied: areProxied, resolve: resolve,
      wallClock: wallClock)
  }

  /// Ends all requests and closes all connections.
  public func shutdown() async throws { try await connections.shutDown() }

  /// How many connections are idle.
  func idleConnections() async throws -> Int { try await connections.idleCount() }

  /// Sends one POST, once: redirects are not followed, and nothing sends it again. Cancelling the task ends it only as long
  /// as nothing was sent.
  public func submit(_ request: SubmitRequest, willSend: @escaping @Sendable () -> Bool) async -> SubmitOutcome {
    let classifier = ResponseClassifier(
      now: wallClock(),
      scrub: request.callbackURL == nil ? scrub : Scrubbing(key: key, callbackURL: request.callbackURL),
      refusals: RefusalWords(prompt: request.snapshot.prompt))
    let permit = SendPermit(willSend)
    do {
      guard let api else { throw ConnectionTrouble.unusableRequest }
      // The time limit counts from the last byte of the body.
      let post = api.submission(SubmitBody(request), permit: permit, patience: TimeAmount(settings.submitTimeout))
      return classifier.submitted(try await connections.answer(to: post, limit: Self.submitLimit, budget: budget))
    } catch {
      return classifier.submitBroke(Exchange.Broken(permit: permit.close(), underlying: error))
    }
  }

  /// Asks for a task.
  public func query(_ taskID: String, sent: [ImageInput]) async -> QueryOutcome {
    let classifier = ResponseClassifier(now: wallClock(), scrub: scrub)
    inline.tidy()
    do {
      guard let api else { throw ConnectionTrouble.unusableRequest }
      let id = Self.escaped(taskID)
      let get = api.query(id, deadline: .now() + TimeAmount(settings.queryTimeout))
      let answer = try await connections.answer(to: get, limit: Self.queryLimit, budget: budget)
      let outcome = classifier.queried(answer, of: .init(taskID: taskID, sent: sent, url: queryURL))
      inline.keep(answer.share, for: outcome)
      return outcome
    } catch {
      return classifier.queryBroke(error)
    }
  }

  // RFC 3986's unreserved characters; task ids have no others, but they come from outside.
  private static func escaped(_ text: String) -> String {
    func isPlain(_ byte: UInt8) -> Bool {
      switch byte {
      case 48...57, 65...90, 97...122, 45, 46, 95, 126: true
      default: false
      }
    }
    if text.utf8.allSatisfy(isPlain) { return text }
    var escaped = ""
    for byte in text.utf8 {
      if isPlain(byte) {
        escaped.unicodeScalars.append(Unicode.Scalar(byte))
      } else {
        escaped += "%" + [byte].hex.uppercased()
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
