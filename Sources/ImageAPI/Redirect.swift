import FoundationEssentials

/// Where a redirect leads.
enum Redirect {
  /// Whether a redirect gives up TLS: what the service promised to be untouched on its way would no longer be.
  static func isDowngrade(from old: String, to new: String) -> Bool {
    old.lowercased().hasPrefix("https:") && !new.hasPrefix("https:")
  }

  /// `location` resolved against the URL that it came from (RFC 3986 §5); nil for what is no http(s) URL.
  static func resolve(_ location: String, against base: String) -> String? {
    // The HTTP decoder leaves the blanks behind a field's value.
    var location = location[...]
    while location.last == " " || location.last == "\t" { location.removeLast() }
    guard let url = URL(string: String(location), relativeTo: URL(string: base))?.absoluteURL,
      let scheme = url.scheme?.lowercased(),
      scheme == "http" || scheme == "https"
    else { return nil }
    // Schemes are case-insensitive, and everything after this compares them in lower case.
    return scheme + url.absoluteString.dropFirst(scheme.count)
  }
}
