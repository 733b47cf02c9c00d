// swift-tools-version: 6.2
import PackageDescription

// CI sets PROMPTDROP_STRICT; elsewhere a newer compiler's new warning must not keep anybody from building.
let strict = Context.environment["PROMPTDROP_STRICT"] != nil
let strictness: [SwiftSetting] = strict ? [.treatAllWarnings(as: .error)] : []
// Tests/run-fuzzers sets PROMPTDROP_FUZZ, for a build of its own: this package's code with libFuzzer's coverage and
// AddressSanitizer, the dependencies as they are.
let fuzzing = Context.environment["PROMPTDROP_FUZZ"] != nil
let fuzzed: [SwiftSetting] = fuzzing ? [.unsafeFlags(["-sanitize=fuzzer,address", "-O"])] : []
// An async function runs where its caller does: the pipeline's thread is not left for each call.
let settings: [SwiftSetting] = strictness + [.enableUpcomingFeature("NonisolatedNonsendingByDefault")] + fuzzed

let package = Package(
  name: "promptdrop",
  platforms: [.macOS(.v15)],
  products: [
    .executable(name: "promptdrop", targets: ["promptdrop"]),
    .executable(name: "promptdrop-bench", targets: ["promptdrop-bench"]),
    // A test's tool, no interface: a library of its own is what LD_PRELOAD can load.
    .library(name: "FaultShim", type: .dynamic, targets: ["FaultShim"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
    .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
    .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
  ],
  targets: [
    // The core: values, rules and ports. No I/O, no clock, no package.
    .target(name: "JobCore", swiftSettings: settings),

    // SHA-256, for those edges that tell what a prompt or a picture is by its bytes.
    .systemLibrary(name: "CCrypto", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
    .target(name: "SHA2", dependencies: ["CCrypto"], swiftSettings: settings),

    // The edges. None of them imports another.
    .target(
      name: "PromptFile",
      dependencies: [
        "JobCore", "SHA2", .product(name: "Yams", package: "Yams"),
      ],
      swiftSettings: settings),
    .systemLibrary(name: "CInotifyTools", providers: [.apt(["libinotifytools0-dev"])]),
    .target(name: "CLinux"),
    .target(
      name: "DropFolder",
      dependencies: [
        "JobCore", "CInotifyTools", "CLinux", "SHA2",
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
      ],
      swiftSettings: settings),
    // zlib: for bodies that come compressed.
    .systemLibrary(name: "CZlib", providers: [.apt(["zlib1g-dev"])]),
    .target(
      name: "ImageAPI",
      dependencies: [
        "JobCore", "CZlib", "SHA2",
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
        .product(name: "NIOHTTP1", package: "swift-nio"),
        .product(name: "NIOTLS", package: "swift-nio"),
        .product(name: "NIOSSL", package: "swift-nio-ssl"),
      ],
      swiftSettings: settings),
    .systemLibrary(name: "CSQLite", providers: [.apt(["libsqlite3-dev"])]),
    .target(name: "JobJournal", dependencies: ["JobCore", "CSQLite"], swiftSettings: settings),

    // The pipeline knows the core only; the edges reach it through ports.
    .target(
      name: "Agent",
      dependencies: ["JobCore", .product(name: "Logging", package: "swift-log")],
      swiftSettings: settings),

    // Commands to a running agent over a Unix socket, and callbacks from the service. It carries bytes; what they mean is
    // the agent's.
    .target(
      name: "Control",
      dependencies: [
        "JobCore",
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
        .product(name: "NIOHTTP1", package: "swift-nio"),
      ],
      swiftSettings: settings),

    // The service restated. It shares no code with the client, so that the two can disagree.
    .systemLibrary(name: "CPNG", pkgConfig: "libpng", providers: [.apt(["libpng-dev"])]),
    .target(
      name: "SandboxServer",
      dependencies: [
        "CPNG", "CZlib",
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
        .product(name: "NIOHTTP1", package: "swift-nio"),
      ],
      swiftSettings: strictness),

    .target(
      name: "PromptdropCLI",
      dependencies: [
        "JobCore", "PromptFile", "DropFolder", "ImageAPI", "JobJournal", "Agent", "Control", "SandboxServer", "CLinux",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "Logging", package: "swift-log"),
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
        .product(name: "UnixSignals", package: "swift-service-lifecycle"),
        .product(name: "Yams", package: "Yams"),
      ],
      swiftSettings: settings),
    .executableTarget(
      name: "promptdrop",
      dependencies: [
        "CLinux", "PromptdropCLI", .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
      ],
      swiftSettings: settings),
    .executableTarget(
      name: "promptdrop-bench",
      dependencies: [
        "SandboxServer", "DropFolder", "JobCore",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      // Programs in C that it compiles itself when it measures.
      resources: [.copy("Reference")], swiftSettings: settings),

    // Tests. TestKit: a manual clock, temporary folders, processes, and waiting for a condition with a deadline.
    .target(name: "TestKit", dependencies: ["JobCore"], path: "Tests/TestKit", swiftSettings: strictness),
    .testTarget(name: "JobCoreTests", dependencies: ["JobCore", "TestKit"], swiftSettings: strictness),
    .testTarget(
      name: "PromptFileTests", dependencies: ["PromptFile", "JobCore", "SHA2", "TestKit"], swiftSettings: strictness),
    .testTarget(
      name: "DropFolderTests", dependencies: ["DropFolder", "JobCore", "TestKit"], swiftSettings: strictness),
    .testTarget(
      name: "ImageAPITests",
      dependencies: [
        "ImageAPI", "JobCore", "SandboxServer", "TestKit", "CZlib", "SHA2",
        .product(name: "NIOHTTP1", package: "swift-nio"),
      ],
      swiftSettings: strictness),
    .testTarget(
      name: "JobJournalTests", dependencies: ["JobJournal", "JobCore", "TestKit"], swiftSettings: strictness),
    // What fuzzing checks of strangers' input. FuzzCorpusTests replays the kept corpus through it in an ordinary build.
    .target(
      name: "FuzzTargets",
      dependencies: [
        "JobCore", "PromptFile", "ImageAPI", "Control", .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOHTTP1", package: "swift-nio"),
      ],
      path: "Tests/Fuzz/Targets", swiftSettings: settings),
    .testTarget(name: "FuzzCorpusTests", dependencies: ["FuzzTargets", "TestKit"], swiftSettings: strictness),
    .testTarget(name: "ControlTests", dependencies: ["Control", "JobCore", "TestKit"], swiftSettings: strictness),
    .testTarget(name: "SandboxServerTests", dependencies: ["SandboxServer", "TestKit"], swiftSettings: strictness),
    // A folder, a sandbox and the built program: what tests of whole processes share.
    .target(
      name: "ProgramKit", dependencies: ["SandboxServer", "JobCore", "TestKit"], path: "Tests/ProgramKit",
      swiftSettings: strictness),
    .testTarget(
      name: "CommandTests",
      dependencies: ["promptdrop", "PromptdropCLI", "SandboxServer", "JobCore", "TestKit", "ProgramKit"],
      swiftSettings: strictness),
    // For LD_PRELOAD: kills the program at a chosen call, or lets that fail. Nothing depends on it: what it defines would
    // stand before the C library in the tests themselves.
    .target(name: "FaultShim", path: "Tests/FaultShim", linkerSettings: [.linkedLibrary("dl")]),
    .testTarget(
      name: "CrashTests", dependencies: ["SandboxServer", "TestKit", "ProgramKit"], swiftSettings: strictness),
    // Real editors and sync tools, and what they make the program submit.
    .testTarget(
      name: "WriterTests", dependencies: ["promptdrop", "SandboxServer", "TestKit", "ProgramKit"],
      swiftSettings: strictness),
    // Thousands of random operations against a model of what must have been submitted.
    .testTarget(
      name: "ModelTests", dependencies: ["promptdrop", "SandboxServer", "TestKit", "ProgramKit"],
      swiftSettings: strictness),
    // Mounts, limits and folders that come and go.
    .testTarget(
      name: "MountTests", dependencies: ["promptdrop", "SandboxServer", "TestKit", "ProgramKit"],
      swiftSettings: strictness),
    // A real systemd in a container, and real filters of system calls.
    .testTarget(
      name: "SystemTests", dependencies: ["promptdrop", "SandboxServer", "TestKit", "ProgramKit"],
      swiftSettings: strictness),
    // The pipeline with real folders and a real journal; time, the service and faults are fakes.
    .testTarget(
      name: "AgentTests",
      dependencies: [
        "Agent", "JobCore", "JobJournal", "DropFolder", "PromptFile", "ImageAPI", "TestKit",
        .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOPosix", package: "swift-nio"),
      ],
      swiftSettings: settings),
  ]
)

if fuzzing {
  package.targets.append(
    .executableTarget(
      name: "promptdrop-fuzz", dependencies: ["FuzzTargets"], path: "Tests/Fuzz/Driver", swiftSettings: settings,
      linkerSettings: [.unsafeFlags(["-sanitize=fuzzer,address", "-use-ld=lld"])]))
}
