import Foundation
import JobCore
import TestKit
import Testing

@testable import JobJournal

/// Who an agent is, kept beside the journal.
@Suite struct IdentityFileTests {
  private let place: TemporaryFolder

  init() throws { place = try TemporaryFolder() }

  private func open(_ name: String = "state") throws -> IdentityFile {
    try #require(try IdentityFile(existingIn: StateFolder(place.path(name))))
  }

  private func make(_ formerly: Set<String> = []) throws {
    _ = try IdentityFile(newIn: StateFolder(place.path("state")), formerly: formerly)
  }

  @Test func itStaysTheSame() throws {
    #expect(try IdentityFile(existingIn: StateFolder(place.path("state"))) == nil)
    try make(["0123456789abcdef"])
    let (id, run) = try {
      let first = try open()
      return (first.id, try first.run())
    }()
    let second = try open()
    #expect(second.id == id && id.wholeMatch(of: /[0-9a-f]{16}/) != nil && run.hasPrefix("1-"))
    #expect(second.isMine(id) && second.isMine("0123456789abcdef") && !second.isMine("fedcba9876543210"))
    #expect(second.knows(run: run))
    #expect(try second.run().hasPrefix("2-") && second.run() == second.run(), "one run is one word")
  }

  @Test func runsOfACopyAreNotKnown() throws {
    try make()
    let before = try open().run()
    try FileManager.default.copyItem(atPath: place.path("state"), toPath: place.path("copy"))
    let (here, there) = (try open(), try open("copy"))
    let (mine, other) = (try here.run(), try there.run())
    #expect(mine != other && here.id == there.id)
    #expect(here.knows(run: before) && there.knows(run: before) && here.knows(run: mine))
    #expect(!here.knows(run: other) && !there.knows(run: mine))
    for odd in ["", "1", "-1-0123456789abcdef", "0-0123456789abcdef", "9-0123456789abcdef", "1-", "x-y", mine + "0"] {
      #expect(!here.knows(run: odd), "\(odd)")
    }
  }

  @Test func aRecordThatWasCutShortCountsForNothing() throws {
    try make()
    let before = try open().run()
    let file = "state/identity-runs"
    try place.write(file, bytes: try place.bytes(file) + [1, 2, 3])
    let identity = try open()
    #expect(identity.knows(run: before))
    #expect(try identity.run().hasPrefix("2-"))
    #expect(try place.bytes(file).count == 16)
  }

  @Test func itCanBecomeAnother() throws {
    try make(["0123456789abcdef"])
    let identity = try open()
    let (id, run) = (identity.id, try identity.run())
    try identity.renew()
    #expect(identity.id != id && !identity.isMine(id) && !identity.isMine("0123456789abcdef"))
    #expect(!identity.knows(run: run))
    #expect(try identity.run().hasPrefix("1-"))
    let (renewed, next) = (identity.id, try identity.run())
    try FileManager.default.copyItem(atPath: place.path("state"), toPath: place.path("later"))
    let later = try open("later")
    #expect(later.id == renewed && later.knows(run: next))
  }

  @Test func aStateThatWasUsedIsDistinguishedFromANewOne() throws {
    #expect(try !StateFolder(place.path("new")).hasHistory)
    #expect(try !StateFolder(place.path("new")).hasHistory, "a lock is no history")
    try place.write("old/journal.sqlite", "")
    #expect(try StateFolder(place.path("old")).hasHistory)
  }
}
