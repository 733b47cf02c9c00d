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
  /// No `result` at all although the status is `success`.
  case missing
  /// `[{"KEY":"http://…"}]`: a key that nothing documents.
  case key(String)
  /// `"[{\"image\":…}]"`: the JSON as a text.
  case jsonString
  /// `[null,{"image":"http://…"}]`
  case nullElement
  /// `[{"image":"  http://…\n"}]`: blanks and a line end around the link.
  case blanks
  /// `[{"image":"/images/…"}]`: a link without scheme and host.
  case relative
  /// `[{"image":"iVBORw0…"}]`: base64 without a word about it.
  case base64
  /// `{"thumbnail_url":…,"image_url":…}`: a preview beside the picture, under keys that nothing documents.
  case preview
  /// `{"first":…,"second":…}`: two links, and nothing says which is the picture.
  case two
  /// `[{"ready":true,"file_id":…}]`: nothing that could be a picture.
  case odd
}
