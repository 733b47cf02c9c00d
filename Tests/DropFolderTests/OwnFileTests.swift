import Foundation
import JobCore
import TestKit
import Testing

@testable import DropFolder

extension WatcherTests {
  /// What this process puts into a folder itself, and what others do to it right afterwards.
  @Suite struct OwnFiles {
    private func sidecar(_ end: String) -> [UInt8] { oursSample + Array(end.utf8) }

    /// All that a job puts into its folder.
    private func job(_ bench: WatcherFixture, _ name: String) async throws {
      let prompt = bench.key(name + ".prompt")
      try await bench.files.writeSidecar(sidecar("submitting"), of: prompt, durable: true)
      try await bench.files.writeSidecar(sidecar("submitted"), of: prompt, durable: true)
      let staged = try await bench.files.stage(beside: prompt)
      try await staged.append(sample(20_000))
      let image = try await staged.finish().get()
      let picture = Array((String(name.split(separator: "/").last ?? "") + ".png").utf8)
      #expect(try await bench.files.rename(image.temporary, to: picture, beside: prompt, durable: true))
      try await bench.files.writeSidecar(sidecar("progress"), of: prompt, durable: false)
      try await bench.files.writeSidecar(sidecar("done"), of: prompt, durable: true)
    }

    @Test func whatItWritesItselfIsNoNews() async throws {
      try await WatcherFixture.with(prepare: { try $0.makeFolder("root/a") }) { bench in
        let events = try await bench.during {
          try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<100 {
              group.addTask { try await job(bench, number % 2 == 0 ? "cat-\(number)" : "a/cat-\(number)") }
            }
            try await group.waitForAll()
          }
        }
        #expect(events.isEmpty, "\(events.count) events of its own were told")
      }
    }

    // The kernel's word for the rename is enough: nothing need be known of the file.
    @Test func aRenameOfItsOwnTemporaryIsKnownByTheNameBefore() async throws {
      try await WatcherFixture.with { bench in
        let own = String(decoding: bench.files.newTemporary(), as: UTF8.self)
        let others = String(decoding: DropNames.temporary(id: "others-1"), as: UTF8.self)
        let events = try await bench.during {
          for (temporary, name) in [(own, "cat"), (others, "dog")] {
            try bench.write(temporary, String(decoding: sidecar("1"), as: UTF8.self))
            try bench.rename(temporary, to: name + ".status.json")
          }
        }
        #expect(events == [.sidecarArrived(prompt: bench.key("dog.prompt"))])
      }
    }

    @Test func itsPicturesAreReportedToWhoeverWaitsForThem() async throws {
      try await WatcherFixture.with { bench in
        bench.await(["cat.png"])
        let events = try await bench.during { try await job(bench, "cat") }
        #expect(events == [.awaited(bench.key("cat.png"))])
      }
    }

    @Test func whatOthersDoRightAfterwardsIsHeard() async throws {
      try await WatcherFixture.with(prepare: { try $0.makeFolder("root/a") }) { bench in
        let races = 1000
        func name(_ number: Int) -> String { (number % 2 == 0 ? "a/" : "") + "cat-\(number)" }
        let events = try await bench.during {
          for number in 0..<races {
            let file = name(number) + ".status.json"
            for text in ["0", "1"].prefix(1 + number % 2) {
              try await bench.files.writeSidecar(sidecar(text), of: bench.key(name(number) + ".prompt"), durable: false)
            }
            // As long as it was, so that only times and numbers tell.
            switch number % 5 {
            case 0:
              let edited = try FileHandle(forWritingTo: URL(fileURLWithPath: bench.path(file)))
              try edited.write(contentsOf: Data(sidecar("e")))
              try edited.close()
            case 1: try bench.place.writeByRename("root/" + file, String(decoding: sidecar("r"), as: UTF8.self))
            case 2: try bench.remove(file)
            case 3:
              try bench.remove(file)
              try bench.place.writeByRename("root/" + file, String(decoding: sidecar("n"), as: UTF8.self))
            default: break
            }
          }
        }
        var heard: [String: Int] = [:]
        for case .sidecarArrived(let prompt) in events { heard[prompt.path.display, default: 0] += 1 }
        for number in 0..<races {
          let prompt = bench.key(name(number) + ".prompt")
          let text: String? =
            switch number % 5 {
            case 0: "e"
            case 1: "r"
            case 2: nil
            case 3: "n"
            default: number % 2 == 0 ? "0" : "1"
            }
          #expect(try await bench.files.sidecar(of: prompt) == text.map { sidecar($0) }, "\(number)")
          // One that is gone again when its coming is looked at may be told of.
          guard number % 5 != 2 else { continue }
          #expect((heard[prompt.path.display] ?? 0 > 0) == (number % 5 != 4), "\(number)")
        }
        #expect(events.allSatisfy { if case .sidecarArrived = $0 { true } else { false } })
      }
    }

    @Test func whatSomebodyElsePutThereIsLeftAlone() async throws {
      try await WatcherFixture.with { bench in
        let cat = bench.key("cat.prompt")
        try await bench.files.writeSidecar(sidecar("1"), of: cat, durable: false)
        try bench.place.writeByRename("root/cat.status.json", "mine")
        try await bench.files.writeSidecar(sidecar("2"), of: cat, durable: false)
        #expect(try bench.place.read("root/cat.status.json") == "mine")
        #expect(try await bench.files.sidecar(of: cat) == sidecar("2"))
      }
    }

    // Times that somebody sets back do not make a file what it was.
    @Test func theChangeTimeTells() async throws {
      try await WatcherFixture.with { bench in
        let cat = bench.key("cat.prompt")
        try await bench.files.writeSidecar(sidecar("1"), of: cat, durable: false)
        #expect(try await bench.files.sidecar(of: cat) == sidecar("1"))
        var status = stat()
        #expect(stat(bench.path("cat.status.json"), &status) == 0)
        let arrived = try await bench.during(until: .sidecarArrived(prompt: cat)) {
          let edited = try FileHandle(forWritingTo: URL(fileURLWithPath: bench.path("cat.status.json")))
          try edited.write(contentsOf: Data(sidecar("2")))
          try edited.close()
          var times = [status.st_atim, status.st_mtim]
          #expect(utimensat(AT_FDCWD, bench.path("cat.status.json"), &times, 0) == 0)
        }
        #expect(arrived.contains(.sidecarArrived(prompt: cat)))
        #expect(try await bench.files.sidecar(of: cat) == sidecar("2"))
      }
    }
  }

  /// The memory of own sidecars by itself.
  @Suite struct OwnSidecarMemory {
    private let place = DropPath("a/cat.status.json")
    private func stamp(_ inode: UInt64, changed: Int64 = 7) -> FileStamp {
      FileStamp(device: 1, inode: inode, size: 3, modified: 5, changed: changed)
    }

    @Test func theFirstLookEntersTheChangeTime() {
      let own = OwnSidecars()
      own.willPlace(place, stamp(1), [1])
      #expect(!own.isOwn(place, stamp(2)))
      #expect(own.isOwn(place, stamp(1, changed: 9)))
      #expect(own.bytes(place, stamp(1, changed: 9)) == [1])
      #expect(!own.isOwn(place, stamp(1, changed: 10)), "somebody has touched it since")
      #expect(!own.isOwn(DropPath("b/cat.status.json"), stamp(1, changed: 9)))
    }

    @Test func theOneBeforeIsStillKnown() {
      let own = OwnSidecars()
      own.willPlace(place, stamp(1), [1])
      own.willPlace(place, stamp(2), [2])
      #expect(own.isOwn(place, stamp(1, changed: 9)), "the rename of the second is still to come")
      #expect(own.bytes(place, stamp(1, changed: 9)) == nil, "only the last one's bytes are kept")
      own.willPlace(place, stamp(3), [3])
      #expect(!own.isOwn(place, stamp(1, changed: 9)))
      #expect(own.isOwn(place, stamp(2, changed: 9)))
      own.forget(place)
      #expect(!own.knows(place))
    }

    @Test func itIsBounded() {
      let own = OwnSidecars()
      for number in 0..<5000 { own.willPlace(DropPath("\(number)"), stamp(UInt64(number)), [1]) }
      #expect((0..<5000).count { own.knows(DropPath("\($0)")) } <= 1024)
      #expect(own.knows(DropPath("4999")) && own.knows(DropPath("4500")))
      own.willPlace(place, stamp(1), Array(repeating: 1, count: 10_000))
      #expect(own.isOwn(place, stamp(1)) && own.bytes(place, stamp(1)) == nil, "large ones are read")
      let done = Array("{\n  \"schema\": \"promptdrop.status/1\",\n  \"state\": \"done\",\n".utf8)
      own.willPlace(place, stamp(2), done)
      #expect(own.isOwn(place, stamp(2)) && own.bytes(place, stamp(2)) == nil, "so are those of jobs that are done")
    }
  }
}
