import Foundation
import JobCore

/// Takes secrets out of what the service says, so that one that repeats the key or a callback's address does not bring
/// them into a log or a sidecar.
///
/// Only words for people are scrubbed, after the JSON was read: in the answer itself a short key, such as one that
/// somebody made up for the sandbox, would be found in the middle of other words, of ids and of pictures.
struct Scrubbing {
  /// What is shorter is no secret.
  static let least = 8

  private struct Secret {
    var text: String
    /// What stands in its place.
    var word: String
    var bytes: [UInt8]
  }
  private var secrets: [Secret] = []

  init(key: String? = nil, callbackURL: String? = nil) {
    add(key, "(key)")
    // Its last part is what makes it unguessable, in whatever way the rest is escaped.
    add(callbackURL?.split(separator: "/").last.map(String.init), "(secret)")
  }

  private mutating func add(_ secret: String?, _ word: String) {
    guard let secret, secret.utf8.count >= Self.least else { return }
    secrets.append(Secret(text: secret, word: word, bytes: Array(secret.utf8)))
  }

  // In characters. What is longer is no sentence, and would fill sidecars that are read up to a limit.
  private static let most = 1000

  /// The same words without the secrets, and no more of them than people read.
  func callAsFunction(_ words: String) -> String {
    if words.utf8.count <= Self.most, isClean(words) == true { return words }
    let clean = secrets.reduce(words) { words, secret in words.replacingOccurrences(of: secret.text, with: secret.word)
    }
    return clean.count <= Self.most ? clean : clean.prefix(Self.most) + "…"
  }

  /// A whole answer without the secrets, and without those of callbacks' addresses, which not every answer is asked with.
  func callAsFunction(_ answer: [UInt8]) -> [UInt8] {
    var clean = secrets.reduce(answer) { $0.replacing(Array($1.text.utf8), with: Array($1.word.utf8)) }
    for head in ["/callback/", "\\/callback\\/"].map({ Array($0.utf8) }) {
      for range in clean.ranges(of: head).reversed() {
        let secret = clean[range.upperBound...].prefix { byte in
          (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte) || byte == 45 || byte == 95
        }
        clean.replaceSubrange(secret.startIndex..<secret.endIndex, with: "(secret)".utf8)
      }
    }
    return clean
  }

  /// Whether a secret stands in it.
  func finds(in text: String) -> Bool {
    isClean(text).map { !$0 } ?? secrets.contains { text.contains($0.text) }
  }

  // Whether no secret stands in it, by its bytes; nil where there is more to a text than those, for one character can be
  // written in several ways.
  private func isClean(_ text: String) -> Bool? {
    let isClean = text.utf8.withContiguousStorageIfAvailable { text -> Bool? in
      guard text.allSatisfy({ $0 < 0x80 }) else { return nil }
      return !secrets.contains { Bytes.isFound($0.bytes, in: UnsafeRawBufferPointer(text)) }
    }
    return isClean ?? nil
  }
}
