/// How the `result` of a finished task is written.
///
/// The guide documents an array of `{"image": "<URL or base64 data URI>"}`; the other shapes were seen by public
/// clients of the same service.
public enum ResultShape: Sendable, Equatable {
  /// `[{"image":"http://…"}]`: links to this sandbox.
  case urls
  /// `[{"image":"data:image/png;base64,…"}]`: the picture itself.
  case dataURI
  /// `{"image":"http://…"}`: one object instead of an array.
  case object
  /// `"http://…"`: a bare link.
  case string
  /// `[{"text":"…"}]`: the model answered in words, no picture.
  case text(String)
  /// `[]`: success with nothing in it.
  case empty
  /// `null` although the status is `success`.
  case null
}
