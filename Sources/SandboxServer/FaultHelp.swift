extension Fault.Kind {
  /// The kind with its argument, as help texts show it: `submit-status=CODE`.
  public var usage: String {
    switch argument {
    case .none: self == .queryNotFound ? rawValue + ":COUNT" : rawValue
    case .status: rawValue + "=CODE"
    case .milliseconds: rawValue + "=MS"
    case .bytes: rawValue + "=BYTES"
    case .number: rawValue + "=N"
    case .text: rawValue + "=TEXT"
    case .word: rawValue + "=WORD"
    case .url: rawValue + (self == .imageRedirect ? "=URL|loop" : "=URL")
    case .retryAfter: rawValue + "=SECONDS|HTTP-DATE"
    case .encoding: rawValue + "=" + Compression.allCases.map(\.rawValue).joined(separator: "|")
    }
  }

  /// One line that says what the fault does.
  public var help: String {
    switch self {
    case .submitStatus: "refuse the submit with this status and the documented JSON (404: an HTML page)"
    case .submitHTML: "refuse the submit with this status and an HTML page"
    case .submitRetryAfter: "refuse the submit with 429 and this Retry-After"
    case .submitCode: "answer 200 with code 1 and this message; nothing is accepted"
    case .submitNoAnswer: "accept the task, then close the connection: the answer is lost"
    case .submitReset: "accept the task, then reset the connection"
    case .submitResetEarly: "reset the connection before the body is read; nothing is accepted or recorded"
    case .submitAccept500: "accept the task, but answer 500"
    case .submitGarbage: "accept the task, but answer 200 with something that is not JSON"
    case .submitSlow: "wait before the answer"
    case .submitHang: "accept the task and never answer"
    case .submitRedirect: "answer 307 to this URL; nothing is accepted"
    case .submitSameTask: "accept the task, but answer with the id of the task accepted before it, if there is one"
    case .submitEncoding: "compress the answer to the submit"
    case .queryStatus: "answer the query with this status and the documented JSON"
    case .queryHTML: "answer the query with this status and an HTML page"
    case .queryRetryAfter: "answer the query with 429 and this Retry-After"
    case .queryNotFound: "every task is not found for its first COUNT queries, then it is"
    case .queryLost: "the task is never found"
    case .queryUnknownStatus: "the task is in this status, which nothing documents"
    case .queryGarbage: "answer 200 with something that is not JSON"
    case .querySlow: "wait before the answer"
    case .queryCut: "close the connection in the middle of the answer"
    case .queryReset: "reset the connection instead of an answer"
    case .queryHang: "never answer the query"
    case .queryOtherTask: "the answer names another task"
    case .queryEncoding: "compress the answer to the query"
    case .taskFailed: "the task ends failed, for this reason"
    case .resultText: "the model answered in these words: no picture"
    case .resultEmpty: "success with an empty array"
    case .resultNull: "success with a null result"
    case .resultObject: "result is one object instead of an array"
    case .resultString: "result is a bare link instead of an array"
    case .resultDataURI: "the picture comes in the result as a base64 data URI"
    case .resultMissing: "success without a result field"
    case .resultKey: "the link stands under this key instead of \"image\""
    case .resultJSONString: "result is a text with the JSON in it"
    case .resultNullElement: "the first element of the result is null"
    case .resultBlanks: "blanks and a line end around the link"
    case .resultRelative: "the link has neither scheme nor host"
    case .resultBase64: "the picture comes in the result as base64 without \"data:\""
    case .resultPreview: "a preview beside the picture, under keys that nothing documents"
    case .resultTwo: "two links under keys that nothing documents: nobody can say which is the picture"
    case .resultOdd: "result has nothing in it that could be a picture"
    case .resultImages: "the result holds this many pictures"
    case .resultStringStatus: "status_reason is a string instead of an object"
    case .imageTruncated: "announce the whole picture, send half, close"
    case .imageShort: "send half a picture with a Content-Length that agrees"
    case .imageExpired: "a task's first link answers 403; the next query gives a fresh one that works"
    case .imageExpiredAlways: "every link answers 403"
    case .imageStatus: "answer the fetch with this status"
    case .imageSlow: "wait before the picture"
    case .imageHang: "never answer the fetch"
    case .imageHuge: "send this many bytes, without announcing how many"
    case .imageHTML: "answer 200 with an HTML page"
    case .imageRedirect: "answer 302 to this URL, or to itself for ever"
    case .imageJPEG: "the link that ends in .png yields a JPEG"
    case .imageEncoding: "compress the picture on its way"
    case .imageType: "lie about the Content-Type"
    case .webhookNone: "the webhook is never sent"
    case .webhookTwice: "the webhook is sent twice"
    }
  }
}
