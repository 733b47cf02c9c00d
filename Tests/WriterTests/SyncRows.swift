extension Row {
  /// Tools that copy and keep folders in step.
  static let sync: [Row] = [
    Row(
      name: "rsync -a, new", programs: ["rsync"],
      script: #"printf %s "$T1" > "$W/foo.prompt"; rsync -a "$W/foo.prompt" ./"#,
      expected: ["T1"]),
    Row(
      name: "rsync -a over", programs: ["rsync"], before: true,
      script: #"printf %s "$T2" > "$W/foo.prompt"; rsync -a "$W/foo.prompt" ./"#, expected: ["T2"]),
    Row(
      name: "rsync -a of the same content with another time", programs: ["rsync"], before: true,
      script: #"cp $P "$W/foo.prompt"; touch -d 2001-01-01 "$W/foo.prompt"; rsync -a -I "$W/foo.prompt" ./"#,
      expected: []),
    Row(
      name: "rsync --inplace", programs: ["rsync"], before: true,
      script: #"printf %s "$T2" > "$W/foo.prompt"; rsync -a --inplace "$W/foo.prompt" ./"#, expected: ["T2"]),
    Row(
      name: "rsync --delay-updates", programs: ["rsync"], before: true,
      script: #"mkdir "$W/s"; printf %s "$T2" > "$W/s/foo.prompt"; rsync -a --delay-updates "$W/s/" ./"#,
      expected: ["T2"]),
    Row(
      name: "rsync --link-dest", programs: ["rsync"],
      script:
        #"mkdir "$W/s" "$W/l"; printf %s "$T1" > "$W/s/foo.prompt"; cp -p "$W/s/foo.prompt" "$W/l/"; rsync -a --link-dest="$W/l" "$W/s/" ./"#,
      expected: ["T1"]),
    Row(
      name: "rsync -a --delete of the same tree", programs: ["rsync"], before: true,
      script: #"mkdir "$W/s"; cp -p ./* "$W/s/"; touch -d 2002-02-02 "$W/s/foo.prompt"; rsync -a --delete "$W/s/" ./"#,
      expected: []),
    Row(
      name: "rsync of a rename", programs: ["rsync"], before: true,
      script:
        #"mkdir "$W/s"; cp -p ./* "$W/s/"; mv "$W/s/foo.prompt" "$W/s/bar.prompt"; rsync -a --delete-after "$W/s/" ./"#,
      expected: [], file: "bar.prompt"),
    Row(
      name: "rclone copy over", programs: ["rclone"], before: true,
      script: #"mkdir "$W/s"; printf %s "$T2" > "$W/s/foo.prompt"; rclone --config /dev/null copy "$W/s" ."#,
      expected: ["T2"]),
    Row(
      name: "unison", programs: ["unison"], before: true,
      script:
        #"mkdir "$W/s"; printf %s "$T2" > "$W/s/foo.prompt"; unison -batch -silent -prefer "$W/s" "$W/s" "$PWD" -path foo.prompt"#,
      expected: ["T2"]),
    Row(
      name: "sftp put", programs: ["sftp", "sftp-server"], before: true,
      script:
        #"printf %s "$T2" > "$W/x"; printf 'put %s foo.prompt\n' "$W/x" | sftp -q -b - -D /usr/lib/openssh/sftp-server"#,
      expected: ["T2"]),
    Row(
      name: "sftp put and rename", programs: ["sftp", "sftp-server"],
      script:
        #"printf %s "$T1" > "$W/x"; printf 'put %s foo.prompt.part\nrename foo.prompt.part foo.prompt\n' "$W/x" | sftp -q -b - -D /usr/lib/openssh/sftp-server"#,
      expected: ["T1"]),
  ]

  private static let repository =
    #"git init -q -b main; git add foo.prompt; git commit -qm one; git checkout -q -b other; printf %s "$T2" > $P; git commit -qam two; "#

  /// Git, in a repository whose work tree is watched.
  static let git: [Row] = [
    Row(
      name: "git checkout and back", programs: ["git"], before: true,
      script: repository + "sleep 1; git checkout -q main; sleep 1; git checkout -q other", expected: ["T2"]),
    Row(
      name: "git stash and pop", programs: ["git"], before: true,
      script:
        #"git init -q -b main; git add foo.prompt; git commit -qm one; printf %s "$T2" > $P; git stash -q; git stash pop -q"#,
      expected: ["T2"]),
    Row(
      name: "git checkout of everything anew", programs: ["git"], before: true,
      script: "git init -q -b main; git add foo.prompt; git commit -qm one; rm foo.prompt; git checkout -q -- .",
      expected: []),
    Row(
      name: "a merge conflict", programs: ["git"], before: true,
      script: repository
        + #"git checkout -q main; printf 'Ours.' > $P; git commit -qam three; git merge -q other > /dev/null 2>&1 || true; grep -q '<<<<<<<' $P"#,
      expected: [], state: "failed", reason: "git-conflict"),
    Row(
      name: "a merge conflict that is resolved", programs: ["git"], before: true,
      script: repository
        + #"git checkout -q main; printf 'Ours.' > $P; git commit -qam three; git merge -q other > /dev/null 2>&1 || true; sleep 1; printf 'Both. %s' "$T2" > $P; git commit -qam four"#,
      expected: ["Both. T2"]),
  ]
}
