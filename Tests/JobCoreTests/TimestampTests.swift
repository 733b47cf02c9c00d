import Foundation
import JobCore
import TestKit
import Testing

@Suite struct TimestampTests {
  // The C library's calendar.
  private func expected(_ moment: Timestamp) throws -> String {
    var seconds = time_t(moment.milliseconds / 1000)
    var parts = tm()
    _ = try #require(gmtime_r(&seconds, &parts))
    let numbers = [parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec]
      .map { ($0 < 10 ? "0" : "") + "\($0)" }
    let fraction = "\(moment.milliseconds % 1000 + 1000)".dropFirst()
    return "\(numbers[0])-\(numbers[1])-\(numbers[2])T\(numbers[3]):\(numbers[4]):\(numbers[5]).\(fraction)Z"
  }

  /// Any moment from 1970 to 9999.
  @Test(arguments: SplitMix64.seeds())
  func writesAndReadsRFC3339(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    for _ in 0..<2000 {
      let moment = Timestamp(milliseconds: Int64.random(in: 0..<253_402_300_800_000, using: &random))
      let text = try expected(moment)
      try #require(moment.rfc3339 == text, "seed \(seed): \(moment.milliseconds)")
      try #require(Timestamp(rfc3339: text) == moment, "seed \(seed): \(text)")
    }
  }

  /// The days around the ends of February and of the year, where calendars go wrong: of each century, and of 2024 to 2028.
  @Test func knowsTheTurnsOfTheCalendar() throws {
    for year in Array(stride(from: 2000, through: 9900, by: 100)) + Array(2024...2028) {
      for turn in ["02-28T23:59:59.999Z", "12-31T23:59:59.999Z"] {
        let before = try #require(Timestamp(rfc3339: "\(year)-\(turn)"))
        #expect(before.rfc3339 == "\(year)-\(turn)")
        for days in 0...2 {
          let moment = before + .milliseconds(1) + .seconds(86_400 * days)
          let text = try expected(moment)
          #expect(moment.rfc3339 == text && Timestamp(rfc3339: text) == moment)
        }
      }
    }
  }

  @Test(arguments: [
    ("1970-01-01T00:00:00Z", 0), ("1969-12-31T23:59:59.999Z", -1), ("2000-02-29T12:00:00.5Z", 951_825_600_500),
    ("2026-01-31T09:05:00.25Z", 1_769_850_300_250), ("2026-01-31T09:05:00.123456789Z", 1_769_850_300_123),
    ("9999-12-31T23:59:59.999Z", 253_402_300_799_999), ("2016-12-31T23:59:60Z", 1_483_228_800_000),
  ])
  func reads(text: String, milliseconds: Int64) {
    #expect(Timestamp(rfc3339: text)?.milliseconds == milliseconds)
  }

  @Test(arguments: [
    "", "2026-01-31", "2026-01-31T09:05:00", "2026-01-31T09:05:00+00:00", "2026-01-31 09:05:00Z",
    "2026-01-31T09:05:00.Z", "2026-01-31T09:05:00,5Z", "2026-13-01T00:00:00Z", "2026-00-01T00:00:00Z",
    "2026-01-00T00:00:00Z", "2026-01-32T00:00:00Z", "2026-01-31T24:00:00Z", "2026-01-31T09:60:00Z",
    "2026-01-31T09:05:61Z", "026-01-31T09:05:00Z", "2026-1-31T09:05:00.0Z", "+026-01-31T09:05:00Z",
    "2026-01-31T09:05:0xZ", "2026-01-31T09:05:00.12xZ", "2026-01-31T09:05:00ZZ", " 2026-01-31T09:05:00Z",
    "２026-01-31T09:05:00Z", "2026-01-31T09:05:00.123456789012345678901Z",
  ])
  func rejects(text: String) {
    #expect(Timestamp(rfc3339: text) == nil)
  }

  @Test(arguments: ["2026-02-29T00:00:00Z", "2026-02-30T00:00:00Z", "2026-04-31T00:00:00Z", "1900-02-29T00:00:00Z"])
  func rejectsADayThatTheMonthDoesNotHave(text: String) {
    #expect(Timestamp(rfc3339: text) == nil)
  }

  @Test func rejectsAFractionThatIsNoNumberToItsEnd() {
    #expect(Timestamp(rfc3339: "2026-01-31T09:05:00.123456789012345678xZ") == nil)
  }

  /// Adding saturates, so such moments come about; what is written of them must be readable again.
  @Test func whatIsWrittenOfTheFarthestMomentCanBeRead() {
    let farthest = start + .seconds(Int64.max)
    #expect(farthest == Timestamp(milliseconds: .max))
    #expect(Timestamp(rfc3339: farthest.rfc3339) != nil, "\(farthest.rfc3339)")
  }

  @Test func saturates() {
    #expect(Timestamp(milliseconds: -1) + .seconds(Int64.min) == Timestamp(milliseconds: .min))
    #expect(Timestamp(milliseconds: 5) - Timestamp(milliseconds: 8) == .milliseconds(-3))
    #expect(Timestamp(milliseconds: 5) < Timestamp(milliseconds: 6))
    #expect(Duration.seconds(Int64.max).milliseconds == .max)
    #expect(Duration.microseconds(-1500).milliseconds == -1)
  }

  /// What a duration holds is more than its seconds have room for: a `Retry-After` near the end of the range, and jitter.
  @Test func saturatesBeyondTheRangeOfSeconds() async {
    await #expect(processExitsWith: .success) {
      let now = Timestamp(milliseconds: 1_769_850_000_000)
      let longest = Duration.seconds(Int64.max) + .seconds(1)
      precondition((now + longest).milliseconds == .max)
      precondition((now + (.zero - longest)).milliseconds == .min)
    }
  }

  @Test func theEarliestMomentCanBeWritten() async {
    await #expect(processExitsWith: .success) {
      precondition(!Timestamp(milliseconds: .min).rfc3339.isEmpty)
    }
  }

  @Test func isCodedAsText() throws {
    let json = try JSONEncoder().encode([start])
    #expect(String(decoding: json, as: UTF8.self) == #"["2026-01-31T09:00:00.000Z"]"#)
    #expect(try JSONDecoder().decode([Timestamp].self, from: json) == [start])
    #expect(throws: DecodingError.self) { try JSONDecoder().decode([Timestamp].self, from: Data(#"["now"]"#.utf8)) }
  }
}
