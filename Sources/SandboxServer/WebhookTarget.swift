import Foundation

/// Where a webhook goes.
struct WebhookTarget: Sendable {
  let host: String
  let port: Int
  /// `host:port` as written.
  let authority: String
  /// The path with its query.
  let path: String

  init?(_ url: String) {
    guard url.lowercased().hasPrefix("http://") else { return nil }
    let rest = url.dropFirst(7)
    let end = rest.firstIndex { $0 == "/" || $0 == "?" } ?? rest.endIndex
    let authority = String(rest[..<end])
    self.authority = authority
    let tail = rest[end...].prefix { $0 != "#" }
    path = tail.hasPrefix("/") ? String(tail) : "/" + tail
    // A colon inside brackets belongs to an IPv6 address.
    let colon = authority.lastIndex(of: ":").flatMap { authority[$0...].contains("]") ? nil : $0 }
    if let colon {
      guard let number = Int(authority[authority.index(after: colon)...]), (1...65_535).contains(number) else {
        return nil
      }
      port = number
    } else {
      port = 80
    }
    host = String(authority[..<(colon ?? authority.endIndex)]).trimmingCharacters(in: ["[", "]"])
    guard !host.isEmpty, !url.utf8.contains(where: { $0 <= 32 || $0 == 127 }) else { return nil }
  }
}
