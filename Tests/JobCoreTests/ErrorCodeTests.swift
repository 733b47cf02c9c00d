import JobCore
import TestKit
import Testing
import Foundation

@Suite struct ErrorCodeTests {
  /// What a version before wrote is read back with what it is about.
  @Test(arguments: [
    ("root-gone", true, true, false), ("folder-gone", false, true, false), ("disk-full", false, false, true),
    ("read-only", false, false, true), ("too-many-files", true, false, false), ("file-in-use", true, false, false),
    ("some-code-of-tomorrow", false, false, false),
  ])
  func whatACodeIsAboutIsReadBack(_ word: String, ofMachine: Bool, ofPlace: Bool, ofDisk: Bool) throws {
    let text = #"{"code":"\#(word)","message":"It is so.","retryable":true}"#
    let error = try JSONDecoder().decode(JobError.self, from: Data(text.utf8))
    #expect(error.code.rawValue == word && "\(error.code)" == word)
    #expect(error.isOfMachine == ofMachine && error.isOfPlace == ofPlace && error.isOfDisk == ofDisk)
    let again = try JSONDecoder().decode(JobError.self, from: try JSONEncoder().encode(error))
    #expect(again == error && again.code.subject == error.code.subject)
  }

  @Test func whatStandsBesideThePromptIsNotThePrompts() {
    for flaw in ErrorCode.SettingsFlaw.allCases {
      #expect(ErrorCode.settings(.folderDefaults, flaw).subject == .companion)
      #expect(ErrorCode.settings(.frontMatter, flaw).subject == .other)
      #expect(ErrorCode(rawValue: "folder-defaults-\(flaw.rawValue)").subject == .companion)
    }
    #expect(ErrorCode(rawValue: "image-bad-url").subject == .companion)
    #expect(ErrorCode(rawValue: "reference-missing").subject == .other)
  }

  @Test func aHoldsReasonIsItsCode() {
    #expect(ErrorCode.held(.burst).heldReason == .burst && ErrorCode.diskFull.heldReason == nil)
    #expect(ErrorCode.notOurs.allSatisfy { $0.subject == .owner })
  }
}
