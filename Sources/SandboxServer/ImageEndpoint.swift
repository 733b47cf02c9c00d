import NIOCore

/// `GET /images/<task>-<n>.png[?v=<generation>]`.
extension Service {
  fileprivate struct Fetch: Sendable {
    var reply: Reply
    var fault: Fault?
    var picture: PictureRequest?
    var type: Fault?
    var cut: Fault?
  }

  func image(_ request: Request) -> Outcome {
    let link = Self.link(request.path)
    let generation = request.parameter("v").flatMap { Int($0) } ?? 1
    let leaked = request.headers.contains(name: "Authorization")
    let fetch = state.withLock { store in
      store.counters.fetches += 1
      if leaked { store.counters.leakedKeys += 1 }
      return look(up: link, generation, in: &store)
    }
    guard let picture = fetch.picture, let link else { return .now(fetch.reply) }
    if let answer = Self.imageAnswer(of: fetch.fault, request) { return .now(fetch.finish(answer)) }
    if let png = pictures.ready(picture) { return .now(fetch.finish(Self.reply(png, fetch.fault))) }
    return .later(
      pictures.png(picture, index: link.index, on: eventLoop).map { fetch.finish(Self.reply($0, fetch.fault)) })
  }

  private func look(
    up link: (id: String, index: Int)?, _ generation: Int, in store: inout SandboxState.Store
  ) -> Fetch {
    var reply = Reply.html(404)
    guard let link, let record = store.tasks[link.id], record.final <= .now() else { return Fetch(reply: reply) }
    reply.taskID = link.id
    let slow = store.take(.imageDelay, task: link.id)
    reply.delay = slow?.number ?? 0
    reply = reply.applying(slow)
    if generation <= record.expiredLinks {
      reply.status = 403
      reply.body = .whole(Envelope.html(403))
      return Fetch(reply: reply)
    }
    let fault = store.take(.image, task: link.id) { $0.kind != .imageExpired || record.expiredLinks == 0 }
    if fault?.kind == .imageExpired { store.tasks[link.id]?.expiredLinks = generation }
    let type = store.take(.imageType, task: link.id)
    reply = reply.compressed(by: store.take(.imageEncoding, task: link.id))
    let cut = store.take(.imageCut, task: link.id)
    return Fetch(
      reply: reply.applying(fault).applying(type).applying(cut), fault: fault, picture: record.picture, type: type,
      cut: cut)
  }

  /// The answer of a fault that needs no picture.
  private static func imageAnswer(of fault: Fault?, _ request: Request) -> Reply? {
    guard let fault else { return nil }
    switch fault.kind {
    case .imageExpired, .imageExpiredAlways: return .html(403)
    // Those that carry the picture are made when it is drawn.
    case .imageStatus where [203, 206].contains(fault.number): return nil
    case .imageStatus where fault.number == 204: return Reply(status: 204, body: .whole(ByteBuffer()))
    case .imageStatus: return .html(fault.number)
    case .imageFormat:
      let odd = OddPicture(rawValue: fault.argument ?? "") ?? .webp
      return Reply(type: odd.type, body: .whole(ByteBuffer(bytes: odd.bytes)))
    case .imageHTML: return .html(200)
    case .imageHang: return .ending(.hang)
    case .imageJPEG: return Reply(type: "image/jpeg", body: .whole(ByteBuffer(bytes: TinyJPEG.bytes)))
    case .imageHuge: return Reply(type: ContentType.png, body: .stream(fault.number))
    case .imageRedirect:
      var reply = Reply.html(302)
      let itself = request.query.isEmpty ? request.path : request.path + "?" + request.query
      reply.headers = [("Location", fault.argument == "loop" ? itself : fault.argument ?? itself)]
      return reply
    default: return nil
    }
  }

  private static func reply(_ png: ByteBuffer, _ fault: Fault?) -> Reply {
    switch fault?.kind {
    case .imageTruncated: return Reply(type: ContentType.png, body: .half(png))
    case .imageShort:
      let half = png.getSlice(at: png.readerIndex, length: png.readableBytes / 2) ?? png
      return Reply(type: ContentType.png, body: .whole(half))
    case .imagePart:
      let half = png.getSlice(at: png.readerIndex, length: png.readableBytes / 2) ?? png
      return partial(half, of: png)
    case .imageStatus where fault?.number == 206: return partial(png, of: png)
    case .imageStatus: return Reply(status: fault?.number ?? 203, type: ContentType.png, body: .whole(png))
    default: return Reply(type: ContentType.png, body: .whole(png))
    }
  }

  private static func partial(_ part: ByteBuffer, of whole: ByteBuffer) -> Reply {
    var reply = Reply(status: 206, type: ContentType.png, body: .whole(part))
    reply.headers = [("Content-Range", "bytes 0-\(part.readableBytes - 1)/\(whole.readableBytes)")]
    return reply
  }

  /// Reads `/images/<task>-<n>.png`.
  private static func link(_ path: String) -> (id: String, index: Int)? {
    let name = path.dropFirst(imagePrefix.count)
    guard name.hasSuffix(".png"), let dash = name.lastIndex(of: "-") else { return nil }
    guard let index = Int(name[name.index(after: dash)...].dropLast(4)), (1...16).contains(index) else { return nil }
    return (String(name[..<dash]), index)
  }
}

extension Service.Fetch {
  /// The answer with this fetch's delay, task, faults and the type it is to lie about.
  fileprivate func finish(_ answer: Reply) -> Reply {
    var finished = answer
    finished.delay = reply.delay
    finished.taskID = reply.taskID
    finished.faults = reply.faults
    finished.compression = reply.compression
    if let type = type?.argument { finished.type = type }
    if let cut, case .whole(let bytes) = answer.body {
      let left = max(0, bytes.readableBytes - cut.number)
      finished.body = .whole(bytes.getSlice(at: bytes.readerIndex, length: left) ?? ByteBuffer())
    }
    return finished
  }
}
