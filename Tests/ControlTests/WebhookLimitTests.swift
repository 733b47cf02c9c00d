import Foundation
import NIOCore
import TestKit
import Testing

@testable import Control

@Suite(.serialized) struct WebhookLimitTests {
  private static let large = 16 << 20
  private static let tooLarge = "HTTP/1.1 413 Payload Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"

  /// A body of so many bytes.
  private func body(_ count: Int) -> [UInt8] {
    let text = Array(#"{"task_id":"t1","x":""#.utf8)
    return text + [UInt8](repeating: 97, count: count - text.count - 2) + Array("\"}".utf8)
  }

  @Test func theLimitsAreThese() {
    let limits = WebhookReceiver.Limits()
    #expect(limits.headTime == .seconds(10) && limits.wholeTime == .seconds(60))
    #expect(limits.body == 16 << 20 && limits.largeBodies == 2 && limits.connections == 256)
  }

  @Test func aBodyMayHave16Mebibytes() async throws {
    try await withReceiver { (port, sink) async throws in
      let largest = body(Self.large)
      let fits = try await onThread {
        let client = try RawClient(port: port)
        try client.send(head(RecordingSink.token, "Content-Length: \(largest.count)"))
        try client.send(largest)
        return try client.text()
      }
      #expect(fits == accepted)
      #expect(
        try await exchange(port: port, head(RecordingSink.token, "Content-Length: \(Self.large + 1)")) == Self.tooLarge)
      #expect(sink.reported.count == 1)
    }
  }

  @Test func aBodyOfUnknownLengthIsCutOff() async throws {
    try await withReceiver { (port, sink) async throws in
      let (text, sent) = try await onThread {
        let client = try RawClient(port: port)
        try client.send(head(RecordingSink.token, "Transfer-Encoding: chunked"))
        let chunk = Array("100000\r\n".utf8) + [UInt8](repeating: 32, count: 1 << 20) + [13, 10]
        var sent = 0
        while !client.hasEnded, sent < 64 << 20 {
          do { try client.send(chunk) } catch is ClientTrouble { break }
          sent += 1 << 20
        }
        return (try client.text(), sent)
      }
      #expect(text == Self.tooLarge)
      #expect(sent >= 16 << 20 && sent < 40 << 20)
      #expect(sink.reported == [])
    }
  }

  @Test func twoLargeBodiesAreTakenAtATimeAndAnyNumberOfSmallOnes() async throws {
    try await withReceiver { (port, sink) async throws in
      let size = 1 << 20
      let body = body(size)
      func begun(_ field: String) throws -> RawClient {
        let client = try RawClient(port: port)
        try client.send(head(RecordingSink.token, field, "Expect: 100-continue"))
        return client
      }
      let first = try begun("Content-Length: \(size)")
      let second = try begun("Transfer-Encoding: chunked")
      #expect(try await onThread { try first.line() } == "HTTP/1.1 100 Continue\r\n")
      #expect(try await onThread { try second.line() } == "HTTP/1.1 100 Continue\r\n")
      // It is large once it has grown.
      try await onThread { try second.send(Array("100000\r\n".utf8) + body.prefix(size / 2)) }
      try await eventually("a third is refused") {
        let third = try begun("Content-Length: \(size)")
        return try await onThread { try third.text() } == unavailable(5)
      }
      #expect(try await exchange(port: port, callback()) == accepted)
      // A chunked one is refused when it grows.
      let fourth = try begun("Transfer-Encoding: chunked")
      #expect(try await onThread { [try fourth.line(), try fourth.line()] }.first == "HTTP/1.1 100 Continue\r\n")
      try await onThread { try fourth.send(Array("100000\r\n".utf8) + body.prefix(200_000)) }
      #expect(try await onThread { try fourth.text() } == unavailable(5))

      // One ends well, one by being given up: both make room.
      try await onThread { try first.send(body) }
      #expect(try await onThread { try first.text() }.hasSuffix(accepted))
      second.endSending()
      for _ in 0..<2 {
        try await eventually("there is room again") {
          try await onThread {
            let client = try RawClient(port: port)
            try client.send(head(RecordingSink.token, "Content-Length: \(size)"))
            do { try client.send(body) } catch is ClientTrouble {}
            return try client.text() == accepted
          }
        }
      }
      #expect(sink.reported.count == 4)
    }
  }

  @Test func aHeadThatNeverEndsIsCutOff() async throws {
    try await withReceiver { (port, sink) async throws in
      for start in ["POST /callback/", "POST / HTTP/1.1\r\nA: ", "POST / HTTP/1.1\r\n"] {
        let sent = try await onThread {
          let client = try RawClient(port: port)
          try client.send(start)
          var sent = 0
          let part = start.hasSuffix("1.1\r\n") ? "a: b\r\n" : "aaaaaaaa"
          while !client.hasEnded, sent < 4 << 20 {
            do { try client.send(String(repeating: part, count: 128)) } catch is ClientTrouble { break }
            sent += 128 * part.utf8.count
          }
          #expect(try client.text().contains(" 200 ") == false)
          return sent
        }
        #expect(sent < 4 << 20, "\(start)")
      }
      #expect(sink.asked == [])
    }
  }

  @Test func whoDripsItsHeadIsCutOff() async throws {
    try await withReceiver(limits: { $0.headTime = .milliseconds(250) }) { (port, sink) async throws in
      #expect(try await drip(port, head(RecordingSink.token, "X: " + String(repeating: "x", count: 1000))) == "")
      // In time it is welcome, drop by drop or not.
      #expect(try await exchange(port: port, callback()) == accepted)
      let silent = try RawClient(port: port)
      try await eventually("who says nothing is cut off too") { silent.hasEnded }
      #expect(sink.asked == [RecordingSink.token])
    }
  }

  @Test func whoDripsItsBodyIsCutOff() async throws {
    try await withReceiver(limits: { $0.wholeTime = .milliseconds(300) }) { (port, sink) async throws in
      #expect(try await drip(port, "", after: head(RecordingSink.token, "Content-Length: 60000")) == "")
      #expect(sink.asked == [RecordingSink.token] && sink.reported == [])
    }
  }

  @Test func whoDripsAndIsInTimeIsHeard() async throws {
    try await withReceiver { (port, sink) async throws in
      let text = try await onThread {
        let client = try RawClient(port: port)
        for byte in callback().utf8 {
          try client.send([byte])
          usleep(500)
        }
        return try client.text()
      }
      #expect(text == accepted)
    }
  }

  /// Sends a byte every few milliseconds until the other side ends the connection; what it said.
  private func drip(_ port: Int, _ text: String, after start: String = "") async throws -> String {
    try await onThread {
      let client = try RawClient(port: port)
      try client.send(start)
      let began = ContinuousClock.now
      var bytes = Array(text.utf8)[...]
      while !client.hasEnded {
        guard ContinuousClock.now - began < .seconds(8) else { return "was not cut off" }
        do { try client.send([bytes.popFirst() ?? 32]) } catch is ClientTrouble { break }
        usleep(15_000)
      }
      return try client.text()
    }
  }

  @Test func moreThan256ConnectionsAreClosedAtOnce() async throws {
    try await withReceiver(limits: { $0.headTime = .minutes(5) }) { (port, sink) async throws in
      let served = try RawClient(port: port)
      try served.send(head(RecordingSink.token, "Content-Length: 20", "Expect: 100-continue"))
      #expect(try await onThread { try served.line() } == "HTTP/1.1 100 Continue\r\n")
      // Several loops take them up, not in the order in which they came: which of them are closed is open.
      var clients = try (0..<299).map { _ in try RawClient(port: port) }
      try await eventually("those beyond the limit are closed") { clients.count(where: \.hasEnded) >= 44 }
      #expect(clients.count(where: \.hasEnded) == 44)
      #expect(!served.hasEnded && sink.asked.count == 1)
      clients = []
      try await eventually("there is room again") {
        try await onThread {
          let client = try RawClient(port: port)
          do { try client.send(callback()) } catch is ClientTrouble { return false }
          return try client.text() == accepted
        }
      }
    }
  }

  @Test func aConnectionThatIsAnsweredIsNotKept() async throws {
    try await withReceiver(limits: { $0.connections = 1 }) { (port, sink) async throws in
      let client = try RawClient(port: port)
      try client.send(callback(RecordingSink.other))
      try await eventually("it is answered") { client.hasEnded }
      // It stays open on this side; the place is free after a moment all the same.
      try await eventually("the place is free") {
        try await onThread {
          let other = try RawClient(port: port)
          do { try other.send(callback()) } catch is ClientTrouble { return false }
          return try other.text() == accepted
        }
      }
      #expect(try await onThread { try client.text() } == notFound)
    }
  }

  @Test func manyCallbacksAtTheSameTimeAreAllReported() async throws {
    try await withReceiver { (port, sink) async throws in
      try await withThrowingTaskGroup(of: String.self) { group in
        for number in 0..<100 {
          group.addTask {
            try await exchange(port: port, callback(RecordingSink.token, "{\"task_id\":\"t\(number)\"}"))
          }
        }
        for try await answer in group { #expect(answer == accepted) }
      }
      #expect(Set(sink.reported) == Set((0..<100).map { "\(RecordingSink.token) t\($0)" }))
    }
  }

  @Test func aClientThatLeavesWhileTheDeskIsAskedDoesNoHarm() async throws {
    let (asking, telling) = (Gate(), Gate())
    try await withReceiver(RecordingSink(asking: asking, telling: telling)) { (port, sink) async throws in
      do {
        let client = try RawClient(port: port)
        try client.send(callback())
        try await eventually("the sink is asked") { asking.waiting == 1 }
      }
      asking.open()
      let next = try RawClient(port: port)
      try next.send(callback(RecordingSink.token, #"{"task_id":"t2"}"#))
      try await eventually("the sink is told") { sink.reported.contains("\(RecordingSink.token) t2") }
      telling.open()
      #expect(try await onThread { try next.text() } == accepted)
    }
  }

  @Test func closingFreesThePortAndEndsConnections() async throws {
    let receiver = try await WebhookReceiver(host: "127.0.0.1", port: 0, on: loops, sink: RecordingSink())
    let client = try RawClient(port: receiver.port)
    try client.send("POST ")
    await #expect(throws: ControlError.unusable("127.0.0.1:\(receiver.port)", "Address already in use")) {
      _ = try await WebhookReceiver(host: "127.0.0.1", port: receiver.port, on: loops, sink: RecordingSink())
    }
    await receiver.close()
    try await eventually("it has ended") { client.hasEnded }
    let again = try await WebhookReceiver(host: "127.0.0.1", port: receiver.port, on: loops, sink: RecordingSink())
    #expect(again.port == receiver.port)
    #expect(try await exchange(port: again.port, callback()) == accepted)
    await again.close()
  }
}
