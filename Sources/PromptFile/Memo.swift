import Synchronization

/// Remembers the last few answers to questions that are asked again and again: the defaults of a folder are the same for all
/// prompts in it.
final class Memo<Question: Equatable & Sendable, Answer: Sendable>: Sendable {
  // Questions are as long as the files that they are about: a few folders at a time are enough.
  private static var most: Int { 8 }
  private let answers = Mutex<[(question: Question, answer: Answer)]>([])

  /// The answer, made where it is not remembered.
  func answer(_ question: Question, _ make: (Question) -> Answer) -> Answer {
    let found = answers.withLock { answers in answers.first { $0.question == question }?.answer }
    if let found { return found }
    let answer = make(question)
    answers.withLock { answers in
      if answers.count >= Self.most { answers.removeLast() }
      answers.insert((question, answer), at: 0)
    }
    return answer
  }
}
