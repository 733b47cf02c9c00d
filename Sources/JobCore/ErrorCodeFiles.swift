// Codes about files, folders and the machine that they are on.
extension ErrorCode {
  /// The limit of open files is reached.
  public static let tooManyFiles = ErrorCode("too-many-files", about: .machine)
  /// The disk reports an error.
  public static let inputOutputError = ErrorCode("input-output-error", about: .machine)
  /// A system call failed that rarely does.
  public static let fileError = ErrorCode("file-error", about: .machine)
  /// Another program has the file for itself.
  public static let fileInUse = ErrorCode("file-in-use", about: .machine)
  /// The disk or a quota is full.
  public static let diskFull = ErrorCode("disk-full", about: .disk)
  /// The folder is mounted read-only.
  public static let readOnly = ErrorCode("read-only", about: .disk)
  /// A watched folder itself is not there.
  public static let rootGone = ErrorCode("root-gone", about: .root)
  /// A watched folder is there and cannot be looked through at present.
  public static let rootUnreadable = ErrorCode("root-unreadable")
  /// A watched folder is there again.
  public static let rootBack = ErrorCode("root-back")
  /// A prompt's folder is not there.
  public static let folderGone = ErrorCode("folder-gone", about: .place)
  /// Reading or writing is not allowed.
  public static let noPermission = ErrorCode("no-permission")
  /// A symbolic link, which is not followed.
  public static let symbolicLink = ErrorCode("symbolic-link")
  /// A prompt whose sidecar's name would not fit.
  public static let nameTooLong = ErrorCode("name-too-long")
  /// Another prompt beside it would have the same pictures.
  public static let sameStem = ErrorCode("same-stem")
  /// No free name for a picture.
  public static let nameTaken = ErrorCode("name-taken")
  /// Both names for the sidecar are taken by other files.
  public static let sidecarNameTaken = ErrorCode("sidecar-name-taken")
  /// What has the name of a prompt is no regular file.
  public static let notAFile = ErrorCode("not-a-file")
  /// A prompt or an image list over the limit.
  public static let tooLarge = ErrorCode("too-large")
  /// A file that is not UTF-8 text.
  public static let notUTF8 = ErrorCode("not-utf8")
  /// A file with git's conflict markers.
  public static let gitConflict = ErrorCode("git-conflict")
  /// A prompt without words.
  public static let empty = ErrorCode("empty")
  /// Front matter without its last line.
  public static let frontMatterUnclosed = ErrorCode("front-matter-unclosed")
  /// A prompt that waits for its image list.
  public static let waitingForList = ErrorCode("waiting-for-list")
  /// More reference images than the service takes.
  public static let tooManyImages = ErrorCode("too-many-images")
  /// An exclude pattern leaves it out.
  public static let excluded = ErrorCode("excluded", about: .leftOut)
  /// A folder that is left out by its name.
  public static let folderSkipped = ErrorCode("folder-skipped")
  /// A name in `skip-folders` that cannot be used.
  public static let skipFoldersBadName = ErrorCode("skip-folders-bad-name")
  /// A folder's defaults that cannot be read.
  public static let folderDefaultsUnreadable = ErrorCode("folder-defaults-unreadable", about: .companion)
  /// A reference image is not there (yet).
  public static let referenceMissing = ErrorCode("reference-missing")
  /// Several files could be the reference image.
  public static let imageAmbiguous = ErrorCode("image-ambiguous", about: .companion)
  /// A reference image whose URL has another scheme than http or https.
  public static let imageBadScheme = ErrorCode("image-bad-scheme", about: .companion)
  /// A reference image whose URL cannot be used.
  public static let imageBadURL = ErrorCode("image-bad-url", about: .companion)
  /// A reference image that is not inside the watched folder.
  public static let imageOutsideRoot = ErrorCode("image-outside-root", about: .companion)
  /// A reference image that is no regular file.
  public static let imageNotAFile = ErrorCode("image-not-a-file", about: .companion)
  /// A reference image that is no whole image of a known format.
  public static let imageNotAnImage = ErrorCode("image-not-an-image", about: .companion)
  /// A reference image that cannot be read.
  public static let imageUnreadable = ErrorCode("image-unreadable", about: .companion)
  /// A picture or a reference image over the limit.
  public static let imageTooLarge = ErrorCode("image-too-large", about: .companion)
  /// The folder belongs to another agent.
  public static let otherOwner = ErrorCode("other-owner", about: .owner)
  /// The folder is kept on several machines and belongs to none of them.
  public static let sharedFolder = ErrorCode("shared-folder", about: .owner)
  /// Somebody else may use this agent's state.
  public static let stateInDoubt = ErrorCode("state-in-doubt", about: .owner)
  /// A folder that inotify does not hear of everything in.
  public static let deafFolder = ErrorCode("deaf-folder")
  /// A folder that is looked through from time to time.
  public static let polling = ErrorCode("polling")
  /// inotify cannot be used.
  public static let inotifyUnavailable = ErrorCode("inotify-unavailable")
  /// The limit of inotify watches is reached.
  public static let outOfWatches = ErrorCode("out-of-watches")
  /// inotify watches every folder that it can again.
  public static let watchedAgain = ErrorCode("watched-again")
  /// inotify can be used again.
  public static let watchingAgain = ErrorCode("watching-again")
  /// Whether a program has files open for writing cannot be seen.
  public static let writerUnseen = ErrorCode("writer-unseen")
  /// A disk that took nothing can be written again.
  public static let diskWorks = ErrorCode("disk-works")
}
