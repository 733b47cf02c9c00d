import Foundation
import JobCore
import TestKit
import Testing

@testable import DropFolder

extension WatcherTests {
  /// Folders that move through places where nobody listens, and come back from there.
  @Suite struct Moves {
    @Test func awayAndBackAtOnce() async throws {
      try await WatcherFixture.with(prepare: { try $0.makeFolder("root/a/in") }) { bench in
        for round in 1...5 {
          _ = try await bench.during {
            try bench.place.rename("root/a", to: "outside")
            try bench.place.rename("outside", to: "root/a")
          }
          try await Self.settle(bench, folders: 3)
          let heard = try await bench.during { try bench.write("a/in/\(round).prompt") }
          #expect(WatcherFixture.prompts(heard) == ["a/in/\(round).prompt"])
        }
      }
    }

    @Test func inAFolderThatNobodyKnows() async throws {
      try await WatcherFixture.with(prepare: { place in
        try place.makeFolder("root/a/in")
        try place.makeFolder("root/.hidden")
      }) { bench in
        _ = try await bench.during {
          try bench.rename("a", to: ".hidden/a")
          try bench.rename(".hidden", to: "new")
        }
        try await Self.settle(bench, folders: 4)
        let heard = try await bench.during { try bench.write("new/a/in/x.prompt") }
        #expect(WatcherFixture.prompts(heard) == ["new/a/in/x.prompt"])
      }
    }

    // The kernel goes on telling of a folder that has left, also that the one it was in has come into it.
    @Test func aFolderIntoTheOneThatWasInIt() async throws {
      try await WatcherFixture.with(prepare: { place in
        try place.makeFolder("root/a/b/in")
        try place.makeFolder("root/.hidden")
      }) { bench in
        _ = try await bench.during {
          try bench.rename("a/b", to: ".hidden/b")
          try bench.rename("a", to: ".hidden/b/a")
          try bench.rename(".hidden", to: "new")
        }
        try await Self.settle(bench, folders: 5)
        let names: Set<String> = ["new/x.prompt", "new/b/x.prompt", "new/b/a/x.prompt", "new/b/in/x.prompt"]
        let heard = try await bench.during { for name in names { try bench.write(name) } }
        #expect(WatcherFixture.prompts(heard) == names)
      }
    }

    @Test(arguments: SplitMix64.seeds(10)) func afterAnyMovesEachFolderIsHeard(_ seed: UInt64) async throws {
      var random = SplitMix64(seed: seed)
      try await WatcherFixture.with(prepare: { place in
        for name in ["root/a/b", "root/b/a", "root/c", "root/.h", "outside"] { try place.makeFolder(name) }
      }) { bench in
        for round in 1...12 {
          for _ in 0..<Int.random(in: 1...10, using: &random) { Self.change(bench.place.path, &random) }
          let folders = Self.watched(bench.path(""))
          try await Self.settle(bench, folders: folders.count)
          let names = Set(folders.map { $0 + "x\(round).prompt" })
          let heard = try await bench.during { for name in names { try bench.write(name) } }
          #expect(WatcherFixture.prompts(heard) == names, "round \(round), PROMPTDROP_TEST_SEED=\(seed)")
        }
      }
    }

    // Everything that came before has had its consequences when the last folder to leave has been let go.
    private static func settle(
      _ bench: WatcherFixture, folders: Int, sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
      try bench.makeFolder("last")
      _ = try await bench.during {}
      try bench.place.rename("root/last", to: "let-go")
      _ = try await bench.during {}
      try await eventually("\(folders) folders are watched", sourceLocation: sourceLocation) {
        bench.watches == folders
      }
      try bench.place.remove("let-go")
    }

    // Made, renamed, moved out, hidden, brought back or removed; what is not possible does nothing.
    private static func change(_ place: String, _ random: inout SplitMix64) {
      let folders = subfolders(place + "/root/") + subfolders(place + "/outside/")
      let one = folders.randomElement(using: &random) ?? place + "/root/a/"
      let roots = [place + "/root/", place + "/root/", place + "/outside/"]
      let into =
        Bool.random(using: &random) ? roots.randomElement(using: &random) : folders.randomElement(using: &random)
      let name = (into ?? place + "/root/") + (["a", "b", "c", ".h"].randomElement(using: &random) ?? "a")
      switch Int.random(in: 0..<10, using: &random) {
      case 0...2: mkdir(name, 0o755)
      case 3...8: rename(one, name)
      default: try? FileManager.default.removeItem(atPath: one)  // It may be gone.
      }
    }

    private static func subfolders(_ path: String) -> [String] {
      let found = FileManager.default.enumerator(atPath: path)
      var folders: [String] = []
      while let name = found?.nextObject() as? String {
        if found?.fileAttributes?[.type] as? FileAttributeType == .typeDirectory { folders.append(path + name + "/") }
      }
      return folders.sorted()
    }

    // The folders that count, the root first, as what stands before their files' names.
    private static func watched(_ root: String) -> [String] {
      let below = subfolders(root).map { String($0.dropFirst(root.count)) }
      return [""] + below.filter { !$0.split(separator: "/").contains { $0.hasPrefix(".") } }
    }
  }
}
