#if DEBUG
  import Foundation
  import JobCore
  import NIOCore
  import PromptFile

  @testable import ImageAPI

  /// One call of the reader, and what has to hold of whatever it says.
  struct Understanding {
    static let reader = PromptReader(.init(model: "google/gempix2", agentName: "desk"))
    var prompt: [UInt8]
    var list: [UInt8]?
    var path = DropPath("a/b/cat.prompt")
    /// The folder's defaults, the nearest first.
    var defaults: [(DropPath, [UInt8])] = []

    /// Understands it twice: the same both times, presentable where refused, sound where understood.
    @discardableResult func checked() throws -> Result<PromptRequest, JobError> {
      let first = result()
      try hold(first == result(), "the same bytes meant two things")
      switch first {
      case .failure(let error): try holdPresentable(error)
      case .success(let request): try Self.holdSound(request)
      }
      return first
    }

    func result() -> Result<PromptRequest, JobError> {
      let root = RootID(1)
      let files = defaults.map { (FileKey(root: root, path: $0.0), $0.1) }
      return Result { () throws(JobError) in
        try Self.reader.understand(prompt: prompt, list: list, file: FileKey(root: root, path: path), defaults: files)
      }
    }

    private static func holdSound(_ request: PromptRequest) throws {
      let snapshot = request.snapshot
      try hold(!snapshot.prompt.isEmpty && !snapshot.prompt.utf8.contains(0), "an empty prompt, or one with a NUL")
      try hold(!snapshot.prompt.utf8.contains(13), "a carriage return in a prompt")
      try hold(!snapshot.model.isEmpty && (1...16).contains(request.count), "no model, or count \(request.count)")
      try hold(request.images.count <= 4, "\(request.images.count) images")
      for image in request.images {
        switch image {
        case .local(let path): try hold(path.staysInside, "the path \(path.display)")
        case .url(let url):
          let isClean =
            url.prefixMatch(of: /(?i:https?):\/\/[^\/]/) != nil && url.utf8.allSatisfy { $0 > 32 && $0 != 127 }
          try hold(isClean, "the URL \(url.debugDescription)")
        }
      }
      let set = ["model", "prompt", "images", "callback_url", "aspect_ratio", "image_size"]
      try hold(!snapshot.extra.keys.contains(where: set.contains), "extra sets \(snapshot.extra.keys)")
      let hashes = [request.promptSHA, request.sourceSHA, request.listSHA, reader.requestHash(snapshot)]
      try hold(hashes.compactMap(\.self).allSatisfy(\.isHash), "a hash of \(hashes)")
      try hold(reader.requestHash(snapshot) == reader.requestHash(snapshot), "two hashes of one request")
      try holdSent(snapshot)
    }

    /// What goes over the wire is what was understood, each field once.
    private static func holdSent(_ snapshot: Snapshot) throws {
      var body = SubmitBody(SubmitRequest(snapshot: snapshot, images: []))
      var bytes = ByteBuffer()
      while var part = body.next() { bytes.writeBuffer(&part) }
      guard case .object(let sent) = try JSONDecoder().decode(JSONValue.self, from: Data(bytes.readableBytesView))
      else {
        throw Broken(what: "a body that is no object")
      }
      var wanted = snapshot.extra
      wanted["model"] = .string(snapshot.model)
      wanted["prompt"] = .string(snapshot.prompt)
      wanted["aspect_ratio"] = snapshot.aspectRatio.map(JSONValue.string)
      wanted["image_size"] = snapshot.imageSize.map(JSONValue.string)
      try hold(JSONValue.object(sent).means(.object(wanted)), "sent \(sent) for \(wanted)")
    }
  }

  extension DropPath {
    /// Whether it is a plain way down: no part is empty, `.` or `..`, or has a NUL.
    var staysInside: Bool {
      bytes.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false).allSatisfy {
        !$0.isEmpty && !$0.elementsEqual(".".utf8) && !$0.elementsEqual("..".utf8) && !$0.contains(0)
      }
    }
  }

  extension String {
    fileprivate var isHash: Bool {
      utf8.count == 64 && utf8.allSatisfy { (48...57).contains($0) || (97...102).contains($0) }
    }
  }

  extension JSONValue {
    /// Equal, texts byte by byte; a whole number written with decimals is the same number.
    func means(_ other: JSONValue) -> Bool {
      switch (self, other) {
      case (.string(let a), .string(let b)): a.utf8.elementsEqual(b.utf8)
      case (.integer(let a), .number(let b)), (.number(let b), .integer(let a)): Double(a) == b
      case (.array(let a), .array(let b)): a.count == b.count && zip(a, b).allSatisfy { $0.means($1) }
      case (.object(let a), .object(let b)):
        a.count == b.count && a.allSatisfy { name, value in b[name]?.means(value) == true }
      default: self == other
      }
    }
  }
#endif
