/// Which URLs of results may be fetched: http(s), and no address inside the machine or its networks, because the
/// service, or whoever speaks for it, chooses them.
struct ResultAddress: Sendable {
  /// Where a URL leads.
  enum Target: Equatable {
    /// To an address in its usual form: it is dialled as it stands, and was checked.
    case address
    /// To an address in a form that would be resolved: it has to be dialled as given here.
    case odd(NetworkAddress)
    /// To a name.
    case name
  }

  /// Whether loopback addresses are allowed: only while the service itself is on this machine.
  var allowsLoopback: Bool
  /// Whether every address is allowed.
  var allowsAll: Bool

  /// Where the URL leads, as far as it is known without asking anybody. Throws why it may not be fetched.
  func target(of url: WebAddress) throws(Refusal) -> Target {
    if let address = NetworkAddress(usual: url.host) {
      try check([address])
      return .address
    }
    let bare = ThisMachine.bare(url.host)
    if let address = NetworkAddress(literal: bare) {
      try check([address])
      // A zone belongs to link-local addresses only, and those are inside.
      let isPlain = url.host.utf8.contains(UInt8(ascii: ":")) || url.host == address.text
      return isPlain ? .address : .odd(address)
    }
    // It is resolved in any case: to be loopback's (RFC 6761) is only what it should be.
    if bare == "localhost" || bare.hasSuffix(".localhost"), !allowsLoopback, !allowsAll {
      throw Refusal("points into this machine")
    }
    return .name
  }

  /// A URL of a result, read. Throws why it may not be fetched.
  static func read(_ url: String) throws(Refusal) -> WebAddress {
    guard let address = WebAddress(url), beginsAsURL(url) else { throw Refusal("is not a usable http(s) URL") }
    return address
  }

  // Readers of URLs put right what does not begin as one; who gives it out meant something else.
  private static func beginsAsURL(_ url: String) -> Bool { PictureText.webScheme(of: url) != nil }

  /// Whether all the addresses of a host may be dialled. One that may not is enough: who mixes them is up to something.
  func check(_ addresses: [NetworkAddress]) throws(Refusal) {
    if allowsAll { return }
    func areAll(_ place: NetworkAddress.Place) -> Bool {
      !addresses.isEmpty && addresses.allSatisfy { $0.place == place }
    }
    if areAll(.outside) || (allowsLoopback && areAll(.loopback)) { return }
    let isInside = addresses.contains { $0.place == .inside }
    throw Refusal(isInside ? "points into a private network" : "points into this machine")
  }

  /// Why a URL is not fetched, to follow "The picture's URL".
  struct Refusal: Error {
    var why: String
    init(_ why: String) { self.why = why }
  }
}
