import Glibc
import JobCore
import Synchronization
import TestKit
import Testing

@testable import DropFolder

/// Whether a program still has a file open for writing: what decides that it is complete.
@Suite(.timeLimit(.minutes(1))) struct FileWritersTests {
  private let bench: FilesFixture

  init() throws { bench = try FilesFixture() }

  private func written(_ path: String) async throws -> FileKey? { try await bench.readOne(path).beingWritten }

  @Test func aWriterIsSeenWheneverItBeganAndAReaderIsNone() async throws {
    try bench.write("cat.prompt", "A cat")
    let key = bench.key("cat.prompt")
    #expect(try await written("cat.prompt") == nil)
    let writer = try OpenWriter(bench.path("cat.prompt"))
    #expect(try await written("cat.prompt") == key)
    #expect(await bench.files.lookBeforeSending(key, list: bench.key("cat.images")).beingWritten == key)
    writer.close()
    let reader = open(bench.path("cat.prompt"), O_RDONLY | O_CLOEXEC)
    defer { close(reader) }
    #expect(try await written("cat.prompt") == nil)
    #expect(await bench.files.lookBeforeSending(key, list: bench.key("cat.images")).beingWritten == nil)
    #expect(try await bench.readOne("cat.prompt").promptBytes == Array("A cat".utf8))
  }

  @Test(arguments: ["cat.images", ".promptdrop.yaml", "a/.promptdrop.yaml"])
  func soAreThoseOfItsListAndItsDefaults(_ name: String) async throws {
    try bench.write("cat.prompt", "A cat")
    try bench.write("a/cow.prompt", "A cow")
    try bench.write(name, "")
    let writer = try OpenWriter(bench.path(name))
    let prompt = name.hasPrefix("a/") ? "a/cow.prompt" : "cat.prompt"
    #expect(try await written(prompt) == bench.key(name))
    writer.close()
    #expect(try await written(prompt) == nil)
  }

  @Test func aWriterByAnotherNameOfTheFileIsSeen() async throws {
    try bench.write("cat.prompt", "A cat")
    #expect(link(bench.path("cat.prompt"), bench.place.path("elsewhere")) == 0)
    let writer = try OpenWriter(bench.place.path("elsewhere"))
    #expect(try await written("cat.prompt") == bench.key("cat.prompt"))
    writer.close()
    #expect(try await written("cat.prompt") == nil)
  }

  @Test func aMappingOutlivesItsDescriptor() async throws {
    try bench.write("cat.prompt", "A cat")
    let file = open(bench.path("cat.prompt"), O_RDWR | O_CLOEXEC)
    let memory = mmap(nil, 5, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0)
    close(file)
    #expect(memory != MAP_FAILED)
    #expect(try await written("cat.prompt") == bench.key("cat.prompt"))
    munmap(memory, 5)
    #expect(try await written("cat.prompt") == nil)
  }

  @Test func aHalfWrittenReferenceIsNone() async throws {
    let bytes = sample(100)
    let writer = try OpenWriter(bench.path("ref.png"))
    try writer.write(bytes)
    let key = bench.key("ref.png")
    #expect(await bench.files.readReference(key, limit: 100, evenIfOpen: false) == .beingWritten)
    #expect(try await bench.files.referenceContent(key, limit: 100, evenIfOpen: false) == nil)
    // A person wants it as it stands.
    guard case .image = await bench.files.readReference(key, limit: 100, evenIfOpen: true) else {
      Issue.record("it was not taken")
      return
    }
    #expect(try await bench.files.referenceContent(key, limit: 100, evenIfOpen: true)?.bytes == bytes)
    writer.close()
    #expect(try await bench.files.referenceContent(key, limit: 100, evenIfOpen: false)?.bytes == bytes)
  }

  // The lease that a probe holds for an instant is broken by who opens the file then. The system would let it wait for 45 s
  // where the lease is not given back, and sends a signal that ends a process which does not ignore it.
  @Test func aWriterThatOpensDuringTheProbeIsNeitherDelayedNorFatal() async throws {
    try bench.write("cat.prompt", "A cat")
    var action = sigaction()
    #expect(sigaction(SIGIO, nil, &action) == 0)
    #expect(unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self) == unsafeBitCast(SIG_IGN, to: Int.self))
    let path = bench.path("cat.prompt")
    let opened = Atomic<Int>(0)
    let longest = Mutex(Duration.zero)
    let opener = Busy {
      let begin = ContinuousClock.now
      let file = open(path, O_WRONLY | O_CLOEXEC)
      let took = ContinuousClock.now - begin
      guard file >= 0 else { return }
      close(file)
      opened.wrappingAdd(1, ordering: .relaxed)
      longest.withLock { $0 = max($0, took) }
    }
    defer { opener.stop() }
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    try #require(descriptor >= 0)
    let file = Descriptor(owning: descriptor)
    let status = try file.status()
    let writers = FileWriters()
    while opened.load(ordering: .relaxed) < 20_000 { _ = writers.hasWriter(file, bench.key("cat.prompt"), status) }
    #expect(longest.withLock { $0 } < .seconds(5))
  }

  // What has no leases stands here for what gives none to this user.
  @Test func withoutLeasesTheEventsDecide() async throws {
    let device = open("/dev/null", O_RDONLY | O_CLOEXEC)
    try #require(device >= 0)
    let file = Descriptor(owning: device)
    let status = try file.status()
    let (writers, key) = (FileWriters(), bench.key("a/cat.prompt"))
    func isOpen(_ name: String = "a/cat.prompt") -> Bool { writers.hasWriter(file, bench.key(name), status) }
    #expect(!isOpen(), "nothing was heard of it")
    writers.wasWritten(key)
    #expect(isOpen())
    #expect(!isOpen("a/dog.prompt"))
    writers.wasClosed(key)
    #expect(!isOpen())
    writers.wasWritten(key)
    writers.forgetAll()
    #expect(!isOpen(), "events were lost")
    writers.wasWritten(key)
    writers.forget(below: bench.key("b"))
    #expect(isOpen())
    writers.forget(below: bench.key("a"))
    #expect(!isOpen(), "its folder has left")
    #expect(writers.blindSpots.count == 1, "it is told once, not for each file")
    let spot = try #require(writers.blindSpots.first)
    #expect(spot.error.code == "writer-unseen" && spot.folder == DropPath("a") && spot.error.hint != nil)
  }

  @Test func aFileWithAWriterIsNoBlindSpot() async throws {
    try bench.write("cat.prompt", "A cat")
    let writer = try OpenWriter(bench.path("cat.prompt"))
    #expect(try await written("cat.prompt") != nil)
    writer.close()
    #expect(try await written("cat.prompt") == nil)
    #expect(bench.files.blindSpots.isEmpty)
  }

  @Test func serversThatRefuseAtWillProveNothing() {
    #expect([0x6969, 0xFE53_4D42].allSatisfy { FileSystemKind(number: $0).refusesLeasesAtWill })
    #expect([0xEF53, 0x794C_7630, 0x6573_5546].allSatisfy { !FileSystemKind(number: $0).refusesLeasesAtWill })
  }
}
