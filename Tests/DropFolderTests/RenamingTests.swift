import Foundation
import Glibc
import TestKit
import Testing

@testable import DropFolder

/// A name that nothing has, on file systems that can rename without replacing and on those that cannot.
@Suite struct RenamingTests {
  private let place: TemporaryFolder

  init() throws {
    place = try TemporaryFolder()
    try place.write("new", "new")
  }

  private func move(_ isByPlaceholder: Bool) throws(SystemError) {
    let folder = Descriptor(owning: open(place.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC))
    if isByPlaceholder {
      try moveOverPlaceholder(Array("new".utf8), in: folder.number, to: Array("name".utf8), in: folder.number)
    } else {
      try moveToNewName(Array("new".utf8), in: folder.number, to: Array("name".utf8), in: folder.number)
    }
  }

  @Test(arguments: [false, true]) func getsIt(_ isByPlaceholder: Bool) throws {
    try move(isByPlaceholder)
    #expect(try place.list("") == ["name"])
    #expect(try place.bytes("name") == Array("new".utf8))
  }

  @Test(arguments: [false, true]) func doesNotReplace(_ isByPlaceholder: Bool) throws {
    try place.write("name", "old")
    let error = #expect(throws: SystemError.self) { try move(isByPlaceholder) }
    #expect(error?.number == EEXIST)
    #expect(try place.list("") == ["name", "new"])
    #expect(try place.bytes("name") == Array("old".utf8))
  }

  @Test(arguments: [false, true]) func takesNoNameForNothing(_ isByPlaceholder: Bool) throws {
    try place.remove("new")
    let error = #expect(throws: SystemError.self) { try move(isByPlaceholder) }
    #expect(error?.number == ENOENT)
    #expect(try place.list("") == [])
  }
}
