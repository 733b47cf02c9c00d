import Foundation
import JobCore
import JobJournal
import TestKit
import Testing

/// A journal that went bad on the disk: it is refused with words that help, or it tells the truth where money hangs on it.
@Suite struct DamageTests {
  /// Whether it was refused; a refusal that does not help is an issue.
  private func isRefused(_ error: any Error, _ what: String) -> Bool {
    guard case .broken(let why)? = error as? JournalError else {
      Issue.record("\(what): \(error)")
      return true
    }
    if !why.contains("damaged") || !why.contains("journal.sqlite") || !why.contains(SQLiteJournal.backupName) {
      Issue.record("\(what): these words do not say what to do: \(why)")
    }
    return true
  }

  @Test(arguments: SplitMix64.seeds(2)) func flippedBytes(seed: UInt64) async throws {
    var random = SplitMix64(seed: seed)
    let filled = try await FilledJournal()
    var (refused, unseen) = (0, 0)
    for round in 0..<150 {
      var bytes = filled.whole
      let offset = Int.random(in: bytes.indices, using: &random)
      // A bit, a byte, or a stretch.
      switch Int.random(in: 0..<4, using: &random) {
      case 0, 1: bytes[offset] ^= 1 << UInt8.random(in: 0...7, using: &random)
      case 2: bytes[offset] = UInt8.random(in: 0...255, using: &random)
      default:
        for index in offset..<min(offset + 600, bytes.count) {
          bytes[index] = UInt8.random(in: 0...255, using: &random)
        }
      }
      if bytes == filled.whole { continue }
      let what = "seed \(seed), round \(round), offset \(offset)"
      let journal: SQLiteJournal
      do {
        journal = try filled.open(bytes, "round-\(round)")
      } catch {
        if isRefused(error, what) { refused += 1 }
        continue
      }
      do {
        let told = try await Told(journal, filled.roots, filled.jobs, filled.files)
        if told != filled.told {
          unseen += 1
        }
        try agree(told, filled.told, what)
      } catch is JournalError {
        refused += 1
      }
    }
    #expect(refused > 20, "seed \(seed): \(refused) refused, \(unseen) unseen")
  }

  // Where it was opened and read: what may be submitted, what is under way, and what is paid for is as it was.
  private func agree(_ told: Told, _ truth: Told, _ what: String) throws {
    #expect(told.startable.isSubset(of: truth.startable), "\(what): may be submitted again")
    #expect(told.underWay == truth.underWay, "\(what): what is under way")
    for (key, slot) in told.slots {
      guard let true_ = truth.slots[key] else {
        Issue.record("\(what): \(key) is none")
        continue
      }
      #expect(slot.state.name == true_.state.name, "\(what): \(key)")
    }
  }

  @Test func truncated() async throws {
    let filled = try await FilledJournal()
    let pages = stride(from: 0, to: filled.whole.count, by: 4096)
    let lengths = Array(pages) + pages.flatMap { [$0 + 1, $0 + 99, $0 + 2048, $0 + 4095] }
    for length in lengths where length > 0 && length < filled.whole.count {
      do {
        let journal = try filled.open(Array(filled.whole.prefix(length)), "length-\(length)")
        let told = try await Told(journal, filled.roots, filled.jobs, filled.files)
        // To SQLite a file of a few bytes is an empty one: the same as a journal that is gone, and never half of one. What is
        // missing of the last page it takes for zeros, which is what may have stood there: then it is the whole journal.
        if length < 100 {
          #expect(told.startable.isEmpty && told.slots.isEmpty)
        } else {
          #expect(told == filled.told, "\(length) of \(filled.whole.count) bytes are taken for a journal")
        }
      } catch {
        _ = isRefused(error, "\(length) bytes")
      }
    }
  }

  /// A word that went bad is a slot that nobody would look for: it is found at opening, whatever the state.
  @Test(arguments: [
    ("submitted", "submitteD"), ("held", "helD"), ("queued", "queueD"), ("done", "dono"), ("submitting", "submittinG"),
    ("fetching", "fetchinG"), ("cancelled", "cancelleD"), ("failed", "faileD"),
  ])
  func aBadWordIsFoundAtOpening(word: String, instead: String) async throws {
    let filled = try await FilledJournal()
    // In the rows of slots the word stands before the JSON of its detail, or with the number of a root between.
    var changed = 0
    for range in ranges(of: Array(word.utf8), in: filled.whole) {
      var bytes = filled.whole
      bytes.replaceSubrange(range, with: Array(instead.utf8))
      changed += 1
      let journal: SQLiteJournal
      do {
        journal = try filled.open(bytes, "word-\(changed)")
      } catch {
        _ = isRefused(error, "\(word) at \(range.lowerBound)")
        continue
      }
      do {
        let told = try await Told(journal, filled.roots, filled.jobs, filled.files)
        #expect(told.slots.mapValues(\.state.name) == filled.told.slots.mapValues(\.state.name), "\(range.lowerBound)")
        #expect(told.startable == filled.told.startable && told.underWay == filled.told.underWay)
      } catch is JournalError {
        // The file's own word, which is read and refused there.
      }
    }
    #expect(changed > 3)
  }

  private func ranges(of word: [UInt8], in bytes: [UInt8]) -> [Range<Int>] {
    var found: [Range<Int>] = []
    var index = 0
    while index + word.count <= bytes.count {
      if bytes[index] == word[0], bytes[index..<(index + word.count)].elementsEqual(word) {
        found.append(index..<(index + word.count))
        index += word.count
      } else {
        index += 1
      }
    }
    // Each costs an opening; the rows of one state are alike.
    return found.count > 8 ? Array(found.prefix(8)) : found
  }

  @Test(arguments: ["This is no database. ", "\0", "SQLite format 3\0 and then something else altogether. "])
  func whatIsNoDatabaseIsRefused(text: String) throws {
    let place = try TemporaryFolder()
    let bytes = Array(String(repeating: text, count: 20_000 / text.utf8.count).utf8)
    try place.write("state/journal.sqlite", bytes: bytes)
    do {
      _ = try SQLiteJournal(try StateFolder(place.path("state")))
      Issue.record("taken for a journal")
    } catch {
      _ = isRefused(error, "no database")
    }
    #expect(try place.bytes("state/journal.sqlite") == bytes, "and left as it is")
  }
}
