import JobCore

// Which picture gets which name.
extension Job {
  /// The prompt's name without `.prompt`: what its pictures are called after.
  var stem: [UInt8] { DropNames.replacedStem(ownStem) ?? ownStem }

  /// Whether another prompt was renamed over this one: its pictures are versions of that one's.
  var isReplaced: Bool { DropNames.replacedStem(ownStem) != nil }

  private var ownStem: [UInt8] {
    switch DropNames.meaning(of: file.path.name) {
    case .prompt(let stem), .conflictCopy(let stem): stem
    default: file.path.name
    }
  }

  /// The picture's number in the file: the slot's own for its first picture; for further ones of the same task, and for
  /// those of a surplus slot, the next that no slot of the revision needs.
  func pictureNumber(slot: SlotKey, part: Int) -> Int {
    if part == 1, !slot.isSurplus { return slot.number }
    if let known = outputs.first(where: { $0.slot == slot && $0.part == part }) { return known.number }
    let taken = outputs.filter { $0.slot.revision == slot.revision }.map(\.number)
    return max(revisions[slot.revision]?.count ?? 1, taken.max() ?? 0) + 1
  }

  /// The name for a picture, at the given turn of trying: its own, then `.alt1`, … ; a version's for an earlier
  /// revision.
  func pictureName(_ output: Output, turn: Int) -> [UInt8] {
    if output.slot.revision != current || isReplaced { return versionName(output, turn: turn) }
    let ending = output.image.format.fileExtension
    return turn == 0
      ? DropNames.output(stem: stem, number: output.number, fileExtension: ending)
      : DropNames.alternative(stem: stem, number: output.number, turn: turn, fileExtension: ending)
  }

  /// The name of a picture of an earlier revision.
  func versionName(_ output: Output, turn: Int) -> [UInt8] {
    DropNames.version(
      stem: stem, number: output.number, revision: output.slot.revision, turn: turn,
      fileExtension: output.image.format.fileExtension)
  }

  /// Whether the picture has a version's name already.
  func isVersion(_ output: Output) -> Bool {
    let plain = versionName(output, turn: 0).dropLast(output.image.format.fileExtension.utf8.count)
    return output.file.starts(with: plain)
  }

  /// Whether another picture of the file has this name.
  func owns(_ name: [UInt8], besides output: Output) -> Bool {
    outputs.contains { $0.file == name && $0.isInPlace && !($0.slot == output.slot && $0.part == output.part) }
  }

  /// Enters a picture, in the place of the same slot's same part.
  mutating func setOutput(_ output: Output) {
    if let index = outputs.firstIndex(where: { $0.slot == output.slot && $0.part == output.part }) {
      outputs[index] = output
    } else {
      outputs.append(output)
    }
  }
}
