import Foundation
import TestKit
import Testing

@testable import Control

@Suite struct RegistryFoldersTests {
  let folder: TemporaryFolder
  let me = geteuid()

  init() throws { folder = try TemporaryFolder() }

  private var places: AgentRegistry.Places {
    AgentRegistry.Places(system: folder.path("run/promptdrop"), temporary: folder.path)
  }

  private func home(
    _ explicit: String? = nil, _ environment: [String: String] = [:], uid: uid_t
  ) throws(ControlError) -> String {
    try AgentRegistry.home(explicit, environment, uid, places)
  }

  @Test func aCommandLooksInAllPlacesOnce() {
    #expect(
      AgentRegistry.directories(environment: [:], uid: 7) == ["/run/promptdrop", "/tmp/promptdrop-7"])
    let environment = ["RUNTIME_DIRECTORY": "/run/pd:/run/other", "XDG_RUNTIME_DIR": "/run/user/7"]
    #expect(
      AgentRegistry.directories(explicit: "/x", environment: environment, uid: 7)
        == ["/x", "/run/pd", "/run/other", "/run/promptdrop", "/run/user/7/promptdrop", "/tmp/promptdrop-7"])
    let odd = ["RUNTIME_DIRECTORY": "/run/promptdrop", "XDG_RUNTIME_DIR": "relative"]
    #expect(AgentRegistry.directories(environment: odd, uid: 7) == ["/run/promptdrop", "/tmp/promptdrop-7"])
  }

  @Test func anAgentsPlaceIsTheFirstThatApplies() throws {
    try folder.makeFolder("xdg")
    let environment = ["RUNTIME_DIRECTORY": folder.path("service") + ":/x", "XDG_RUNTIME_DIR": folder.path("xdg")]
    #expect(try home(folder.path("own/place"), environment, uid: me) == folder.path("own/place"))
    #expect(try home(nil, environment, uid: me) == folder.path("service"))
    #expect(try home(uid: 0) == folder.path("run/promptdrop"))
    for name in ["own/place", "service", "run/promptdrop"] {
      #expect(status(folder.path(name))?.st_mode == S_IFDIR | 0o755)
    }
    #expect(throws: ControlError.self) { try home("relative", uid: me) }
    try folder.write("file", "")
    #expect(throws: ControlError.self) { try home(folder.path("file"), uid: me) }
  }

  @Test(.enabled(if: geteuid() == 0, "only root can give folders away"))
  func aUsersPlaceIsInTheUsersRuntimeFolder() throws {
    try folder.makeFolder("xdg")
    let environment = ["XDG_RUNTIME_DIR": folder.path("xdg")]
    chown(folder.path("xdg"), 4242, 4242)
    #expect(try home(nil, environment, uid: 4242) == folder.path("xdg/promptdrop"))
    #expect(status(folder.path("xdg/promptdrop"))?.st_mode == S_IFDIR | 0o700)
    // After su, the variable is still the former user's.
    try folder.makeFolder("promptdrop-4343")
    chmod(folder.path("promptdrop-4343"), 0o700)
    chown(folder.path("promptdrop-4343"), 4343, 4343)
    #expect(try home(nil, environment, uid: 4343) == folder.path("promptdrop-4343"))
    // Somebody else was there first.
    chown(folder.path("promptdrop-4343"), 4242, 4242)
    #expect { try home(uid: 4343) } throws: { "\($0)".contains("belongs to somebody else") }
  }

  @Test func thePlaceInTmpIsTheUsersOwn() throws {
    let uid = me == 0 ? 0 : me
    let path = folder.path("promptdrop-\(uid)")
    // For root there is a better place; the rules are those of the same function.
    func home() throws(ControlError) -> String { try AgentRegistry.privateFolder(path, uid) }
    #expect(try home() == path)
    #expect(status(path)?.st_mode == S_IFDIR | 0o700)
    #expect(try home() == path)
    chmod(path, 0o710)
    #expect { try home() } throws: { "\($0)".contains("others can enter") }
    rmdir(path)
    try folder.makeFolder("elsewhere")
    chmod(folder.path("elsewhere"), 0o700)
    symlink(folder.path("elsewhere"), path)
    #expect { try home() } throws: { "\($0)".contains("not a folder") }
    unlink(path)
    try folder.write("promptdrop-\(uid)", "")
    #expect { try home() } throws: { "\($0)".contains("not a folder") }
  }
}
