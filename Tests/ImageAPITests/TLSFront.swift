import Foundation
import NIOCore
import NIOPosix
import NIOSSL
import TestKit

/// A certificate authority of the tests' own, and a certificate of it.
struct TestAuthority {
  let folder: TemporaryFolder
  /// Its own certificate, for `ca-file`.
  var file: String { folder.path("ca.pem") }

  static let openssl = "/usr/bin/openssl"
  static var isPossible: Bool { access(openssl, X_OK) == 0 }

  static func make(
    for names: String = "DNS:localhost,DNS:api.example,IP:127.0.0.1"
  ) async throws -> TestAuthority {
    let folder = try TemporaryFolder()
    try folder.write("leaf.cnf", "subjectAltName=\(names)\nbasicConstraints=CA:FALSE\n")
    let key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    for arguments in [
      ["req", "-x509", "-days", "2", "-subj", "/CN=promptdrop test authority", "-keyout", "ca.key", "-out", "ca.pem"]
        + key,
      ["req", "-subj", "/CN=localhost", "-keyout", "leaf.key", "-out", "leaf.csr"] + key,
      [
        "x509", "-req", "-in", "leaf.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2",
        "-extfile", "leaf.cnf", "-out", "leaf.pem",
      ],
    ] {
      let child = try ChildProcess(openssl, arguments, folder: folder.path)
      guard try await child.wait() == .exited(0) else { throw Unexpected() }
    }
    return TestAuthority(folder: folder)
  }
}

/// TLS before a plain server of this machine: what comes out of it is what was inside.
final class TLSFront: Sendable {
  let port: Int
  private let channel: any Channel

  init(_ authority: TestAuthority, before backend: Int) async throws {
    let certificates = try NIOSSLCertificate.fromPEMFile(authority.folder.path("leaf.pem"))
    let configuration = TLSConfiguration.makeServerConfiguration(
      certificateChain: certificates.map { .certificate($0) },
      privateKey: .privateKey(try NIOSSLPrivateKey(file: authority.folder.path("leaf.key"), format: .pem)))
    let context = try NIOSSLContext(configuration: configuration)
    let group = MultiThreadedEventLoopGroup.singleton
    channel = try await ServerBootstrap(group: group)
      .childChannelOption(.allowRemoteHalfClosure, value: false)
      .childChannelInitializer { inbound in
        inbound.eventLoop.makeCompletedFuture {
          try inbound.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: context))
        }.flatMap {
          ClientBootstrap(group: inbound.eventLoop).connect(host: "127.0.0.1", port: backend)
        }.flatMap { outbound in
          inbound.eventLoop.makeCompletedFuture {
            try inbound.pipeline.syncOperations.addHandler(Glue(to: outbound))
            try outbound.pipeline.syncOperations.addHandler(Glue(to: inbound))
          }
        }
      }.bind(host: "127.0.0.1", port: 0).get()
    port = channel.localAddress?.port ?? 0
  }

  func stop() async throws { try await channel.close() }
}

// Both channels are on one event loop.
private final class Glue: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer
  private let other: any Channel
  init(to other: any Channel) { self.other = other }
  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    other.writeAndFlush(unwrapInboundIn(data), promise: nil)
  }
  func channelInactive(context: ChannelHandlerContext) { other.close(promise: nil) }
  func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
