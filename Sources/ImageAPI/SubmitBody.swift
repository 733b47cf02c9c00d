import Foundation
import JobCore
import NIOCore

/// The JSON of a submission. Local images stand in it as data URIs, which are encoded piece by piece while it is sent: as
/// text they would take twice their size once more, for each request that is under way.
struct SubmitBody: Sendable {
  private enum Part: Sendable {
    case text(ArraySlice<UInt8>)
    case image(ArraySlice<UInt8>)
  }
  // A multiple of three, so that only an image's last piece is padded.
  private static let piece = 98_304

  private var parts: [Part] = []
  /// In bytes.
  private(set) var length = 0

  init(_ request: SubmitRequest) {
    var images: [(at: Int, bytes: [UInt8])] = []
    var writer = JSONWriter()
    writer.object { w in
      w.field("model", request.snapshot.model)
      w.field("prompt", request.snapshot.prompt)
      if !request.images.isEmpty {
        w.key("images")
        w.array(request.images) { w, image in
          switch image {
          case .url(let url): w.string(url)
          case .data(let bytes, let format):
            w.string("data:\(format.mediaType);base64,")
            images.append((w.count - 1, bytes))  // Before the closing quote.
          }
        }
      }
      if let callback = request.callbackURL { w.field("callback_url", callback) }
      if let ratio = request.snapshot.aspectRatio { w.field("aspect_ratio", ratio) }
      if let size = request.snapshot.imageSize { w.field("image_size", size) }
      for (name, value) in request.snapshot.extra.sorted(by: { $0.key < $1.key }) {
        w.key(name)
        w.value(value)
      }
    }
    let bytes = writer.finish()
    var from = 0
    for image in images {
      add(.text(bytes[from..<image.at]))
      add(.image(image.bytes[...]))
      from = image.at
    }
    add(.text(bytes[from...]))
  }

  private mutating func add(_ part: Part) {
    switch part {
    case .text(let bytes): length += bytes.count
    case .image(let bytes): length += (bytes.count + 2) / 3 * 4
    }
    parts.append(part)
  }

  /// Whether `next` has given all.
  var isAtEnd: Bool { parts.isEmpty }

  /// The next bytes to send; nil at the end.
  mutating func next() -> ByteBuffer? {
    guard !isAtEnd else { return nil }
    var buffer = ByteBuffer()
    next(into: &buffer)
    return buffer
  }

  /// Writes the next bytes to send, if any are left, behind what is in the buffer.
  mutating func next(into buffer: inout ByteBuffer) {
    switch parts.first {
    case nil: break
    case .text(let bytes)?:
      parts.removeFirst()
      buffer.writeBytes(bytes)
    case .image(let bytes)?:
      let rest = bytes.dropFirst(Self.piece)
      if rest.isEmpty { parts.removeFirst() } else { parts[0] = .image(rest) }
      buffer.writeBytes(Data(bytes.prefix(Self.piece)).base64EncodedData())
    }
  }
}
