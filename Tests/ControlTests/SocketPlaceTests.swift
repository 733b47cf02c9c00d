import Foundation
import Synchronization
import TestKit
import Testing

@testable import Control

@Suite(.serialized) struct SocketPlaceTests {
  let folder: TemporaryFolder
  var path: String { folder.path("run/a.sock") }

  init() throws { folder = try TemporaryFolder() }

  private func open(_ path: String? = nil, group: String? = nil, mode: mode_t = 0o600) async throws -> ControlSocket {
    try await ControlSocket(path: path ?? self.path, group: group, mode: mode, on: loops) { $0 }
  }

  /// The reason of an `unusable`.
  private func refusal(_ path: String? = nil, group: String? = nil) async -> String? {
    do {
      let socket = try await open(path, group: group)
      await socket.close()
      return nil
    } catch ControlError.unusable(_, let why) {
      return why
    } catch {
      return "another error: \(error)"
    }
  }

  /// A socket that nobody listens on.
  private func leaveBehind(_ path: String) throws {
    let dead = Names.newSocket()
    #expect(Names.withAddress(path, { bind(dead, $0, $1) }) == 0)
    close(dead)
  }

  // A group that is not the process's own where the process may give files to it.
  private var someGroup: (name: String, number: gid_t) {
    let number = geteuid() == 0 ? gid_t(1) : getegid()
    guard let entry = getgrgid(number) else { return ("\(number)", number) }
    return (String(cString: entry.pointee.gr_name), number)
  }

  @Test func theSocketHasTheModeAndTheGroup() async throws {
    let group = someGroup
    for (name, mode) in [(group.name, mode_t(0o660)), ("\(group.number)", 0o600), (group.name, 0o666)] {
      let socket = try await open(group: name, mode: mode)
      let status = status(path)
      #expect(status?.st_mode == S_IFSOCK | mode)
      #expect(status?.st_gid == group.number)
      #expect(status?.st_uid == geteuid())
      #expect(try await talk(path, ["x"]) == ["x\n"])
      #expect(try folder.list("run") == ["a.sock"])
      await socket.close()
      #expect(try folder.list("run") == [])
    }
  }

  @Test func anUnknownGroupIsSaid() async throws {
    let why = await refusal(group: "no-such-group-here")
    #expect(why?.contains("no group \"no-such-group-here\"") == true)
    #expect(await refusal(group: "4294967295")?.contains("no group") == true)
    #expect(!folder.exists("run"))
  }

  @Test func aGroupThatItMayNotGiveIsSaid() async throws {
    guard geteuid() != 0 else { return }  // root may give anything to anybody.
    #expect(await refusal(group: "0")?.contains("cannot be given") == true)
    #expect(try folder.list("run") == [])
  }

  // The umask is the whole process's: it has to be changed in one test only, and back.
  @Test func atNoMomentItHasWiderRights() async throws {
    let before = umask(0)
    defer { umask(before) }
    try folder.makeFolder("run")
    let (run, path) = (folder.path("run"), path)
    let watch = Watch()
    let watching = Task { try await onThread { watch.look(at: path, workshopsIn: run) } }
    for _ in 0..<200 {
      let socket = try await open(group: someGroup.name, mode: 0o640)
      await socket.close()
    }
    watch.stop()
    try await watching.value
    let seen = watch.seen
    #expect(seen.sockets == [S_IFSOCK | 0o640])
    #expect(seen.workshops.isSubset(of: [S_IFDIR | 0o700]))
    #expect(try folder.list("run") == [])
    umask(0o077)
    let socket = try await open(folder.path("new/run/a.sock"), mode: 0o666)
    #expect(status(folder.path("new"))?.st_mode == S_IFDIR | 0o755)
    #expect(status(folder.path("new/run"))?.st_mode == S_IFDIR | 0o755)
    #expect(status(folder.path("new/run/a.sock"))?.st_mode == S_IFSOCK | 0o666)
    await socket.close()
  }

  @Test func anExistingFolderKeepsItsMode() async throws {
    try folder.makeFolder("run")
    chmod(folder.path("run"), 0o750)
    let socket = try await open()
    #expect(status(folder.path("run"))?.st_mode == S_IFDIR | 0o750)
    await socket.close()
  }

  @Test func whatADeadProcessLeftIsReplaced() async throws {
    try folder.makeFolder("run")
    try leaveBehind(path)
    let socket = try await open()
    #expect(try await talk(path, ["x"]) == ["x\n"])
    await socket.close()
  }

  @Test func aLiveSocketIsLeftAlone() async throws {
    let first = try await open()
    #expect(await refusal()?.contains("another agent listens") == true)
    #expect(try await talk(path, ["x"]) == ["x\n"])
    #expect(try folder.list("run") == ["a.sock"])
    await first.close()
  }

  @Test func ofTwoAtTheSameTimeOneGetsTheName() async throws {
    for _ in 0..<20 {
      let winners = await withTaskGroup(of: ControlSocket?.self) { group in
        for _ in 0..<4 {
          group.addTask { do { return try await open() } catch { return nil } }
        }
        return await group.reduce(into: []) { $0.append($1) }.compactMap { $0 }
      }
      #expect(winners.count == 1)
      #expect(try await talk(path, ["x"]) == ["x\n"])
      for socket in winners { await socket.close() }
    }
  }

  @Test func whatIsNoSocketIsLeftAlone() async throws {
    try folder.write("run/a.sock", "mine")
    #expect(await refusal()?.contains("not a socket") == true)
    #expect(try folder.read("run/a.sock") == "mine")
    try folder.write("file", "")
    #expect(await refusal(folder.path("file/a.sock")) != nil)
  }

  @Test func closingLeavesAnothersSocketAlone() async throws {
    let first = try await open()
    try folder.remove("run/a.sock")
    let second = try await open()
    await first.close()
    #expect(try await talk(path, ["x"]) == ["x\n"])
    await second.close()
    #expect(!folder.exists("run/a.sock"))
  }

  @Test func thePathMayHave107Bytes() async throws {
    let longest = folder.path("") + "/" + String(repeating: "s", count: 106 - folder.path.utf8.count)
    #expect(longest.utf8.count == 107)
    let socket = try await open(longest)
    #expect(try await talk(longest, ["x"]) == ["x\n"])
    await socket.close()
    #expect(await refusal(longest + "s")?.contains("107") == true)
    #expect(await refusal("a.sock")?.contains("absolute") == true)
  }
}

func status(_ path: String) -> stat? {
  var status = stat()
  return lstat(path, &status) == 0 ? status : nil
}

/// Looks at a name again and again, as fast as it can.
private final class Watch: Sendable {
  private let state = Mutex<(stopped: Bool, sockets: Set<mode_t>, workshops: Set<mode_t>)>((false, [], []))
  var seen: (sockets: Set<mode_t>, workshops: Set<mode_t>) { state.withLock { ($0.sockets, $0.workshops) } }
  func stop() { state.withLock { $0.stopped = true } }

  func look(at path: String, workshopsIn folder: String) {
    while !state.withLock({ $0.stopped }) {
      if let mode = status(path)?.st_mode { state.withLock { _ = $0.sockets.insert(mode) } }
      guard let stream = opendir(folder) else { continue }
      while let entry = readdir(stream) {
        let name = withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        guard name.hasPrefix(".promptdrop-"), let mode = status(folder + "/" + name)?.st_mode else { continue }
        state.withLock { _ = $0.workshops.insert(mode) }
      }
      closedir(stream)
    }
  }
}
