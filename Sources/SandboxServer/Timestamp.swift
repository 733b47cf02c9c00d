import Foundation

/// The time of day as the service writes it.
enum Timestamp {
  /// ISO 8601, UTC, with milliseconds.
  static func now() -> String {
    let milliseconds = Int(Date().timeIntervalSince1970 * 1000)
    let days = milliseconds / 86_400_000
    let inDay = milliseconds % 86_400_000
    // Howard Hinnant's civil_from_days: a formatter costs more than the rest of a submit.
    let shifted = days + 719_468
    let era = shifted / 146_097
    let dayOfEra = shifted % 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let month = (5 * dayOfYear + 2) / 153
    let day = dayOfYear - (153 * month + 2) / 5 + 1
    let calendarMonth = month < 10 ? month + 3 : month - 9
    let year = yearOfEra + era * 400 + (calendarMonth <= 2 ? 1 : 0)
    return "\(year)-\(pad(calendarMonth))-\(pad(day))T\(pad(inDay / 3_600_000)):\(pad(inDay / 60_000 % 60)):"
      + "\(pad(inDay / 1000 % 60)).\(inDay % 1000 < 100 ? "0" : "")\(pad(inDay % 1000))Z"
  }

  private static func pad(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
}
