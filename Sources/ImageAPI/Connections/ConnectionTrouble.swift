import Glibc
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL

/// Why a request was not answered, or not whole.
enum ConnectionTrouble: Error, Equatable {
  /// No connection, its proxy and its TLS included, within the time to connect.
  case connectTimeout
  /// No whole answer within the time limit.
  case late
  /// Nothing came for longer than is waited for.
  case silent
  /// The connection ended before the answer was whole.
  case closed
  /// The system ended the connection, or did not make one: its number for why.
  case system(Int32)
  /// The host has no address. Why, to follow a colon.
  case unresolved(String)
  /// TLS failed. How, in brackets.
  case tls(String)
  /// Anything else. What, to follow a colon.
  case other(String)
  /// The other side took nothing of the request for too long.
  case stalled
  /// The submission was called off before its first byte.
  case calledOff
  /// The client was closed, or the task that asked was cancelled.
  case stopped
  /// It was no HTTP/1 answer. What it was, to follow a colon.
  case notHTTP(String)
  /// The address or a header cannot be written into a request.
  case unusableRequest
  /// The proxy does not connect to the host: its status.
  case proxyRefused(Int)
  /// What the proxy answered is no HTTP.
  case proxyGarbled
  /// The certificate is for another host than this one.
  case wrongHost(String)
  /// TLS led to another protocol than HTTP/1.
  case wrongProtocol(String)

  /// The words for any error of the way to an answer, to follow a colon.
  static func words(_ error: any Error) -> String { (error as? Self ?? Self(error)).words }

  /// For people, to follow a colon.
  var words: String {
    switch self {
    case .connectTimeout: "no connection within the time limit"
    case .late: "no whole answer within the time limit"
    case .silent: "no answer within the time limit"
    case .closed: "the connection was closed"
    case .system(let number): String(cString: strerror(number))
    case .unresolved(let why): why
    case .tls(let how): "TLS failed (\(how))"
    case .other(let what): what
    case .stalled: "the service stopped taking the submission"
    case .calledOff: "it was called off"
    case .stopped: "promptdrop was stopped"
    case .notHTTP(let what): "the answer is not HTTP (\(what))"
    // Without the header itself: the key is in it.
    case .unusableRequest: "the address or the key cannot be used in a request"
    case .proxyRefused(let status): "the proxy answered HTTP \(status)"
    case .proxyGarbled: "the proxy's answer is not HTTP"
    case .wrongHost(let host): "TLS failed (the certificate is not for \(host))"
    case .wrongProtocol(let name): "the server speaks \(name) only"
    }
  }
}

extension ConnectionTrouble {
  /// What the network library reports, in our words.
  init(_ error: any Error) {
    switch error {
    case let error as ConnectionTrouble: self = error
    case let error as IOError: self = .system(error.errnoCode)
    case ChannelError.connectTimeout: self = .connectTimeout
    case ChannelError.eof, ChannelError.ioOnClosedChannel, ChannelError.inputClosed, ChannelError.outputClosed,
      ChannelError.alreadyClosed:
      self = .closed
    case let error as NIOConnectionError: self = Self.first(of: error)
    case let error as Resolver.Unresolved: self = .unresolved(error.description)
    // The decoder's way to say that the connection ended too early.
    case HTTPParserError.invalidEOFState: self = .closed
    case let error as HTTPParserError: self = .notHTTP("\(error)")
    case let error as NIOHTTPDecoderError: self = .notHTTP("\(error)")
    case let error as NIOSSLError: self = .tls("\(error)")
    case let error as NIOSSLExtraError: self = .tls("\(error)")
    case let error as BoringSSLError: self = .tls("\(error)")
    default: self = .other("\(error)")
    }
  }

  private static func first(of error: NIOConnectionError) -> ConnectionTrouble {
    if let first = error.connectionErrors.first { return ConnectionTrouble(first.error) }
    if let unresolved = error.dnsAError ?? error.dnsAAAAError { return ConnectionTrouble(unresolved) }
    return .unresolved("the host name has no address")
  }

  /// Whether the other side ended the connection without TLS's goodbye.
  static func isEndWithoutGoodbye(_ error: any Error) -> Bool {
    if case NIOSSLError.uncleanShutdown = error { true } else { false }
  }
}
