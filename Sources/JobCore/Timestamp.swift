/// A moment of UTC wall-clock time, in whole milliseconds since 1970-01-01T00:00:00Z.
public struct Timestamp: Hashable, Comparable, Sendable {
  /// Milliseconds since the Unix epoch.
  public var milliseconds: Int64

  /// Makes a moment from milliseconds since the Unix epoch.
  public init(milliseconds: Int64) { self.milliseconds = milliseconds }

  /// Earlier than.
  public static func < (a: Timestamp, b: Timestamp) -> Bool { a.milliseconds < b.milliseconds }

  /// The moment `duration` later, saturating at the ends of the range.
  public static func + (a: Timestamp, duration: Duration) -> Timestamp {
    let added = duration.milliseconds
    let (sum, overflow) = a.milliseconds.addingReportingOverflow(added)
    if overflow || added == .min || added == .max { return Timestamp(milliseconds: added < 0 ? .min : .max) }
    return Timestamp(milliseconds: sum)
  }

  /// The time from `b` to `a`.
  public static func - (a: Timestamp, b: Timestamp) -> Duration {
    .milliseconds(a.milliseconds.subtractingReportingOverflow(b.milliseconds).partialValue)
  }

  /// RFC 3339 in UTC with milliseconds, such as `2026-01-31T09:05:00.250Z`.
  public var rfc3339: String {
    String(unsafeUninitializedCapacity: Self.textLength) { text in
      text.baseAddress.map(putText)
      return Self.textLength
    }
  }

  // How many bytes the RFC 3339 form has.
  static let textLength = 24

  // Puts the RFC 3339 form there: `textLength` bytes, which need not be initialised.
  func putText(_ text: UnsafeMutablePointer<UInt8>) {
    // RFC 3339 has four digits for the year: what lies beyond is written as the last moment of 9999.
    let bounded = min(max(milliseconds, Self.earliestShown), Self.latestShown)
    let seconds = bounded.floorDiv(1000)
    let ms = Int(bounded - seconds * 1000)
    let days = seconds.floorDiv(86_400)
    let clock = Int(seconds - days * 86_400)
    let (y, m, d) = Timestamp.civil(fromDays: days)
    var end = 0
    func append(_ number: Int, digits: Int, then sign: Unicode.Scalar) {
      var rest = number
      for place in (end..<(end + digits)).reversed() {
        text[place] = UInt8(ascii: "0") + UInt8(rest % 10)
        rest /= 10
      }
      end += digits
      text[end] = UInt8(ascii: sign)
      end += 1
    }
    append(y, digits: 4, then: "-")
    append(m, digits: 2, then: "-")
    append(d, digits: 2, then: "T")
    append(clock / 3600, digits: 2, then: ":")
    append(clock / 60 % 60, digits: 2, then: ":")
    append(clock % 60, digits: 2, then: ".")
    append(ms, digits: 3, then: "Z")
  }

  private static let earliestShown: Int64 = -62_167_219_200_000
  private static let latestShown: Int64 = 253_402_300_799_999

  /// Reads RFC 3339 in UTC (`Z`), with or without a fraction; nil for anything else.
  public init?(rfc3339 text: String) {
    let bytes = Array(text.utf8)
    guard bytes.count >= 20, bytes.count <= 40, bytes.last == UInt8(ascii: "Z") else { return nil }
    func number(_ range: Range<Int>) -> Int64? {
      var value: Int64 = 0
      for byte in bytes[range] {
        guard byte >= 48, byte <= 57 else { return nil }
        value = value * 10 + Int64(byte - 48)
      }
      return value
    }
    guard let y = number(0..<4), let m = number(5..<7), let d = number(8..<10), let hour = number(11..<13),
      let minute = number(14..<16), let second = number(17..<19), (1...12).contains(m), (1...31).contains(d),
      hour < 24, minute < 60, second < 61, bytes[4] == 45, bytes[7] == 45, bytes[10] == 84, bytes[13] == 58,
      bytes[16] == 58
    else { return nil }
    var ms: Int64 = 0
    if bytes[19] == UInt8(ascii: ".") {
      let fraction = 20..<(bytes.count - 1)
      guard !fraction.isEmpty, bytes[fraction].allSatisfy({ $0 >= 48 && $0 <= 57 }) else { return nil }
      let three = Array(bytes[fraction].prefix(3)) + Array(repeating: 48, count: max(0, 3 - fraction.count))
      for byte in three { ms = ms * 10 + Int64(byte) - 48 }
    } else if bytes.count != 20 {
      return nil
    }
    let days = Timestamp.days(fromCivil: y, m, d)
    // A day that the month does not have comes back as another one.
    guard Timestamp.civil(fromDays: days) == (Int(y), Int(m), Int(d)) else { return nil }
    self.init(milliseconds: (days * 86_400 + hour * 3600 + minute * 60 + second) * 1000 + ms)
  }

  // Howard Hinnant's civil-calendar arithmetic (chrono-compatible low-level date algorithms), proleptic Gregorian.
  private static func civil(fromDays days: Int64) -> (Int, Int, Int) {
    let z = days + 719_468
    let era = z.floorDiv(146_097)
    let dayOfEra = z - era * 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shifted = (5 * dayOfYear + 2) / 153
    let month = shifted < 10 ? shifted + 3 : shifted - 9
    return (Int(yearOfEra + era * 400 + (month <= 2 ? 1 : 0)), Int(month), Int(dayOfYear - (153 * shifted + 2) / 5 + 1))
  }

  private static func days(fromCivil year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
    let y = month <= 2 ? year - 1 : year
    let era = y.floorDiv(400)
    let yearOfEra = y - era * 400
    let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
    return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
  }
}

extension Int64 {
  fileprivate func floorDiv(_ divisor: Int64) -> Int64 {
    let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
    return remainder < 0 ? quotient - 1 : quotient
  }
}

extension Duration {
  /// The duration in whole milliseconds, rounded towards zero, saturating.
  public var milliseconds: Int64 {
    // `components` traps beyond what its seconds can hold.
    if self >= .seconds(Int64.max / 1000) { return .max }
    if self <= .seconds(Int64.min / 1000) { return .min }
    let (seconds, attoseconds) = components
    return seconds * 1000 + attoseconds / 1_000_000_000_000_000
  }
}

extension Timestamp: Codable {
  /// Reads the RFC 3339 form.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    guard let value = Timestamp(rfc3339: try container.decode(String.self)) else {
      throw DecodingError.dataCorruptedError(in: container, debugDescription: "not a time in RFC 3339, UTC")
    }
    self = value
  }

  /// Writes the RFC 3339 form.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(rfc3339)
  }
}
