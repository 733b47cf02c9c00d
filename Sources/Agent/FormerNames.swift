import JobCore

/// What of a prompt was found under a name that is not the very one.
struct FoundByName {
  /// Its image list.
  var list: Bool
  /// A reference image.
  var image: Bool
}

// Prompts that an earlier version refused because it compared names byte by byte: an update pays for none of them.
extension Pipeline {
  /// Leaves a refusal of an earlier version standing that only today's rules of names have solved; nil where there is none, or
  /// the prompt, its list or an image has changed since the update, or a person has said retry.
  func keepFormerRefusal(
    _ file: FileKey, _ known: KnownFile?, _ taken: TakenStamp, _ found: FoundByName, _ start: Duration
  ) -> Plan? {
    guard let known, let note = known.note, let missing = note.missing, note.isOfFormerNames || known.stamp == taken
    else { return nil }
    let isSolvedByName =
      switch missing {
      case .image: found.image
      case .list: found.list
      }
    guard isSolvedByName else { return nil }
    var error = note.error
    error.hint =
      "Since the update a file whose name is only spelled in another way is found, but nothing is paid for unasked: "
      + "promptdrop retry FILE has the prompt made with it. So does a change of the prompt, its list or the image."
    return refuse(file, known, taken, note.state, start, error)
  }

  /// Whether `retry` brings a file on that waits: only a person's word ends what an update left standing.
  func isKeptRefusal(_ job: Job) -> Bool {
    job.note.map { $0.missing != nil && ($0.isOfFormerNames || job.stamp != nil) } ?? false
  }
}
