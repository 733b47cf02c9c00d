import JobCore

// Answers that are not understood. A picture may be in them, and it is paid for: they go to the state folder, where their
// owner finds them.
extension Pipeline {
  /// The same outcome, its answer kept where it is one that is not understood.
  func keepingAnswer(of outcome: QueryOutcome, _ key: SlotKey, _ entry: ActiveJob) async -> QueryOutcome {
    guard case .report(var report) = outcome, case .notUnderstood(var odd) = report.phase else { return outcome }
    let name = answerName(key, entry.job)
    let path = "\(files.keptFolder)/\(DropPath.display(name))"
    do throws(LocalTrouble) {
      try await files.keepBytes(odd.answer, as: name)
      odd.whereKept = "The service's answer is kept as \(path)."
    } catch {
      if error.isFatal { fail(error) }
      observer.notice(.warning, error.error)
      // Nothing is lost by it: the service gives the same answer again.
      odd.whereKept = "The service's answer could not be kept: \(error.error.message)"
    }
    report.phase = .notUnderstood(odd)
    return .report(report)
  }

  // The job's, so that no two are the same, and the prompt's, for people. The same answer again takes its place.
  private func answerName(_ key: SlotKey, _ job: Job) -> [UInt8] {
    let unique = "\(job.id.text.suffix(8))-\(key.revision)-\(key.number)"
    return Array(job.stem.prefix(180)) + Array(".\(unique).answer.json".utf8)
  }
}
