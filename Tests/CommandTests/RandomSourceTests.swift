import Foundation
import JobCore
import TestKit
import Testing

@testable import PromptdropCLI

/// Ids and secrets.
@Suite struct RandomSourceTests {
  private let source = RandomSource()
  private let moment = Timestamp(milliseconds: 1_769_850_000_123)

  @Test func idsAreUUIDsInTheOrderOfTheirTime() throws {
    let ids = (0..<2000).map { source.id(at: moment + .milliseconds($0)) }
    #expect(ids == ids.sorted() && Set(ids).count == ids.count)
    for id in ids {
      #expect(UUID(uuidString: id)?.uuidString.lowercased() == id)
      #expect(Array(id)[14] == "7" && "89ab".contains(Array(id)[19]), "version and variant of RFC 9562")
    }
    #expect(UInt64(try #require(ids.first).filter { $0 != "-" }.prefix(12), radix: 16) == 1_769_850_000_123)
    #expect(Set((0..<2000).map { _ in source.id(at: moment) }).count == 2000, "many in one millisecond")
    #expect(Set((0..<2000).map { _ in source.id(at: moment).suffix(8) }).count > 1990, "the end is random")
  }

  @Test func secretsAreOfAURLsLetters() {
    let secrets = (0..<500).map { _ in source.secret() }
    #expect(Set(secrets).count == 500)
    let letters = Set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
    #expect(secrets.allSatisfy { $0.count == 43 && letters.isSuperset(of: $0) })
    for place in 0..<43 { #expect(Set(secrets.map { Array($0)[place] }).count > 50, "letter \(place)") }
  }

  @Test func fractionsAreBelowOne() {
    let fractions = (0..<5000).map { _ in source.fraction() }
    #expect(fractions.allSatisfy { (0..<1).contains($0) })
    let mean = fractions.reduce(0, +) / 5000
    #expect((0.45..<0.55).contains(mean), "\(mean)")
  }
}
