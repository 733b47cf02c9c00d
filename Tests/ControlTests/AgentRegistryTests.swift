import Foundation
import TestKit
import Testing

@testable import Control

@Suite struct AgentRegistryTests {
  let folder: TemporaryFolder
  var run: String { folder.path("run") }

  init() throws {
    folder = try TemporaryFolder()
    try folder.makeFolder("run")
    chmod(folder.path("run"), 0o755)
    chmod(folder.path, 0o755)
  }

  /// A listening socket in the runtime folder; it dies with the value.
  final class Listener {
    let descriptor: Int32
    let path: String
    init(_ path: String) {
      self.path = path
      descriptor = Names.newSocket()
      #expect(Names.withAddress(path, { bind(descriptor, $0, $1) }) == 0)
      #expect(listen(descriptor, 64) == 0)
    }
    deinit { close(descriptor) }
  }

  private func listener(_ name: String = "a.sock") -> Listener { Listener("\(run)/\(name)") }

  private func entry(_ listener: Listener, roots: [String] = ["/a"], state: String = "/state") -> AgentEntry {
    AgentEntry(pid: getpid(), socket: listener.path, state: state, roots: roots)
  }

  private func found(caller: uid_t = geteuid()) -> [AgentEntry] { AgentRegistry.all(in: [run], caller: caller) }

  private func file(_ entry: AgentEntry) -> String { "run/\(entry.fileName)" }

  @Test func anEntryIsWrittenFoundAndRemoved() throws {
    let listener = listener()
    let entry = entry(listener, roots: ["/a/ä %41", "/b/"])
    try AgentRegistry.write(entry, in: run)
    #expect(found() == [entry])
    #expect(found().first?.roots == [Array("/a/ä %41".utf8), Array("/b".utf8)])
    #expect(status(folder.path(file(entry)))?.st_mode == S_IFREG | 0o644)
    #expect(try folder.list("run").count == 2)
    let text = try folder.read(file(entry))
    #expect(text.hasPrefix(#"{"schema":"promptdrop.agent/1","pid":\#(getpid()),"socket":"\#(run)/a.sock","#))
    #expect(text.hasSuffix(#""state":"/state","roots":["/a/ä %2541","/b"]}"# + "\n"))
    AgentRegistry.remove(entry, in: run)
    #expect(found() == [])
    #expect(try folder.list("run") == ["a.sock"])
  }

  @Test func anEntryIsReplacedInOneStep() throws {
    let listener = listener()
    try AgentRegistry.write(entry(listener, roots: ["/a"]), in: run)
    try AgentRegistry.write(entry(listener, roots: ["/b"]), in: run)
    #expect(found() == [entry(listener, roots: ["/b"])])
  }

  @Test func theFolderIsMadeAndItsFailureSaid() throws {
    let listener = listener()
    try AgentRegistry.write(entry(listener), in: folder.path("new/run"))
    #expect(AgentRegistry.all(in: [folder.path("new/run")]).count == 1)
    try folder.write("file", "")
    #expect(throws: ControlError.self) { try AgentRegistry.write(entry(listener), in: folder.path("file/run")) }
  }

  @Test func pathsThatAreNotUTF8Survive() throws {
    let listener = listener()
    var random = SplitMix64(seed: SplitMix64.seeds()[0])
    for _ in 0..<2000 {
      let bytes = (0..<Int.random(in: 0...12, using: &random)).map { _ -> UInt8 in
        random.one(of: [0x25, 0x34, 0x31, 0xC3, 0xA4, 0xE2, 0x82, 0xAC, 0xF0, 0x9F, 0xED, 0xA0, 0x80, 0xFF, 10, 34])
      }
      #expect(PathText.bytes(PathText.text(bytes)) == bytes, "seed \(random.seed)")
    }
    let entry = AgentEntry(pid: 1, socket: listener.path, state: "/s", roots: [[47, 0xFF, 0xC3, 37], [47]])
    #expect(AgentEntry(json: entry.json) == entry)
    #expect(String(decoding: entry.json, as: UTF8.self).contains(#"["/%FF%C3%25","/"]"#))
  }

  @Test func aPathIsCoveredByAFolderThatIsItAboveItOrBelowIt() throws {
    let listeners = (0..<3).map { listener("\($0).sock") }
    let outer = entry(listeners[0], roots: ["/a/b", "/x"])
    let inner = entry(listeners[1], roots: ["/a/b/c/d"])
    let other = entry(listeners[2], roots: ["/a/bc"])
    for entry in [outer, inner, other] { try AgentRegistry.write(entry, in: run) }
    func covering(_ path: String) -> [AgentEntry] { AgentRegistry.find(covering: Array(path.utf8), in: [run]) }
    #expect(covering("/a/b") == [outer, inner])
    #expect(covering("/a/b/") == [outer, inner])
    #expect(covering("/a/b/c/d/e.prompt") == [inner, outer])
    #expect(covering("/a/b/e.prompt") == [outer])
    #expect(covering("/a/bc") == [other])
    #expect(covering("/a/bcd") == [])
    #expect(Set(covering("/a")) == [outer, inner, other])
    #expect(Set(covering("/")) == [outer, inner, other])
    #expect(covering("/x/y") == [outer])
    #expect(covering("/y") == [])
    // Two spellings of one letter are two names.
    try AgentRegistry.write(entry(listeners[2], roots: ["/u/\u{E9}"]), in: run)
    #expect(covering("/u/e\u{301}") == [])
    #expect(covering("/u/\u{E9}/x").count == 1)
  }

  @Test func aRootFolderCoversEverything() throws {
    let listener = listener()
    try AgentRegistry.write(entry(listener, roots: ["/"]), in: run)
    #expect(AgentRegistry.find(covering: Array("/any/where".utf8), in: [run]).count == 1)
  }

  @Test func anAgentIsFoundByItsStateFolder() throws {
    let (one, two) = (listener("1.sock"), listener("2.sock"))
    try AgentRegistry.write(entry(one, state: "/state/1"), in: run)
    try AgentRegistry.write(entry(two, state: "/state/2"), in: run)
    #expect(AgentRegistry.find(state: "/state/2", in: [run]).map(\.socket) == [two.path])
    #expect(AgentRegistry.find(state: "/state", in: [run]) == [])
  }

  @Test func foldersAreLookedAtInTheirOrderAndAgentsCountOnce() throws {
    let (one, two) = (listener("1.sock"), listener("2.sock"))
    try AgentRegistry.write(entry(one), in: folder.path("later"))
    try AgentRegistry.write(entry(one), in: run)
    try AgentRegistry.write(entry(two), in: folder.path("later"))
    let all = AgentRegistry.all(in: [folder.path("missing"), run, folder.path("later")])
    #expect(all.map(\.socket) == [one.path, two.path])
  }

  @Test func entriesOfAgentsThatAreGoneAreRemovedWithTheirSockets() throws {
    var gone: Listener? = listener("gone.sock")
    let alive = listener("alive.sock")
    var elsewhere: Listener? = Listener(folder.path("elsewhere.sock"))
    let entries = [gone, alive, elsewhere].compactMap { $0 }.map { entry($0) }
    for entry in entries { try AgentRegistry.write(entry, in: run) }
    try AgentRegistry.write(AgentEntry(pid: getpid(), socket: "\(run)/none.sock", state: "/s", roots: ["/a"]), in: run)
    #expect(found().count == 3)
    #expect(try folder.list("run").filter { $0.hasSuffix(".json") }.count == 3)
    (gone, elsewhere) = (nil, nil)
    #expect(found() == [entries[1]])
    #expect(try folder.list("run").filter { $0.hasSuffix(".json") } == [entries[1].fileName])
    #expect(!folder.exists("run/gone.sock"))
    #expect(folder.exists("elsewhere.sock"))
  }

  @Test func theSocketTellsWhetherAnAgentLivesNotItsProcess() throws {
    // A process of another container has a number that means nothing here.
    let listener = listener()
    let entry = AgentEntry(pid: 0x3FFF_FFFF, socket: listener.path, state: "/s", roots: ["/a"])
    try AgentRegistry.write(entry, in: run)
    #expect(found() == [entry])
    // What has taken the socket's place cannot be tried, so the process decides.
    try folder.remove("run/a.sock")
    try folder.write("run/a.sock", "")
    #expect(found() == [])
    #expect(folder.exists("run/a.sock"))
  }

  @Test func whatIsNoEntryIsPassedOver() throws {
    let listener = listener()
    let good = entry(listener)
    try AgentRegistry.write(good, in: run)
    let text = try folder.read(file(good))
    let bad = [
      "", "{", "null", "[]", text.replacing("agent/1", with: "agent/2"), text.replacing("\"/a\"", with: "\"a\""),
      text.replacing("\"pid\":\(getpid())", with: "\"pid\":-1"), text.replacing("/state", with: "/state%00"),
      text + String(repeating: " ", count: 1 << 20),
    ]
    for (number, text) in bad.enumerated() { try folder.write("run/agent-bad\(number).json", text) }
    try folder.write("run/other.json", text)
    try folder.write("linked.json", text)
    symlink(folder.path("linked.json"), folder.path("run/agent-link.json"))
    mkfifo(folder.path("run/agent-pipe.json"), 0o600)
    try folder.makeFolder("run/agent-folder.json")
    #expect(found() == [good])
    #expect(try folder.list("run").count == bad.count + 6)
  }

  @Test func aFileThatOthersMayWriteOrHaveLinkedIsNotBelieved() throws {
    let listener = listener()
    let entry = entry(listener)
    try AgentRegistry.write(entry, in: run)
    chmod(folder.path(file(entry)), 0o664)
    #expect(found() == [])
    chmod(folder.path(file(entry)), 0o644)
    #expect(found() == [entry])
    link(folder.path(file(entry)), folder.path("second"))
    #expect(found() == [])
  }

  // What the user wrote himself is believed in any folder.
  @Test func onesOwnEntriesAreBelievedWhereOthersMayWrite() throws {
    let listener = listener()
    try AgentRegistry.write(entry(listener), in: run)
    chmod(run, 0o777)
    #expect(found().count == 1)
    // To another user they are strangers' ones, in a folder where anybody could have put them.
    guard geteuid() != 0 else { return }
    #expect(found(caller: geteuid() + 1) == [])
  }

  @Test(.enabled(if: geteuid() == 0, "only root can give files away"))
  func anotherUsersEntriesAreBelievedInAFolderThatRootGaveThatUser() throws {
    let (service, user): (uid_t, uid_t) = (4242, 4343)
    let listener = listener()
    let entry = entry(listener)
    try AgentRegistry.write(entry, in: run)
    for path in [run, listener.path, folder.path(file(entry))] { chown(path, service, service) }
    #expect(found(caller: user) == [entry])
    #expect(found(caller: 0) == [entry])

    // Somebody else could have written it.
    chmod(run, 0o775)
    #expect(found(caller: user) == [])
    chmod(run, 0o1777)
    #expect(found(caller: user) == [])
    chmod(run, 0o755)
    // Somebody else could have made the folder, as in /tmp.
    chmod(folder.path, 0o1777)
    #expect(found(caller: user) == [])
    chmod(folder.path, 0o755)
    chown(folder.path, 4444, 4444)
    #expect(found(caller: user) == [])
    chown(folder.path, user, user)
    #expect(found(caller: user) == [entry])
    chown(folder.path, 0, 0)
    // The socket is another's.
    chown(listener.path, 4444, 4444)
    #expect(found(caller: user) == [])
    chown(listener.path, service, service)
    // The file is neither the folder's owner's nor the user's.
    chown(folder.path(file(entry)), 4444, 4444)
    #expect(found(caller: user) == [])
    #expect(found(caller: 4444) == [entry])
    #expect(folder.exists(file(entry)))
  }
}
