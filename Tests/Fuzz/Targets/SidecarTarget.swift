#if DEBUG
  import JobCore

  extension FuzzTarget {
    /// `NAME.status.json`, as somebody synced it in.
    static let sidecar = FuzzTarget("sidecar", maxLength: 8192) { raw in
      let bytes = Array(raw)
      guard let sidecar = Understanding.reader.sidecar(bytes) else { return }
      try hold(StatusSidecar.isOurs(bytes), "believed without its mark")
      let written = sidecar.encoded()
      guard let again = Understanding.reader.sidecar(written) else {
        throw Broken(what: "what was written is not read: \(String(decoding: written, as: UTF8.self))")
      }
      var believed = sidecar
      // What belongs to a path is not written of an image without one.
      for index in (believed.snapshot?.images ?? []).indices where believed.snapshot?.images[index].path == nil {
        believed.snapshot?.images[index].sha256 = nil
        believed.snapshot?.images[index].bytes = nil
      }
      try hold(again == believed, "another one after writing: \(again), not \(believed)")
      try hold(again.encoded() == written, "the same values, other bytes")
      try hold((-1...5).allSatisfy { again.taskID(slot: $0) == sidecar.taskID(slot: $0) }, "another task id")
    }
  }
#endif
