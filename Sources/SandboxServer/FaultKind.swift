extension Fault {
  /// What can go wrong on demand, and how it is spelled.
  public enum Kind: String, Sendable, CaseIterable {
    // Submit.
    case submitStatus = "submit-status"
    case submitHTML = "submit-html"
    case submitRetryAfter = "submit-retry-after"
    case submitCode = "submit-code"
    case submitRefused = "submit-refused"
    case submitForbidden = "submit-forbidden"
    case submitNoAnswer = "submit-no-answer"
    case submitReset = "submit-reset"
    case submitResetEarly = "submit-reset-early"
    case submitAccept500 = "submit-accept-500"
    case submitGarbage = "submit-garbage"
    case submitSlow = "submit-slow"
    case submitHang = "submit-hang"
    case submitRedirect = "submit-redirect"
    case submitSameTask = "submit-same-task"
    case submitEncoding = "submit-encoding"
    // Query.
    case queryStatus = "query-status"
    case queryHTML = "query-html"
    case queryRetryAfter = "query-retry-after"
    case queryNotFound = "query-not-found"
    case queryLost = "query-lost"
    case queryUnknownStatus = "query-unknown-status"
    case queryGarbage = "query-garbage"
    case querySlow = "query-slow"
    case queryCut = "query-cut"
    case queryReset = "query-reset"
    case queryHang = "query-hang"
    case queryNoResult = "query-no-result"
    case queryOtherTask = "query-other-task"
    case queryEncoding = "query-encoding"
    // Result.
    case taskFailed = "task-failed"
    case resultText = "result-text"
    case resultEmpty = "result-empty"
    case resultNull = "result-null"
    case resultObject = "result-object"
    case resultString = "result-string"
    case resultDataURI = "result-data-uri"
    case resultMissing = "result-missing"
    case resultKey = "result-key"
    case resultJSONString = "result-json-string"
    case resultNullElement = "result-null-element"
    case resultBlanks = "result-blanks"
    case resultRelative = "result-relative"
    case resultBase64 = "result-base64"
    case resultPreview = "result-preview"
    case resultTwo = "result-two"
    case resultOdd = "result-odd"
    case resultImages = "result-images"
    case resultStringStatus = "result-string-status"
    // Image.
    case imageTruncated = "image-truncated"
    case imageShort = "image-short"
    case imageExpired = "image-expired"
    case imageExpiredAlways = "image-expired-always"
    case imageStatus = "image-status"
    case imageSlow = "image-slow"
    case imageHang = "image-hang"
    case imageHuge = "image-huge"
    case imageHTML = "image-html"
    case imageRedirect = "image-redirect"
    case imageJPEG = "image-jpeg"
    case imageFormat = "image-format"
    case imagePart = "image-part"
    case imageCut = "image-cut"
    case imageType = "image-type"
    case imageEncoding = "image-encoding"
    // Webhook.
    case webhookNone = "webhook-none"
    case webhookTwice = "webhook-twice"
  }
}

extension Fault.Kind {
  /// What may follow `=` in a fault's spelling.
  enum Argument {
    case none, status, imageStatus, milliseconds, bytes, number, text, word, url, retryAfter, encoding, format
  }

  /// Faults of one slot exclude each other; faults of different slots combine on one request.
  enum Slot {
    case early, submitDelay, submit, queryDelay, query, outcome, statusShape, imageDelay, image, imageType, webhook
    case submitEncoding, queryEncoding, imageEncoding, imageCut
  }

  var argument: Argument {
    switch self {
    case .submitStatus, .submitHTML, .queryStatus, .queryHTML: .status
    case .imageStatus: .imageStatus
    case .imageFormat: .format
    case .submitRetryAfter, .queryRetryAfter: .retryAfter
    case .submitCode, .submitRefused, .submitForbidden, .taskFailed, .resultText, .imageType: .text
    case .queryUnknownStatus, .resultKey: .word
    case .submitEncoding, .queryEncoding, .imageEncoding: .encoding
    case .submitSlow, .querySlow, .imageSlow: .milliseconds
    case .submitRedirect, .imageRedirect: .url
    case .imageHuge, .imageCut: .bytes
    case .resultImages: .number
    default: .none
    }
  }

  var slot: Slot {
    switch self {
    case .submitResetEarly: .early
    case .submitSlow: .submitDelay
    case .submitStatus, .submitHTML, .submitRetryAfter, .submitCode, .submitRefused, .submitForbidden,
      .submitNoAnswer, .submitReset, .submitAccept500, .submitGarbage, .submitHang, .submitRedirect, .submitSameTask:
      .submit
    case .querySlow: .queryDelay
    case .queryStatus, .queryHTML, .queryRetryAfter, .queryNotFound, .queryLost, .queryUnknownStatus,
      .queryGarbage, .queryCut, .queryReset, .queryHang, .queryOtherTask, .queryNoResult:
      .query
    case .taskFailed, .resultText, .resultEmpty, .resultNull, .resultObject, .resultString, .resultDataURI,
      .resultImages, .resultMissing, .resultKey, .resultJSONString, .resultNullElement, .resultBlanks, .resultRelative,
      .resultBase64, .resultPreview, .resultTwo, .resultOdd:
      .outcome
    case .resultStringStatus: .statusShape
    case .imageSlow: .imageDelay
    case .imageType: .imageType
    case .submitEncoding: .submitEncoding
    case .queryEncoding: .queryEncoding
    case .imageEncoding: .imageEncoding
    case .imageTruncated, .imageShort, .imageExpired, .imageExpiredAlways, .imageStatus, .imageHang, .imageHuge,
      .imageHTML, .imageRedirect, .imageJPEG, .imageFormat, .imagePart:
      .image
    case .imageCut: .imageCut
    case .webhookNone, .webhookTwice: .webhook
    }
  }
}
