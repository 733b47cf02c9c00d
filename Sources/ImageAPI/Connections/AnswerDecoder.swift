import NIOCore
import NIOHTTP1

/// swift-nio's decoder of answers, guarded: by itself it keeps the beginning of an answer that nobody asked for without a
/// word, so that a request that is sent later would get it for its own. What comes in one read with the end of an answer it
/// refuses by itself.
final class AnswerDecoder: ByteToMessageDecoder {
  typealias InboundOut = HTTPClientResponsePart

  private let decoder: HTTPResponseDecoder
  private let connection: ConnectionHandler

  init(_ decoder: HTTPResponseDecoder, for connection: ConnectionHandler) {
    self.decoder = decoder
    self.connection = connection
  }

  /// A decoder within this client's limits.
  static func limited() -> HTTPResponseDecoder {
    var limits = NIOHTTPDecoderLimitConfiguration()
    limits.maxHeaderFieldSize = 65_536
    limits.maxHeaderListSize = 262_144
    return HTTPResponseDecoder(
      leftOverBytesStrategy: .dropBytes, informationalResponseStrategy: .drop, limitConfiguration: limits)
  }

  /// What `write(data:)` of swift-nio's decoder is told of each request: whether its answer has a body, which that to any
  /// request but HEAD and CONNECT has.
  static let anyRequest = HTTPClientRequestPart.head(HTTPRequestHead(version: .http1_1, method: .GET, uri: "/"))

  func decoderAdded(context: ChannelHandlerContext) { decoder.decoderAdded(context: context) }
  func decoderRemoved(context: ChannelHandlerContext) { decoder.decoderRemoved(context: context) }

  func decode(context: ChannelHandlerContext, buffer: inout ByteBuffer) throws -> DecodingState {
    guard connection.isWorking else {
      buffer.moveReaderIndex(to: buffer.writerIndex)
      connection.receivedUnasked()
      return .needMoreData
    }
    return try decoder.decode(context: context, buffer: &buffer)
  }

  func decodeLast(context: ChannelHandlerContext, buffer: inout ByteBuffer, seenEOF: Bool) throws -> DecodingState {
    try decoder.decodeLast(context: context, buffer: &buffer, seenEOF: seenEOF)
  }
}
