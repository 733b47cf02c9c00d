import Foundation
import NIOCore

// The result of a finished task in each of its shapes.
extension TaskView {
  /// Whether the JSON holds the picture itself.
  var needsPicture: Bool {
    if case .success = status { shape == .dataURI || shape == .base64 } else { false }
  }

  /// Writes `"result":…,`; nothing where the shape is to leave it out.
  func writeResult(to body: inout ByteBuffer, authority: String, pictures: [ByteBuffer]) {
    if case .success = status, shape == .missing { return }
    body.writeString("\"result\":")
    if case .success = status {
      writeShape(to: &body, authority, pictures)
    } else {
      body.writeString("null")
    }
    body.writeString(",")
  }

  private func writeShape(to body: inout ByteBuffer, _ authority: String, _ pictures: [ByteBuffer]) {
    let link = link(1, authority)
    switch shape {
    case .null, .missing: body.writeString("null")
    case .empty: body.writeString("[]")
    case .text(let words): body.writeString("[{\"text\":\(words.json)}]")
    case .string: body.writeString(link.json)
    case .object: body.writeString("{\"image\":\(link.json)}")
    case .key(let key): body.writeString("[{\(key.json):\(link.json)}]")
    case .jsonString: body.writeString("[{\"image\":\(link.json)}]".json)
    case .nullElement: body.writeString("[null,{\"image\":\(link.json)}]")
    case .blanks: body.writeString("[{\"image\":\("  \(link)\n".json)}]")
    case .relative: body.writeString("[{\"image\":\(path(1).json)}]")
    case .preview:
      body.writeString("{\"thumbnail_url\":\((link + "#small").json),\"image_url\":\(link.json)}")
    case .two: body.writeString("{\"first\":\(link.json),\"second\":\((link + "#other").json)}")
    case .odd: body.writeString("[{\"ready\":true,\"file_id\":\"file-\(id)\"}]")
    case .base64:
      writeList(to: &body) { index, body in
        guard index <= pictures.count else { return }
        body.writeString("\"\(Data(pictures[index - 1].readableBytesView).base64EncodedString())\"")
      }
    case .urls: writeList(to: &body) { index, body in body.writeString(self.link(index, authority).json) }
    case .dataURI:
      writeList(to: &body) { index, body in
        guard index <= pictures.count else { return }
        body.writeString("\"data:image/png;base64,")
        body.writeString(Data(pictures[index - 1].readableBytesView).base64EncodedString())
        body.writeString("\"")
      }
    }
  }

  private func writeList(to body: inout ByteBuffer, _ write: (Int, inout ByteBuffer) -> Void) {
    body.writeString("[")
    for index in 1...max(1, images) {
      body.writeString(index == 1 ? "{\"image\":" : ",{\"image\":")
      write(index, &body)
      body.writeString("}")
    }
    body.writeString("]")
  }

  private func link(_ index: Int, _ authority: String) -> String { "http://\(authority)\(path(index))" }

  private func path(_ index: Int) -> String {
    "\(Service.imagePrefix)\(id)-\(index).png" + (linkGeneration > 1 ? "?v=\(linkGeneration)" : "")
  }
}

extension String {
  /// As JSON.
  fileprivate var json: String {
    var body = ByteBuffer()
    body.writeJSON(self)
    return String(buffer: body)
  }
}
