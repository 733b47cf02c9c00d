import CLinux
import Glibc
import JobCore

// Files that change their folders: with a prompt that was moved, and while its folder is not there at all.
extension FolderFiles {
  /// Moves a file from beside one prompt to beside another.
  public func move(
    _ name: [UInt8], from former: FileKey, to new: [UInt8], beside prompt: FileKey
  ) async throws(LocalTrouble) -> Bool {
    try await tryOnWorker { () throws(LocalTrouble) in
      let source: Descriptor
      do throws(SystemError) {
        source = try self.open(former.root, former.path.directory.bytes, O_RDONLY | O_DIRECTORY)
      } catch {
        if error.number == ENOENT || error.number == ENOTDIR { return false }
        throw LocalTrouble(error, doing: "open the folder of", former.path.display)
      }
      let target = try self.openFolder(of: prompt)
      do throws(SystemError) {
        do throws(SystemError) {
          try moveToNewName(name, in: source.number, to: new, in: target.number)
        } catch {
          switch error.number {
          case EEXIST, ENOENT: return false
          case EXDEV: guard try self.copy(name, in: source, to: new, in: target) else { return false }
          default: throw error
          }
        }
        try target.sync()
        try source.sync()
        return true
      } catch {
        throw LocalTrouble(error, doing: "move to", prompt.sibling(new).path.display)
      }
    }
  }

  // To another file system: the copy is whole and durable before the original goes.
  private func copy(
    _ name: [UInt8], in source: borrowing Descriptor, to new: [UInt8], in target: borrowing Descriptor
  ) throws(SystemError) -> Bool {
    let temporary = newTemporary()
    try copy(source.open(name, O_RDONLY | O_NONBLOCK), to: temporary, in: target)
    do throws(SystemError) {
      try renameWithin(target.number, temporary, to: new, replacing: false)
      try target.sync()
    } catch {
      unlinkat(target.number, cString(temporary), 0)
      if error.number == EEXIST { return false }
      throw error
    }
    if unlinkat(source.number, cString(name), 0) != 0, errno != ENOENT { throw SystemError(errno) }
    return true
  }

  private func copy(
    _ source: borrowing Descriptor, to temporary: [UInt8], in target: borrowing Descriptor
  ) throws(SystemError) {
    let file = try target.open(temporary, O_WRONLY | O_CREAT | O_EXCL, mode: 0o666)
    do throws(SystemError) {
      var offset = 0
      while true {
        let part = try source.read(at: offset, count: 1_048_576)
        if part.isEmpty { break }
        try file.write(part)
        offset += part.count
      }
      try file.sync()
    } catch {
      unlinkat(target.number, cString(temporary), 0)
      throw error
    }
  }

  /// Whether pictures can be put beside the prompt.
  public func hasPlace(beside prompt: FileKey, device: UInt64?) async -> Bool {
    // A picture in a recycle bin is thrown away with it.
    if isLeftOut(prompt) { return false }
    // The root is open already: it is there.
    if prompt.path.directory.bytes.isEmpty, let place = roots[prompt.root]?.place,
      device == nil || place.identity.device == device
    {
      return true
    }
    return await onWorker(few(prompt.root)) {
      do throws(SystemError) {
        let folder = try self.open(prompt.root, prompt.path.directory.bytes, pd_o_path | O_DIRECTORY)
        let status = try folder.status()
        if device == nil || UInt64(status.st_dev) == device { return true }
        // Another file system than the prompt's: it was unmounted, and this is what lies below it; or it was moved along.
        _ = try folder.open(prompt.path.name, pd_o_path)
        return true
      } catch {
        // What is wrong otherwise is found, and said, by whoever writes there.
        return ![ENOENT, ENOTDIR, ENODEV, ELOOP].contains(error.number)
      }
    }
  }

  // MARK: the state folder

  /// Begins a temporary file in the state folder.
  public func stageKept() async throws(LocalTrouble) -> any StagedFile {
    StagedPicture(
      files: self, folder: { _ throws(LocalTrouble) in OpenFolder(try self.openKept()) }, name: keptFolder, root: nil,
      kind: .long)
  }

  /// Gives what was staged there its name.
  public func keep(_ temporary: [UInt8], as name: [UInt8]) async throws(LocalTrouble) {
    try await tryOnWorker { () throws(LocalTrouble) in
      let folder = try self.openKept()
      do throws(SystemError) {
        try renameWithin(folder.number, temporary, to: name, replacing: true)
        try folder.sync()
      } catch {
        throw LocalTrouble(error, doing: "keep a picture in", self.keptFolder)
      }
    }
  }

  /// Puts bytes into the state folder.
  public func keepBytes(_ bytes: [UInt8], as name: [UInt8]) async throws(LocalTrouble) {
    try await tryOnWorker { () throws(LocalTrouble) in
      let folder = try self.openKept()
      let temporary = self.newTemporary()
      do throws(SystemError) {
        let file = try folder.open(temporary, O_WRONLY | O_CREAT | O_EXCL, mode: 0o600)
        try file.write(bytes)
        try file.sync()
        try renameWithin(folder.number, temporary, to: name, replacing: true)
        try folder.sync()
      } catch {
        unlinkat(folder.number, cString(temporary), 0)
        throw LocalTrouble(error, doing: "keep an answer in", self.keptFolder)
      }
    }
  }

  /// Puts what came and is no picture into the state folder, unless there are enough of such files.
  public func keepOdd(_ bytes: [UInt8], as name: [UInt8], most: Int) async throws(LocalTrouble) -> Bool {
    let hasRoom = try await tryOnWorker { () throws(LocalTrouble) in
      let folder = try self.openKept()
      do throws(SystemError) {
        var odd: [[UInt8]] = []
        try FolderListing.each(in: folder) { entry in
          if entry.bytes.hasSuffix(Array(DropNames.oddSuffix.utf8)) { odd.append(entry.bytes) }
        }
        return odd.count < most || odd.contains(name)
      } catch {
        throw LocalTrouble(error, doing: "list", self.keptFolder)
      }
    }
    if hasRoom { try await keepBytes(bytes, as: name) }
    return hasRoom
  }

  /// Copies a kept picture to a temporary name beside its prompt.
  public func takeOut(_ kept: [UInt8], beside prompt: FileKey) async throws(LocalTrouble) -> [UInt8] {
    try await tryOnWorker { () throws(LocalTrouble) in
      let source = try self.openKept()
      let target = try self.openFolder(of: prompt)
      let temporary = self.newTemporary()
      do throws(SystemError) {
        try self.copy(source.open(kept, O_RDONLY), to: temporary, in: target)
        return temporary
      } catch {
        throw LocalTrouble(error, doing: "put a kept picture beside", prompt.path.display)
      }
    }
  }

  /// Removes a kept picture.
  public func removeKept(_ name: [UInt8]) async {
    await onWorker {
      // One that stays is a copy too many, and no loss.
      if let folder = try? self.openKept() { unlinkat(folder.number, cString(name), 0) }
    }
  }

  private func openKept() throws(LocalTrouble) -> Descriptor {
    // The state folder is trusted, and its owner's alone.
    let path = Array(keptFolder.utf8)
    if mkdir(cString(path), 0o700) != 0, errno != EEXIST {
      throw LocalTrouble(SystemError(errno), doing: "make", keptFolder)
    }
    let folder = Glibc.open(cString(path), O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard folder >= 0 else { throw LocalTrouble(SystemError(errno), doing: "open", keptFolder) }
    return Descriptor(owning: folder)
  }
}
