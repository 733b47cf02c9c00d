import FuzzTargets
import Glibc

/// Hands libFuzzer's inputs to the target that `PROMPTDROP_FUZZ_TARGET` names. See `Tests/run-fuzzers`.
@main enum Driver {
  static let target: FuzzTarget = {
    let name = getenv("PROMPTDROP_FUZZ_TARGET").map { String(cString: $0) } ?? ""
    guard let target = FuzzTarget.all.first(where: { $0.name == name }) else {
      let names = FuzzTarget.all.map(\.name).joined(separator: ", ")
      fatalError("PROMPTDROP_FUZZ_TARGET has to be one of \(names)")
    }
    return target
  }()

  static func main() {
    var argc = CommandLine.argc
    var argv = CommandLine.unsafeArgv
    exit(runDriver(&argc, &argv) { oneInput($0, $1) })
  }
}

/// libFuzzer's own `main` refers to it, although this program has a `main` of its own.
@_cdecl("LLVMFuzzerTestOneInput")
public func oneInput(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  if let broken = Driver.target.check(UnsafeRawBufferPointer(start: bytes, count: count)) {
    fatalError("\(Driver.target.name): \(broken)")
  }
  return 0
}

// From libFuzzer, which has no Swift module.
@_silgen_name("LLVMFuzzerRunDriver")
private func runDriver(
  _ argc: UnsafeMutablePointer<CInt>,
  _ argv: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>,
  _ one: @convention(c) (UnsafePointer<UInt8>?, Int) -> CInt
) -> CInt
