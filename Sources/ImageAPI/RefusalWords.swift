/// What the words of a refusal speak of: the account, where a whole phrase says so, or certainly the prompt. A word alone
/// says nothing: "Unbalanced parentheses" and "credit cards" are about a prompt.
struct RefusalWords {
  /// The prompt that was sent: a service that quotes it does not speak with its words.
  var prompt = ""

  /// Whether the account is spoken of: its credits, or that it is suspended.
  func speakOfAccount(_ words: String) -> Bool {
    let (words, prompt) = (Self.plain(words), Self.plain(prompt))
    return Self.phrases.contains { phrase in
      words.ranges(of: phrase).contains { !prompt.contains(words[$0]) }
    }
  }

  /// Whether they are the documented ones about the request itself (the service's guide, table of errors).
  func speakOfPrompt(_ words: String) -> Bool {
    ["prompt is required", "prompt is required."].contains(Self.plain(words))
  }

  private static func plain(_ text: String) -> String {
    text.lowercased().split(whereSeparator: \.isWhitespace).joined(separator: " ")
  }

  // Beside the guide's "insufficient credits" the ways in which services of this kind say the same.
  private static var phrases: [Regex<Substring>] {
    [
      /\b(?:insufficient|not enough|no more|no remaining) (?:account )?(?:credits?|balance|funds|quota)\b(?! (?:of|between|card)\b)/,
      /\bout of (?:credits?|funds|quota)\b/,
      /\bno credits? (?:left|remaining|available)\b/,
      /\b(?:credits?|(?:account|credit) balance|funds|quota) (?:is |are |has been |have been )?(?:insufficient|exhausted|used up|exceeded|too low|depleted)\b/,
      /\bexceeded (?:your|the|its) (?:current |monthly |daily )?(?:quota|credit limit|spending limit)\b/,
      /\baccount (?:is |was |has been |is currently |is temporarily )?(?:suspended|disabled|deactivated|blocked|banned|closed)\b/,
      /\bsuspended account\b/,
      /\bpayment required\b/,
    ]
  }
}
