import Foundation
import JobCore
import TestKit
import Testing

@testable import DropFolder

extension WatcherTests {
  /// What was not heard of while events lie unread is not given up.
  @Suite struct UnreadEvents {
    @Test func aProbeBehindMoreEventsThanAreReportedAtATime() async throws {
      try await eventually("no other watcher runs") { WatcherFixture.inotifyDescriptors().isEmpty }
      let place = try TemporaryFolder()
      let id = RootID(1)
      let folder = try RootFolder(place.path)
      var tree = WatchedTree(
        .init(mode: .inotify, rescanInterval: .zero, fingerprint: { _ in 1 }), roots: [id: folder],
        confirmed: ConfirmedStamps(),
        writers: FileWriters(), awaited: .init(any: { false }, match: { _ in [] }))
      tree.room.update(.max, reported: 0)
      tree.lookAt(id)
      var isDone = true
      while tree.hasWork { isDone = tree.work(folders: 64) && isDone }
      #expect(isDone)
      let number = tree.folders.table.watch(of: id)
      let watch = try #require(number)
      let node = tree.folders[watch]
      let device = try #require(node?.device)
      while tree.awaitsEvents { _ = tree.hear() }
      _ = tree.news.take()

      for number in 0..<300 { try place.write("\(number).prompt", "x") }
      // Its time is over at once.
      let root = try #require(folder.place)
      tree.probes.begin(watch, try root.open([], O_RDONLY | O_DIRECTORY), within: .zero)
      var parts: [Int] = []
      while tree.probes.areWaiting {
        _ = tree.hear()
        parts.append(tree.news.take().count)
      }
      #expect(parts.count > 1, "not all was read at a time: \(parts)")
      let isDeaf = tree.probes.isDeaf(device)
      #expect(!isDeaf)
    }
  }
}
