import Testing

/// Mounts, limits, and folders that come and go. The whole program is run, and the sandbox's ledger is the judge.
///
/// One suite at a time: some of what they change belongs to the whole machine, and most of them keep it busy by themselves.
/// What this machine does not allow is printed as skipped, with the reason.
@Suite(.serialized) struct Mounts {}
