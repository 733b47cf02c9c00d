import Glibc
import NIOPosix

/// Asks the system for a host's addresses, in the order in which they should be tried.
enum Resolver {
  /// Why there are none.
  struct Unresolved: Error, CustomStringConvertible {
    var description: String
  }

  /// The addresses of a host, on a thread that may wait.
  @Sendable static func system(_ host: String) async throws -> [NetworkAddress] {
    try await NIOThreadPool.singleton.runIfActive { try addresses(of: host) }
  }

  /// The addresses of a host. It waits.
  static func addresses(of host: String) throws(Unresolved) -> [NetworkAddress] {
    var hints = addrinfo()
    hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    hints.ai_flags = AI_ADDRCONFIG
    var list: UnsafeMutablePointer<addrinfo>?
    let result = getaddrinfo(host, nil, &hints, &list)
    guard result == 0 else {
      throw Unresolved(description: "the host name cannot be resolved (\(String(cString: gai_strerror(result))))")
    }
    let first = list
    defer { freeaddrinfo(first) }
    var found: [NetworkAddress] = []
    while let entry = list?.pointee {
      let raw = UnsafeRawPointer(entry.ai_addr)
      switch entry.ai_family {
      case AF_INET:
        if var four = raw?.loadUnaligned(as: sockaddr_in.self).sin_addr {
          found.append(NetworkAddress(bytes: withUnsafeBytes(of: &four) { Array($0) }))
        }
      case AF_INET6:
        if var six = raw?.loadUnaligned(as: sockaddr_in6.self).sin6_addr {
          found.append(NetworkAddress(bytes: withUnsafeBytes(of: &six) { Array($0) }))
        }
      default: break
      }
      list = entry.ai_next
    }
    return found
  }
}
