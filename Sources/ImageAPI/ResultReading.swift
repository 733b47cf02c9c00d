import SHA2
import JobCore

/// Finds the pictures in a result.
///
/// Documented are a list of `{"image": …}` and `{"text": …}`; one object or one text instead of the list were seen, and
/// `url` for `image`. Where nothing of that is a picture, what is plainly one is taken from any other place in the result:
/// it is paid for. More than one such thing, and nobody knows which: then a person looks.
struct ResultReading {
  /// What the query was about.
  struct Asked {
    /// The task's id; nil: not known.
    var taskID: String?
    /// The reference images that were sent.
    var sent: [ImageInput] = []
    /// The query's URL, which relative URLs start from; what stands behind its path does not count there.
    var url = ""
  }

  /// What a result has.
  enum Outcome: Equatable {
    /// Pictures, words, or both; none: an empty list.
    case items([ResultItem])
    /// Null, or nothing in it.
    case nothing
    /// Something, and it is not plain what. Why, to follow "but".
    case notUnderstood(String)
  }

  /// The key of what a model said.
  static let words = "text"
  private static let keys = ["image", "url"]

  var asked = Asked()
  /// The text that a mark of `AnswerText` stands for.
  var whole: (String) -> String = { $0 }

  /// Reads a result; nil: there is none.
  func read(_ result: ResultTree?) -> Outcome {
    guard let result else { return .nothing }
    // Nearly always it is the documented list with one picture's URL, and all that follows comes to the same.
    if case .list(let values) = result, values.count == 1, case .fields(let fields) = values[0], fields.count == 1,
      fields[0].key == Self.keys[0], case .text(let url) = fields[0].value, PictureText.isPlainURL(url)
    {
      return .items([.url(url)])
    }
    guard !isNull(result) else { return .nothing }
    if case .list(let values) = result, values.isEmpty { return .items([]) }
    let opened = result.opened()
    if case .list(let values) = opened, values.isEmpty { return .items([]) }
    let items = documented(elements(of: opened))
    if items.contains(where: \.isPicture) {
      guard items.count <= Wire.mostItems else {
        return .notUnderstood("its result lists more than \(Wire.mostItems) things")
      }
      return .items(items)
    }
    return others(opened, items)
  }

  private func isNull(_ tree: ResultTree) -> Bool {
    if case .list(let values) = tree, values.isEmpty { return false }
    return tree.isEmpty
  }

  private func elements(of tree: ResultTree) -> [ResultTree] {
    if case .list(let values) = tree { values } else { [tree] }
  }

  // MARK: the documented places

  private func documented(_ elements: [ResultTree]) -> [ResultItem] {
    elements.compactMap { element in
      if case .text(let text) = element { return item(text) }
      for key in Self.keys + [Self.words] {
        guard case .text(let text)? = element[key], !text.trimmed.isEmpty else { continue }
        return key == Self.words ? .text(text) : item(text)
      }
      return nil
    }
  }

  private func item(_ text: String) -> ResultItem? {
    text.trimmed.isEmpty ? nil : item(PictureText(whole(text), isDocumented: true)) ?? .text(text)
  }

  // Nil: it is no picture.
  private func item(_ text: PictureText) -> ResultItem? {
    switch text {
    case .url(let url): .url(url)
    case .inline(let uri): .inline(dataURI: uri)
    case .path(let path): Redirect.resolve(path, against: start).map(ResultItem.url)
    case .words: nil
    }
  }

  // What stands before the host of api-url is a secret of the service's, as the key is.
  private var start: String { asked.url.replacing(/:\/\/[^\/?#]*@/, with: "://") }

  private static func isAddress(_ words: String) -> Bool {
    let text = words.trimmed
    return text.contains("://") && !text.contains(where: \.isWhitespace)
  }

  // MARK: other places

  private struct Candidate: Hashable {
    var item: ResultItem
    // A path is weaker than a URL: a file's mere name often stands beside one.
    var isPath: Bool
    var isPreview: Bool
  }

  private func others(_ result: ResultTree, _ said: [ResultItem]) -> Outcome {
    var found: [Candidate] = []
    collect(result, under: [], into: &found)
    let made = found.filter { !isSent($0.item) }
    var pictures = made.filter { !$0.isPreview }
    if pictures.contains(where: { !$0.isPath }) { pictures.removeAll(where: \.isPath) }
    // A preview may be recognised by its URL alone, but then only beside another one.
    let full = pictures.filter { !Self.isPreviewURL($0.item) }
    if !full.isEmpty { pictures = full }
    switch Set(pictures.map(\.item)).count {
    case 1: return .items([pictures[0].item])
    case 2...: return .notUnderstood("its result has several things that may be the picture")
    default: break
    }
    if !made.isEmpty { return .notUnderstood("its result has a preview only") }
    if !found.isEmpty { return .notUnderstood("its result has a reference image only, which was sent with the prompt") }
    if !said.isEmpty {
      // An address that cannot be used, such as that of a bucket, is no prose: what it leads to is paid for.
      let isMarked = said.contains { item in
        if case .text(let words) = item { Self.marksPicture(words) || Self.isAddress(words) } else { false }
      }
      return isMarked ? .notUnderstood("a picture may stand within the words of its result") : .items(said)
    }
    let isOfNull = elements(of: result).contains { element in Self.keys.contains { element[$0]?.isEmpty == true } }
    return isOfNull ? .nothing : .notUnderstood("its result has no picture in any form that is known")
  }

  private func collect(_ tree: ResultTree, under keys: [String], into found: inout [Candidate]) {
    switch tree {
    case .nothing, .other: break
    case .list(let values): for value in values { collect(value, under: keys, into: &found) }
    case .fields(let fields):
      for (key, value) in fields where !Self.isOfOurs(key) { collect(value, under: keys + [key], into: &found) }
    case .text(let text):
      let read = PictureText(whole(text), isDocumented: false)
      guard let item = item(read) else { return }
      let isPath = if case .path = read { true } else { false }
      if isPath, keys.last == Self.words { return }
      found.append(Candidate(item: item, isPath: isPath, isPreview: keys.contains(where: Self.isPreview)))
    }
  }

  // Addresses that we gave to the service ourselves.
  private static func isOfOurs(_ key: String) -> Bool {
    let key = key.lowercased()
    return key.contains("callback") || key.contains("webhook")
  }

  private static func isPreview(_ word: String) -> Bool {
    let word = word.lowercased()
    return ["thumb", "preview", "placeholder", "lowres", "low_res", "blurhash", "lqip", "poster", "icon"].contains {
      word.contains($0)
    }
  }

  private static func isPreviewURL(_ item: ResultItem) -> Bool {
    guard case .url(let url) = item else { return false }
    let path = url.prefix { $0 != "?" && $0 != "#" }.split(separator: "/").dropFirst(2)
    return path.contains { isPreview(String($0)) }
  }

  // Markdown's way to show a picture, or a picture itself.
  private static func marksPicture(_ words: String) -> Bool {
    words.contains(/!\[[^\]]*\]\(/) || words.contains(/(?i:data):image\//)
  }

  // MARK: what was sent

  private func isSent(_ item: ResultItem) -> Bool {
    switch item {
    case .url(let url): asked.sent.contains { $0.url.map { $0.trimmed == url } ?? false }
    case .inline(let uri): isSent(uri)
    case .inlineElsewhere, .text: false
    }
  }

  private func isSent(_ uri: String) -> Bool {
    if asked.sent.contains(where: { $0.url == uri }) { return true }
    let local = asked.sent.filter { $0.sha256 != nil }
    // Three bytes are four characters, without counting blanks.
    let most = uri.utf8.count / 4 * 3 + 3
    guard local.contains(where: { ($0.bytes ?? 0) <= most }), let comma = uri.utf8.firstIndex(of: UInt8(ascii: ","))
    else { return false }
    var decoder = Base64()
    guard var bytes = decoder.decode(uri[uri.utf8.index(after: comma)...].utf8), let end = decoder.finish() else {
      return false
    }
    bytes += end
    let digest = SHA256.hash(data: bytes).hex
    return local.contains { $0.sha256 == digest }
  }
}

extension ResultItem {
  /// Whether it is a picture, and no words.
  var isPicture: Bool { if case .text = self { false } else { true } }
}
