import Foundation
import JobCore
import JobJournal
import TestKit
import Testing

/// A journal on a disk that is too small, a real one.
@Suite struct FullDiskTests {
  @Test(.enabled(if: SmallDisk.mayMount, "needs the right to mount a small file system (root)"))
  func aFullDiskIsReportedAndGoneOnWithLater() async throws {
    let place = try TemporaryFolder()
    try await SmallDisk.with(place, size: "1m") { try await fill(place) }
  }

  private func fill(_ place: TemporaryFolder) async throws {
    let journal = try SQLiteJournal(try StateFolder(place.path("disk/state")))
    let root = try await journal.root(path: [47])
    try place.write("disk/ballast", bytes: Array(repeating: 1, count: 300_000))
    func batch(_ number: Int) -> [JournalChange] {
      (0..<3).map { part in
        let file = FileKey(root: root, path: DropPath("\(number)-\(part).prompt"))
        let revision = makeRevision(text: String(repeating: "x", count: 3000))
        return .take(makeTake(JobID("job-\(number)-\(part)"), file, revision))
      }
    }
    var committed = 0
    var refusal: JournalError?
    while refusal == nil, committed < 400 {
      do {
        _ = try await journal.commit(batch(committed + 1))
        committed += 1
      } catch let error as JournalError {
        refusal = error
      }
    }
    #expect(committed > 3)
    guard case .full? = refusal else {
      Issue.record("a full disk was told as \(String(describing: refusal))")
      return
    }
    #expect(try await journal.census(roots: [root]) == [.queued: committed * 3], "the refused batch left nothing")
    // Once more while it is still full, then with room.
    await #expect(throws: JournalError.self) { try await journal.commit(batch(committed + 1)) }
    try place.remove("disk/ballast")
    let results = try await journal.commit(batch(committed + 1))
    #expect(results == [.applied, .applied, .applied])
    #expect(try await journal.census(roots: [root]) == [.queued: committed * 3 + 3])
  }
}
