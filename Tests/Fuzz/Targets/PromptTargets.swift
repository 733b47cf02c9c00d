#if DEBUG
  import JobCore

  // What users write. A change that is none, such as a re-save with other line ends, must not start a submission: each
  // input is understood again in the other spellings of the same.
  extension FuzzTarget {
    /// A prompt file: front matter and text.
    static let prompt = FuzzTarget("prompt", maxLength: 4096) { raw in
      let bytes = Array(raw)
      guard case .success(let request) = try Understanding(prompt: bytes).checked() else { return }
      for (how, same) in spellings(of: bytes) {
        try holdSame(Understanding(prompt: same), request, how)
      }
      // The text alone is the same text, unless it begins like front matter or has conflict markers of its own.
      let text = Array(request.snapshot.prompt.utf8)
      if !text.starts(with: "---".utf8), case .success(let plain) = Understanding(prompt: text).result() {
        try hold(plain.promptSHA == request.promptSHA, "the normalised text has another hash")
        try hold(plain.snapshot.prompt.utf8.elementsEqual(text), "normalising twice makes a difference")
      }
    }

    /// An image list, `NAME.images`, beside a prompt that names an image itself.
    static let imageList = FuzzTarget("images", maxLength: 4096) { raw in
      let bytes = Array(raw)
      let prompt = Array("---\nimages: ../own.png\n---\nfox".utf8)
      guard case .success(let request) = try Understanding(prompt: prompt, list: bytes).checked() else { return }
      try hold(request.listSHA != nil && request.images.first == .local(DropPath("a/own.png")), "\(request)")
      for (how, same) in spellings(of: bytes) {
        try holdSame(Understanding(prompt: prompt, list: same), request, how)
      }
      if !bytes.contains(0) {
        try holdSame(Understanding(prompt: prompt, list: Array("# a comment\n\n".utf8) + bytes), request, "a comment")
      }
    }

    /// A folder's `.promptdrop.yaml`, nearer than another one.
    static let folderDefaults = FuzzTarget("folder-defaults", maxLength: 2048) { raw in
      let bytes = Array(raw)
      var understanding = Understanding(prompt: Array("---\nimage_size: 1k\n---\nfox".utf8))
      // Long and of few letters: what makes a pattern that backtracks slow.
      understanding.path = DropPath(
        "a/\(String(repeating: "a", count: 200))/\(String(repeating: "ab", count: 100)).prompt")
      let far = Array("model: far\ncount: 3\nowner: desk\nexclude: [b]".utf8)
      understanding.defaults = [(DropPath("a/.promptdrop.yaml"), bytes), (DropPath(".promptdrop.yaml"), far)]
      guard case .success(let request) = try understanding.checked() else { return }
      try hold(request.snapshot.imageSize == "1k", "the folder's word went before the prompt's own")
      try hold(request.snapshot.owner == "desk", "taken although it belongs to \(request.snapshot.owner ?? "nobody")")
      try hold(request.images.isEmpty, "a folder's defaults brought images")
      // A default must not change what a revision is; without the folder's file the source is the same.
      let alone = try Understanding(prompt: understanding.prompt).checked().get()
      let isSame = alone.sourceSHA == request.sourceSHA && alone.promptSHA == request.promptSHA
      try hold(isSame, "defaults changed the source")
      for (how, same) in spellings(of: bytes) {
        understanding.defaults[0].1 = same
        try holdSame(understanding, request, how)
      }
    }

    private static func holdSame(_ other: Understanding, _ request: PromptRequest, _ how: String) throws {
      switch other.result() {
      case .success(let again): try hold(again == request, "another request with \(how): \(again), not \(request)")
      case .failure(let error): throw Broken(what: "refused with \(how): \(error)")
      }
    }

    /// The same bytes as other editors save them.
    private static func spellings(of bytes: [UInt8]) -> [(String, [UInt8])] {
      var all: [(String, [UInt8])] = []
      if bytes.contains(0) { return all }
      all.append(("a final line feed", bytes + [10]))
      if !bytes.starts(with: [0xEF, 0xBB, 0xBF]) { all.append(("a byte order mark", [0xEF, 0xBB, 0xBF] + bytes)) }
      if !bytes.contains(13), bytes.contains(10) {
        all.append(("CR LF", bytes.flatMap { $0 == 10 ? [13, 10] : [$0] }))
      }
      return all
    }
  }
#endif
