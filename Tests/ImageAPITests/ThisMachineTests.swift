import Foundation
import JobCore
import TestKit
import Testing

@testable import ImageAPI

/// Results on loopback are allowed exactly where the service is on this machine, however that is written.
@Suite struct ThisMachineTests {
  private static let hosts = """
    127.0.0.1 localhost
    127.0.1.1  desk desk.home   # this one
    ::1 ip6-localhost
    127.0.0.1 split
    10.0.0.7 split nas
    # 127.0.0.1 off
    """

  @Test(arguments: [
    "http://localhost:8765", "HTTP://LOCALHOST:8765", "https://localhost.", "http://a.localhost/x", "http://127.0.0.1",
    "http://127.8.9.1:1", "http://127.1", "http://[::1]:8765", "http://[0:0:0:0:0:0:0:1]", "http://desk",
    "Http://DESK.home.",
    "https://ip6-localhost:9",
  ])
  func `This machine`(url: String) { #expect(ThisMachine.isMeant(by: url, hosts: Self.hosts)) }

  @Test(arguments: [
    "https://api.defapi.org", "http://nas", "http://split", "http://off", "http://10.0.0.7", "http://localhost.example",
    "http://127.0.0.1.example", "http://localhost@api.example", "http://0.0.0.0", "http://mylocalhost", "http://",
    "nonsense",
    "http://localhost:70000", "http://#",
  ])
  func `Another machine, or none`(url: String) { #expect(!ThisMachine.isMeant(by: url, hosts: Self.hosts)) }

  private static let fox: @Sendable (Connection) -> Void = { connection in
    while connection.readRequest() != nil { connection.answer("200 OK", "fox") }
  }

  @Test(arguments: ["http://localhost", "HTTP://LocalHost", "http://127.0.0.1", "http://a.localhost"])
  func `Its pictures may lie on loopback`(base: String) async throws {
    let server = try RawServer(Self.fox)
    defer { server.stop() }
    try await ServiceFixture.run(
      at: "\(base):\(server.port)", resolve: { _ in [NetworkAddress(bytes: [127, 0, 0, 1])] }
    ) { bench in
      for host in ["localhost", "LOCALHOST", "127.0.0.1"] {
        let result = await bench.fetch(.url("HTTP://\(host):\(server.port)/a.png"))
        #expect(result.bytes == Array("fox".utf8), "\(host): \(result)")
      }
      let inside = await bench.fetch(.url("http://10.0.0.1:9/a.png"))
      #expect(inside.failure?.kind == "unusable", "other networks stay closed")
    }
  }

  // Who answers for the service's name must not open this machine.
  @Test func `A name of the service's that somebody leads to loopback opens nothing`() async throws {
    let server = try RawServer(Self.fox)
    defer { server.stop() }
    try await ServiceFixture.run(
      at: "https://api.service.example", resolve: { _ in [NetworkAddress(bytes: [127, 0, 0, 1])] }
    ) { bench in
      for host in ["localhost", "127.0.0.1", "api.service.example"] {
        let result = await bench.fetch(.url("http://\(host):\(server.port)/a.png"))
        #expect(result.failure?.kind == "unusable", "\(host): \(result)")
      }
      #expect(server.connections == 0)
    }
  }

  @Test func `No proxy lies between this machine and itself`() throws {
    var settings = HTTPImageService.Settings(baseURL: "", userAgent: "x", proxy: "http://proxy:3128")
    settings.noProxy = []
    for base in ["https://localhost:9", "HTTPS://LOCALHOST", "https://127.0.0.1", "HTTP://api.example"] {
      #expect(!settings.usesProxy(base), "\(base)")
    }
    #expect(settings.usesProxy("https://api.example") && settings.usesProxy(nil))
  }

  // MARK: addresses in their usual form

  @Test(arguments: ["0.0.0.0", "1.2.3.4", "10.0.100.200", "127.0.0.1", "255.255.255.255", "192.168.0.10"])
  func `An IPv4 address in its usual form is what every reader reads`(text: String) throws {
    let address = try #require(NetworkAddress(usual: text))
    #expect(address == NetworkAddress(literal: text) && address.text == text)
  }

  @Test(arguments: [
    "", ".", "1", "127.1", "1.2.3", "1.2.3.", ".1.2.3", "1..2.3", "1.2.3.4.", "1.2.3.4.5", "256.1.1.1", "1.1.1.256",
    "01.2.3.4", "1.2.3.00", "0x7f.0.0.1", "0177.0.0.1", "2130706433", "1.2.3.4 ", " 1.2.3.4", "+1.2.3.4", "-1.2.3.4",
    "1.2.3.a", "１.2.3.4", "::1", "99999999999999999999.1.1.1", "host.example",
  ])
  func `What is in another form is left to the general reader`(text: String) {
    #expect(NetworkAddress(usual: text) == nil)
  }
}
