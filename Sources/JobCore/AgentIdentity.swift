/// Who wrote a sidecar: which agent, in which of its runs, on which machine.
public struct SidecarWriter: Hashable, Sendable {
  /// The agent's id, as `AgentIdentity.id`.
  public var id: String
  /// The run, as `AgentIdentity.run()` names it.
  public var run: String
  /// A word for the machine; nil where nothing tells it from others. It decides nothing about whose a folder is: it only
  /// makes it likely that the writer's state was lost, where it is the same as the reader's.
  public var machine: String?

  /// Makes one.
  public init(id: String, run: String, machine: String?) {
    self.id = id
    self.run = run
    self.machine = machine
  }
}

/// Whose name an `owner` is.
public enum OwnerName: Hashable, Sendable {
  /// This agent's.
  case own
  /// It has this agent's name and another agent's id: the state was lost, or two agents have one name.
  case namesake
  /// Another agent's.
  case other
}

/// Who this agent is: a word that its state keeps, whatever the host is called and however often the journal is lost. A
/// state that is copied takes the word along, so each run has a word of its own too: a sidecar of this agent's whose run
/// the state does not know was written from a copy of the state, or after this one was made.
public protocol AgentIdentity: Sendable {
  /// 16 hexadecimal digits that no other state has.
  var id: String { get }
  /// Whether a word of an `owner` stands for this agent: its id, or the word for the machine that earlier versions used.
  func isMine(_ word: String) -> Bool
  /// The word for this run, begun with the first call; durable on return. Throws `LocalTrouble`.
  func run() throws(LocalTrouble) -> String
  /// Whether the state has had a run of this name.
  func knows(run: String) -> Bool
  /// Makes it another agent, durably: the old id belongs to whoever else has a copy of the state. Throws `LocalTrouble`.
  func renew() throws(LocalTrouble)
}
