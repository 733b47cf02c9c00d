import CLinux
import JobCore
import Synchronization

/// The kernel's random numbers, fetched many at a time: a job needs a few, and each system call gives as many as are wanted.
final class RandomSource: Sendable {
  private struct Supply {
    var words: [UInt64] = []
  }
  private let supply = Mutex(Supply())
  // 256 bytes are what the kernel gives whole, whatever signal comes.
  private static let batch = 32

  /// The next 64 bits. Nobody can guess them: they are good for secrets, and each is given out once.
  func next() -> UInt64 {
    supply.withLock { supply in
      if let word = supply.words.popLast() { return word }
      var words = [UInt64](repeating: 0, count: Self.batch)
      let got = words.withUnsafeMutableBytes { pd_random($0.baseAddress, $0.count) }
      guard got == Self.batch * MemoryLayout<UInt64>.size else {
        // A kernel without the call: what Swift finds instead.
        var system = SystemRandomNumberGenerator()
        return system.next()
      }
      supply.words = words
      return supply.words.removeLast()
    }
  }

  /// A number in 0..<1.
  func fraction() -> Double { Double(next() >> 11) * 0x1p-53 }

  /// A UUID of version 7 (RFC 9562), in the usual form: it begins with the time, so that those of one hour stand together
  /// wherever they are sorted. The other 74 bits are random.
  func id(at moment: Timestamp) -> String {
    let (a, b) = (next(), next())
    let time = UInt64(bitPattern: moment.milliseconds) & 0xFFFF_FFFF_FFFF
    let high = time << 16 | 0x7000 | (a & 0x0FFF)
    let low = 0x8000_0000_0000_0000 | (b & 0x3FFF_FFFF_FFFF_FFFF)
    return Hex.uuid(high, low)
  }

  /// 43 characters of A-Z, a-z, 0-9, - and _, from 256 bits.
  func secret() -> String {
    let letters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)
    var text: [UInt8] = []
    for _ in 0..<4 {
      var word = next()
      // Ten letters of six bits each; what is left of the word is not used.
      for _ in 0..<10 {
        text.append(letters[Int(word & 63)])
        word >>= 6
      }
    }
    var word = next()
    for _ in 0..<3 {
      text.append(letters[Int(word & 63)])
      word >>= 6
    }
    return String(decoding: text, as: UTF8.self)
  }
}
