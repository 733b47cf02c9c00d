import AsyncHTTPClient
import NIOCore
import Synchronization

/// Clients that dial a host at one address, whatever its name leads to by then. The client library ties a name to an
/// address for a whole client, so there is one for each pair: few, and none for long.
final class PinnedClients: Sendable {
  /// A host as the client reads it from the URL, and the address that was checked.
  struct Pin: Hashable {
    var host: String
    var address: NetworkAddress
  }

  private struct Entry {
    var client: HTTPClient
    var users = 0
    var idleSince = NIODeadline.now()
  }
  private struct State {
    var entries: [Pin: Entry] = [:]
    var ending: [UInt64: Task<Void, Never>] = [:]
    var next: UInt64 = 0
    var isClosed = false
    var hasAlarm = false
  }
  private let state = Mutex(State())
  private let group: any EventLoopGroup
  private let configuration: HTTPClient.Configuration
  // A client keeps a copy of the system's certificates.
  private static let maxIdle = 4
  private static let idleTime = TimeAmount.seconds(30)

  init(_ configuration: HTTPClient.Configuration, on group: any EventLoopGroup) {
    self.configuration = configuration
    self.group = group
  }

  /// How many clients there are.
  var count: Int { state.withLock { $0.entries.count } }

  /// A client for the pin, until `leave`; nil after `shutdown`.
  func enter(_ pin: Pin) -> HTTPClient? {
    state.withLock { state in
      guard !state.isClosed else { return nil }
      var configuration = configuration
      configuration.dnsOverride = [pin.host: pin.address.text]
      let made = { HTTPClient(eventLoopGroupProvider: .shared(self.group), configuration: configuration) }
      var entry = state.entries[pin] ?? Entry(client: made())
      entry.users += 1
      state.entries[pin] = entry
      return entry.client
    }
  }

  /// Gives a client back.
  func leave(_ pin: Pin) {
    state.withLock { state in
      state.entries[pin]?.users -= 1
      state.entries[pin]?.idleSince = .now()
    }
    tidy()
  }

  /// The addresses, those that there is a client for first: hosts with many addresses give them in any order.
  func sorted(_ addresses: [NetworkAddress], of host: String) -> [NetworkAddress] {
    let known = state.withLock { state in addresses.filter { state.entries[Pin(host: host, address: $0)] != nil } }
    return known + addresses.filter { !known.contains($0) }
  }

  /// Closes all.
  func shutdown() async {
    let ending = state.withLock { state in
      state.isClosed = true
      for pin in Array(state.entries.keys) { end(pin, in: &state) }
      return Array(state.ending.values)
    }
    for task in ending { await task.value }
  }

  private func tidy() {
    state.withLock { state in
      let now = NIODeadline.now()
      let idle = state.entries.filter { $0.value.users == 0 }.sorted { $0.value.idleSince < $1.value.idleSince }
      for (index, (pin, entry)) in idle.enumerated()
      where entry.idleSince + Self.idleTime <= now || idle.count - index > Self.maxIdle {
        end(pin, in: &state)
      }
      guard !state.hasAlarm, state.entries.contains(where: { $0.value.users == 0 }) else { return }
      state.hasAlarm = true
      group.next().scheduleTask(in: Self.idleTime) { [weak self] in
        self?.state.withLock { $0.hasAlarm = false }
        self?.tidy()
      }
    }
  }

  // A client that is dropped without being shut down stops the process.
  private func end(_ pin: Pin, in state: inout State) {
    guard let client = state.entries.removeValue(forKey: pin)?.client else { return }
    state.next += 1
    let id = state.next
    state.ending[id] = Task { [weak self] in
      // It fails only where it has been shut down before, and nothing else shuts it down.
      try? await client.shutdown()
      self?.state.withLock { _ = $0.ending.removeValue(forKey: id) }
    }
  }
}
