import JobCore
import SHA2
import TestKit
import Testing

/// What NIST publishes of SHA-256 (FIPS 180-4, CAVP), and that it does not matter in which pieces a message comes.
@Suite struct SHA256Tests {
  @Test(arguments: [
    ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    (
      "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
    ),
  ])
  func published(_ message: String, _ digest: String) {
    #expect(SHA256.hash(data: Array(message.utf8)).hex == digest)
  }

  @Test func aMillionLetters() {
    let letters = [UInt8](repeating: UInt8(ascii: "a"), count: 1_000_000)
    #expect(SHA256.hash(data: letters).hex == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0")
  }

  @Test(arguments: SplitMix64.seeds()) func piecesMakeNoDifference(_ seed: UInt64) {
    var random = SplitMix64(seed: seed)
    let message = (0..<1000).map { _ in UInt8.random(in: 0...255, using: &random) }
    var hash = SHA256()
    var rest = message[...]
    while !rest.isEmpty {
      let piece = rest.prefix(Int.random(in: 0...130, using: &random))
      hash.update(data: Array(piece))
      rest = rest.dropFirst(piece.count)
      // Asked in between, it goes on all the same, and so does a copy.
      #expect(hash.finalize() == SHA256.hash(data: Array(message[..<rest.startIndex])))
    }
    #expect(hash.finalize() == SHA256.hash(data: message), "seed \(seed)")
  }
}
