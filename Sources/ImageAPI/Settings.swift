import Foundation
import JobCore
import NIOCore
import NIOSSL

extension HTTPImageService {
  /// How the service is reached.
  public struct Settings: Sendable {
    /// Such as `https://api.defapi.org`.
    public var baseURL: String
    /// `promptdrop/VERSION`.
    public var userAgent: String
    /// Connections to a host at once.
    public var maxConnections: Int
    /// For setting up a connection, TLS included.
    public var connectTimeout: Duration
    /// From the last byte of a submission to its answer.
    public var submitTimeout: Duration
    /// For a query in all.
    public var queryTimeout: Duration
    /// The longest silence while a picture is fetched.
    public var fetchTimeout: Duration
    /// For a picture in all.
    public var fetchTotalTimeout: Duration
    /// The largest picture, in bytes.
    public var maxImageBytes: Int
    /// Redirects followed on the way to a picture.
    public var maxRedirects: Int
    /// Proxy for https, such as `http://proxy.example:3128`; nil for none.
    public var proxy: String?
    /// Hosts that the proxy is not used for, as in `NO_PROXY`.
    public var noProxy: [String]
    /// PEM file of certificates that are trusted besides the system's.
    public var certificateFile: String?
    /// Whether results may lie on addresses inside the machine or its networks.
    public var allowsPrivateResults: Bool
    /// For how long the service may take nothing of a submission under way. It is noticed within twice this time.
    public var stallTimeout: Duration

    /// Makes settings.
    public init(
      baseURL: String, userAgent: String, maxConnections: Int = 8, connectTimeout: Duration = .seconds(10),
      submitTimeout: Duration = .seconds(120), queryTimeout: Duration = .seconds(30),
      fetchTimeout: Duration = .seconds(60), fetchTotalTimeout: Duration = .seconds(600),
      maxImageBytes: Int = 67_108_864, maxRedirects: Int = 5, proxy: String? = nil, noProxy: [String] = [],
      certificateFile: String? = nil, allowsPrivateResults: Bool = false, stallTimeout: Duration = .seconds(60)
    ) {
      self.baseURL = baseURL
      self.userAgent = userAgent
      self.maxConnections = maxConnections
      self.connectTimeout = connectTimeout
      self.submitTimeout = submitTimeout
      self.queryTimeout = queryTimeout
      self.fetchTimeout = fetchTimeout
      self.fetchTotalTimeout = fetchTotalTimeout
      self.maxImageBytes = maxImageBytes
      self.maxRedirects = maxRedirects
      self.proxy = proxy
      self.noProxy = noProxy
      self.certificateFile = certificateFile
      self.allowsPrivateResults = allowsPrivateResults
      self.stallTimeout = stallTimeout
    }

    var limits: ConnectionPools.Limits { .init(connections: maxConnections, stallTime: TimeAmount(stallTimeout)) }

    /// How connections are made. `isProxied`: some of them go through the proxy. Throws a sentence for the user.
    func connector(isProxied: Bool) throws(JobError) -> Connector.Settings {
      .init(
        connectTimeout: TimeAmount(connectTimeout), tls: try tls(), proxy: isProxied ? try proxyServer() : nil)
    }

    private func tls() throws(JobError) -> TLSConfiguration {
      var tls = TLSConfiguration.makeClientConfiguration()
      guard let certificateFile else { return tls }
      do {
        let certificates = try NIOSSLCertificate.fromPEMFile(certificateFile)
        tls.additionalTrustRoots = [.certificates(certificates)]
      } catch {
        throw JobError(
          code: .badCAFile, message: "The certificates in \(certificateFile) cannot be used: \(error).",
          hint: "ca-file has to name a PEM file.")
      }
      return tls
    }

    // The hosts of pictures are not known beforehand; where a proxy is set, they are on the other side of it.
    func usesProxy(_ base: String?) -> Bool {
      guard proxy != nil else { return false }
      guard let base, let host = URL(string: base)?.host?.lowercased() else { return base == nil }
      if base.lowercased().hasPrefix("http://") || ThisMachine.isMeant(by: base) { return false }
      return !noProxy.contains { entry in
        let suffix = entry.lowercased().trimmingPrefix(".")
        return entry == "*" || host == suffix || host.hasSuffix("." + suffix)
      }
    }

    private func proxyServer() throws(JobError) -> ProxyServer? {
      guard let proxy else { return nil }
      let text = proxy.contains("://") ? proxy : "http://\(proxy)"
      guard let url = URL(string: text), url.scheme?.lowercased() == "http", let address = WebAddress(text) else {
        throw JobError(
          code: .badProxy, message: "HTTPS_PROXY is not a usable address.",
          hint: "Use an address such as http://proxy:3128. Other kinds of proxies are not supported.")
      }
      var authorization: String?
      if let user = url.user(percentEncoded: false) {
        let password = url.password(percentEncoded: false) ?? ""
        authorization = "Basic \(Data("\(user):\(password)".utf8).base64EncodedString())"
      }
      return ProxyServer(host: address.host, port: url.port ?? 3128, authorization: authorization)
    }
  }
}

/// The service's key. It prints as nothing, so that it cannot get into a log or a message by accident.
public struct APIKey: Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
  private let text: String
  /// Wraps a key.
  public init(_ text: String) { self.text = text }
  func reveal() -> String { text }
  /// Never the key.
  public var description: String { "(key)" }
  /// Never the key.
  public var debugDescription: String { "(key)" }
  /// Never the key.
  public var customMirror: Mirror { Mirror(self, children: []) }
}
