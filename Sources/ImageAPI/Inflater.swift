import CZlib

/// Undoes one compression of a body, part by part: gzip (RFC 1952), or deflate with zlib's wrapping (RFC 1950) or bare
/// (RFC 1951), because servers mean either by "deflate". What calls itself gzip and is not, is handed on as it is: some
/// hosts of files say so of everything.
final class Inflater {
  /// What a server may call a compression.
  enum Coding: Equatable {
    case gzip, deflate
    /// By its name in Content-Encoding, in lower case; nil for what is not known.
    init?(name: String) {
      switch name {
      case "gzip", "x-gzip": self = .gzip
      case "deflate": self = .deflate
      default: return nil
      }
    }
  }

  /// Why a body cannot be decoded.
  enum Trouble: Error, Equatable {
    /// Its bytes are not what they should be. What is wrong, to follow a colon.
    case damaged(String)
    /// More comes out of it than is allowed.
    case tooLarge
  }

  private enum Stage {
    /// Two bytes tell what it is; `isFurther`: something was decoded before, and more of the same may follow.
    case beginning(isFurther: Bool)
    case inflating(isGzip: Bool)
    case plain
    case ended
  }
  private static let outputStep = 65_536

  private let coding: Coding
  private let limit: Int
  private var stage = Stage.beginning(isFurther: false)
  private var input: [UInt8] = []
  private var used = 0
  private var made = 0
  // zlib keeps the address of its own state's owner, so that has to stay where it is.
  private let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
  private var isOpen = false

  /// Decodes no more than `limit` bytes.
  init(_ coding: Coding, limit: Int) {
    self.coding = coding
    self.limit = limit
    stream.initialize(to: z_stream())
  }

  deinit {
    if isOpen { inflateEnd(stream) }
    stream.deinitialize(count: 1)
    stream.deallocate()
  }

  /// Adds encoded bytes.
  func feed(_ bytes: some Sequence<UInt8>) {
    input.removeFirst(used)
    used = 0
    input += bytes
  }

  /// Some decoded bytes; nil: it needs more.
  func next() throws(Trouble) -> [UInt8]? {
    while true {
      switch stage {
      case .beginning(let isFurther):
        guard input.count - used >= 2 else { return nil }
        try begin(isFurther: isFurther)
      case .inflating(let isGzip):
        guard let bytes = try inflated(isGzip: isGzip) else { return nil }
        if !bytes.isEmpty { return try counted(bytes) }
      case .plain:
        guard used < input.count else { return nil }
        defer { used = input.count }
        return try counted(Array(input[used...]))
      case .ended:
        used = input.count
        return nil
      }
    }
  }

  /// All bytes were added and taken. The last decoded ones, if any are left.
  func finish() throws(Trouble) -> [UInt8] {
    switch stage {
    case .beginning(isFurther: false):
      // Nothing at all is nothing, however it is called; a single byte is no compression of anything.
      defer { used = input.count }
      return try counted(Array(input[used...]))
    case .beginning, .plain, .ended: return []
    case .inflating: throw .damaged("it ends too early")
    }
  }

  private func counted(_ bytes: [UInt8]) throws(Trouble) -> [UInt8] {
    made += bytes.count
    guard made <= limit else { throw .tooLarge }
    return bytes
  }

  private func begin(isFurther: Bool) throws(Trouble) {
    let (first, second) = (input[used], input[used + 1])
    let isGzip = first == 0x1F && second == 0x8B
    // Method 8 in the low half of the first byte, and a check that makes the two a multiple of 31.
    let isZlib = first & 0x0F == 8 && (Int(first) << 8 | Int(second)) % 31 == 0
    if isFurther {
      // Several gzip files in one are one; what else follows is padding.
      guard isGzip, inflateReset(stream) == Z_OK else { return stage = .ended }
      return stage = .inflating(isGzip: true)
    }
    if !isGzip, coding == .gzip { return stage = .plain }
    let bits: Int32 = isGzip ? MAX_WBITS + 16 : isZlib ? MAX_WBITS : -MAX_WBITS
    guard inflateInit2_(stream, bits, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
      throw .damaged("there is no memory to decode it")
    }
    isOpen = true
    stage = .inflating(isGzip: isGzip)
  }

  // Nil: it needs more input. Empty: nothing yet, and what there is was used.
  private func inflated(isGzip: Bool) throws(Trouble) -> [UInt8]? {
    let isFed = used < input.count
    var result = Z_OK
    let output = [UInt8](unsafeUninitializedCapacity: Self.outputStep) { output, count in
      input.withUnsafeMutableBufferPointer { input in
        stream.pointee.next_in = input.baseAddress.map { $0 + used }
        stream.pointee.avail_in = UInt32(clamping: input.count - used)
        stream.pointee.next_out = output.baseAddress
        stream.pointee.avail_out = UInt32(Self.outputStep)
        result = inflate(stream, Z_NO_FLUSH)
        used = input.count - Int(stream.pointee.avail_in)
        count = Self.outputStep - Int(stream.pointee.avail_out)
      }
    }
    switch result {
    case Z_STREAM_END: stage = isGzip ? .beginning(isFurther: true) : .ended
    case Z_OK: break
    // No progress: no input is left, and nothing waits inside.
    case Z_BUF_ERROR: return nil
    default: throw .damaged("its compressed bytes are damaged")
    }
    return output.isEmpty && !isFed && result == Z_OK ? nil : output
  }
}
