// Codes about the service, its answers, and the hosts of pictures.
extension ErrorCode {
  /// The answer to a submission was lost.
  public static let answerLost = ErrorCode("answer-lost")
  /// The service may have accepted a submission, in an answer that cannot be read.
  public static let answerUnreadable = ErrorCode("answer-unreadable")
  /// An answer about another task than the one asked for.
  public static let answerOfAnother = ErrorCode("answer-of-another")
  /// An answer about a task that is over the limit.
  public static let answerTooLarge = ErrorCode("answer-too-large")
  /// An answer to a query that cannot be read.
  public static let queryUnreadable = ErrorCode("query-unreadable")
  /// The service refuses to answer a query.
  public static let queryRefused = ErrorCode("query-refused")
  /// A submission that was called off before it was sent.
  public static let calledOff = ErrorCode("called-off")
  /// The service could not be reached; nothing was sent.
  public static let notReached = ErrorCode("not-reached")
  /// Other answers take the memory that is set aside for them.
  public static let memoryTaken = ErrorCode("memory-taken")
  /// The service refuses the API key.
  public static let keyRefused = ErrorCode("key-refused")
  /// The service takes nothing from this account.
  public static let account = ErrorCode("account")
  /// There is no image API at the address.
  public static let wrongAddress = ErrorCode("wrong-address")
  /// The service asks for fewer requests.
  public static let rateLimited = ErrorCode("rate-limited")
  /// Submissions wait for a limit a minute.
  public static let slowedDown = ErrorCode("slowed-down")
  /// The service takes submissions again.
  public static let serviceOpen = ErrorCode("service-open")
  /// The service refused the prompt.
  public static let refused = ErrorCode("refused")
  /// The service refused it, and the reason may be the account.
  public static let refusalUnclear = ErrorCode("refusal-unclear")
  /// The service finds the request too large; this is about the request, however many are refused so.
  public static let requestTooLarge = ErrorCode("request-too-large")
  /// The file of certificates cannot be used.
  public static let badCAFile = ErrorCode("bad-ca-file")
  /// The address of the proxy cannot be used.
  public static let badProxy = ErrorCode("bad-proxy")
  /// The service could not make the picture.
  public static let taskFailed = ErrorCode("task-failed")
  /// The service does not know a task any more that it finished.
  public static let taskForgotten = ErrorCode("task-forgotten")
  /// The service says that a task goes on which it finished.
  public static let taskNotFinal = ErrorCode("task-not-final")
  /// The id of a task cannot be written down at present.
  public static let taskNotRecorded = ErrorCode("task-not-recorded")
  /// The task succeeded and made no picture.
  public static let noPicture = ErrorCode("no-picture")
  /// A later answer has fewer pictures than an earlier one.
  public static let resultIncomplete = ErrorCode("result-incomplete")
  /// The result has to be asked for again.
  public static let resultMissing = ErrorCode("result-missing")
  /// The task succeeded, and its result is not there yet.
  public static let resultNotThere = ErrorCode("result-not-there")
  /// A picture's URL leads to an address that is not fetched from.
  public static let resultAddress = ErrorCode("result-address")
  /// A picture's host redirects in a way that is not followed.
  public static let resultRedirect = ErrorCode("result-redirect")
  /// The picture in an answer cannot be used.
  public static let resultUnusable = ErrorCode("result-unusable")
  /// The picture that the service returned is damaged.
  public static let resultDamaged = ErrorCode("result-damaged")
  /// What a picture's URL leads to is no image of a known format.
  public static let resultNotAnImage = ErrorCode("result-not-an-image")
  /// A picture's host does not give it out (any more).
  public static let imageExpired = ErrorCode("image-expired")
  /// A picture that ended too early.
  public static let imageCutShort = ErrorCode("image-cut-short")
  /// A picture in an encoding that cannot be decoded.
  public static let imageEncoding = ErrorCode("image-encoding")
  /// A picture's host cannot be reached.
  public static let imageHostUnreachable = ErrorCode("image-host-unreachable")
  /// Pictures can be fetched again.
  public static let picturesArrive = ErrorCode("pictures-arrive")
  /// So many pictures could not be fetched that nothing is submitted.
  public static let picturesNotFetched = ErrorCode("pictures-not-fetched")
}
