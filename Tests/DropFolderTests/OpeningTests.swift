import CLinux
import Foundation
import JobCore
import Synchronization
import TestKit
import Testing

@testable import DropFolder

/// Both ways of opening a path below a folder do the same.
@Suite struct OpeningTests {
  private let place: TemporaryFolder

  init() throws {
    place = try TemporaryFolder()
    try place.write("secret/x", "secret")
    try place.write("root/a/b/x", "inside")
    try place.write("root/dot..dot/..x", "dots")
    symbolicLink("../secret", at: place.path("root/out"))
    symbolicLink("b", at: place.path("root/a/link"))
    symbolicLink("b/x", at: place.path("root/a/file"))
    symbolicLink("nowhere", at: place.path("root/dangling"))
    symbolicLink("loop", at: place.path("root/loop"))
    #expect(mkfifo(place.path("root/fifo"), 0o600) == 0)
  }

  // What came of it: the inode, or the error.
  private func opened(_ way: Opening, _ folder: String, _ path: String, _ flags: Int32) throws -> String {
    let root = Descriptor(owning: open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC))
    do throws(SystemError) {
      let status = try Descriptor.open(beneath: root.number, Array(path.utf8), flags, by: way).status()
      return "\(status.st_dev) \(status.st_ino)"
    } catch {
      return error.text
    }
  }

  static let paths = [
    "", ".", "a", "a/b/x", "a//b/./x", "a/b/", "a/b/x/", "a/b/x/y", "a/none", "none/x", "out", "out/x", "a/link",
    "a/link/x",
    "a/file", "a/file/", "dangling", "loop", "loop/x", "fifo", "dot..dot/..x", "/", "/etc", "..", "../secret/x",
    "a/../a/b/x",
    "a/..", "a/b/../../../secret/x", "out/../root/a", String(repeating: "n", count: 300),
  ]

  @Test(arguments: paths) func bothWaysAgree(_ path: String) throws {
    for flags in [O_RDONLY | O_NONBLOCK, O_RDONLY | O_DIRECTORY, pd_o_path, pd_o_path | O_DIRECTORY] {
      let found = try Opening.allCases.map { try opened($0, place.path("root"), path, flags) }
      #expect(found[0] == found[1], "\(flags)")
    }
  }

  // Such a link of the kernel's stands for an open file, wherever that is.
  @Test(arguments: Opening.allCases) func magicLinksAreLinks(_ way: Opening) throws {
    let link = SystemError(ELOOP).text
    for path in ["root", "root/etc/passwd", "cwd", "exe", "fd/0", "self/root/etc"] {
      let folder = path.hasPrefix("self/") ? "/proc" : "/proc/self"
      for flags in [O_RDONLY | O_NONBLOCK, pd_o_path] {
        #expect(try opened(way, folder, path, flags) == link, "\(path)")
      }
    }
  }

  @Test(arguments: Opening.allCases) func aFolderThatMayOnlyBePassed(_ way: Opening) throws {
    try #require(chmod(place.path("root/a"), 0o100) == 0)
    #expect(try opened(way, place.path("root"), "a/b/x", O_RDONLY).contains(" "))
    #expect(chmod(place.path("root/a"), 0o700) == 0)
  }

  @Test(arguments: Opening.allCases) func makingAFileReplacesNothing(_ way: Opening) throws {
    let root = Descriptor(owning: open(place.path("root"), O_RDONLY | O_DIRECTORY | O_CLOEXEC), way)
    for name in ["dangling", "out", "a", "fifo"] {
      #expect(throws: SystemError(EEXIST)) {
        _ = try root.open(Array(name.utf8), O_WRONLY | O_CREAT | O_EXCL, mode: 0o600)
      }
    }
    #expect(try place.list("secret") == ["x"] && !place.exists("root/nowhere"))
  }

  // A folder on the way is swapped for a link to another one, over and over, while it is walked.
  @Test(arguments: Opening.allCases) func aComponentThatIsSwappedIsNotFollowed(_ way: Opening) throws {
    let (folder, link, aside) = (place.path("root/a"), place.path("root/swap"), place.path("root/aside"))
    try place.write("secret/b/x", "secret")
    symbolicLink(place.path("secret"), at: link)
    let swaps = Atomic<Int>(0)
    let swapping = Busy {
      let moves = [(folder, aside), (link, folder), (folder, link), (aside, folder)]
      if moves.allSatisfy({ rename($0.0, $0.1) == 0 }) { swaps.add(1, ordering: .relaxed) }
    }
    defer { swapping.stop() }
    let root = Descriptor(owning: open(place.path("root"), O_RDONLY | O_DIRECTORY | O_CLOEXEC))
    var (inside, refused) = (0, 0)
    let deadline = ContinuousClock.now + .seconds(30)
    while inside < 200 || refused < 200 || swaps.load(ordering: .relaxed) < 200, ContinuousClock.now < deadline {
      do throws(SystemError) {
        let text = try Descriptor.open(beneath: root.number, Array("a/b/x".utf8), O_RDONLY, by: way).read(limit: 100)
        inside += 1
        if text != Array("inside".utf8) {
          Issue.record("it left the root")
          return
        }
      } catch {
        refused += error.number == ELOOP ? 1 : 0
        if error.number != ELOOP, error.number != ENOENT {
          Issue.record("\(error.text)")
          return
        }
      }
    }
    #expect(inside >= 200 && refused >= 200, "\(inside) \(refused) \(swaps.load(ordering: .relaxed))")
  }

  @Test func aRefusalSaysWhatBothCallsAnswered() {
    let text = "\(OpeningRefusal(whole: ENOSYS, stepwise: EPERM))"
    #expect(
      text.contains("openat2 answers \"Function not implemented\"") && text.contains("\"Operation not permitted\""))
  }
}
