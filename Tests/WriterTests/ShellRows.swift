extension Row {
  /// Redirections, and the tools that every system has.
  static let shell: [Row] = [
    Row(name: "cat > new", script: #"printf %s "$T1" | cat > $P"#, expected: ["T1"]),
    Row(name: "cat > over", before: true, script: #"printf %s "$T2" | cat > $P"#, expected: ["T2"]),
    Row(name: "tee", script: #"printf %s "$T1" | tee $P"#, expected: ["T1"]),
    Row(
      name: "curl -o", programs: ["curl"], script: #"printf %s "$T1" > "$W/x"; curl -s -o $P "file://$W/x""#,
      expected: ["T1"]),
    Row(name: ">>", before: true, script: #"printf ' More.' >> $P"#, expected: ["T1 More."]),
    Row(name: "tee -a", before: true, script: #"printf ' More.' | tee -a $P"#, expected: ["T1 More."]),
    Row(name: ": >", before: true, script: ": > $P", expected: [], state: "queued", reason: "empty"),
    Row(name: "touch new", script: "touch $P", expected: [], state: "queued", reason: "empty"),
    Row(name: "touch existing", before: true, script: "touch $P", expected: []),
    Row(name: "chmod", before: true, script: "chmod 600 $P; chmod 644 $P", expected: []),
    Row(
      name: "a slow producer", before: true, script: #"{ sleep 1; printf %s "$T2"; } > $P"#, expected: ["T2"]),
    Row(
      name: "a producer that pauses",
      script: #"{ printf 'Two '; sleep 0.15; printf 'halves, '; sleep 0.15; printf %s "$T1"; } > $P"#,
      expected: ["Two halves, T1"]),
    Row(
      name: "two steps", script: #"printf 'First, ' > $P; sleep 0.1; printf %s "$T1" >> $P"#, expected: ["First, T1"]),
    Row(
      name: "a writer that is killed, and its repair",
      script: #"sh -c 'printf half > $P; kill -9 $$' || true; printf %s "$T1" > $P"#, expected: ["T1"]),
    Row(
      name: "ten quick saves",
      script: #"for i in 1 2 3 4 5 6 7 8 9; do echo "$i" > $P; sleep 0.02; done; printf %s "$T1" > $P"#,
      expected: ["T1"]),
    Row(name: "cp new", script: #"printf %s "$T1" > "$W/x"; cp "$W/x" $P"#, expected: ["T1"]),
    Row(name: "cp over", before: true, script: #"printf %s "$T2" > "$W/x"; cp "$W/x" $P"#, expected: ["T2"]),
    Row(
      name: "cp -p of an old file", script: #"printf %s "$T1" > "$W/x"; touch -d 1999-01-01 "$W/x"; cp -p "$W/x" $P"#,
      expected: ["T1"]),
    Row(
      name: "cp -r of a folder", script: #"mkdir "$W/d"; printf %s "$T1" > "$W/d/foo.prompt"; cp -r "$W/d" ."#,
      expected: ["T1"], file: "d/foo.prompt"),
    Row(name: "mv within the file system", script: #"printf %s "$T1" > "$W/x"; mv "$W/x" $P"#, expected: ["T1"]),
    Row(name: "mv over", before: true, script: #"printf %s "$T2" > "$W/x"; mv "$W/x" $P"#, expected: ["T2"]),
    Row(name: "mv from another file system", script: #"printf %s "$T1" > "$X/x"; mv "$X/x" $P"#, expected: ["T1"]),
    Row(
      name: "mv over from another file system", before: true, script: #"printf %s "$T2" > "$X/x"; mv "$X/x" $P"#,
      expected: ["T2"]),
    Row(
      name: "mv of a folder", script: #"mkdir "$W/d"; printf %s "$T1" > "$W/d/foo.prompt"; mv "$W/d" ."#,
      expected: ["T1"], file: "d/foo.prompt"),
    Row(
      name: "mkdir -p and a file at once", script: #"mkdir -p a/b/c; printf %s "$T1" > a/b/c/foo.prompt"#,
      expected: ["T1"], file: "a/b/c/foo.prompt"),
    Row(name: "ln", script: #"printf %s "$T1" > "$W/x"; ln "$W/x" $P"#, expected: ["T1"]),
    Row(name: "cp -l", script: #"printf %s "$T1" > "$W/x"; cp -l "$W/x" $P"#, expected: ["T1"]),
    Row(
      name: "ln -s", script: #"printf %s "$T1" > "$W/x"; ln -s "$W/x" $P"#, expected: [], state: "failed",
      reason: "not-a-file"),
    Row(name: "mkfifo", script: "mkfifo $P", expected: [], state: "failed", reason: "not-a-file"),
    Row(name: "install over", before: true, script: #"printf %s "$T2" > "$W/x"; install "$W/x" $P"#, expected: ["T2"]),
    Row(
      name: "tar x over", before: true,
      script: #"printf %s "$T2" > "$W/foo.prompt"; tar -C "$W" -cf "$W/x.tar" foo.prompt; tar -xf "$W/x.tar""#,
      expected: ["T2"]),
    Row(
      name: "tar x of a tree",
      script:
        #"mkdir -p "$W/a/b"; printf %s "$T1" > "$W/a/b/foo.prompt"; tar -C "$W" -cf "$W/x.tar" a; tar -xf "$W/x.tar""#,
      expected: ["T1"], file: "a/b/foo.prompt"),
    Row(
      name: "names of backups and of what is not finished",
      script:
        #"for n in foo.prompt~ '#foo.prompt#' .foo.prompt.swp 4913 sedAb12Cd foo.prompt.tmp foo.prompt.part foo.prompt.bak .#foo.prompt ~foo.prompt; do printf %s "$T1" > "$n"; done"#,
      expected: [], state: nil),
    Row(
      name: "conflict copies", before: true,
      script:
        #"printf %s "$T2" > "foo.sync-conflict-20260131-101500-ABCDEFG.prompt"; printf %s "$T2" > "foo (Ann's conflicted copy 2026-01-31).prompt""#,
      expected: [],
      others: [
        "foo.sync-conflict-20260131-101500-ABCDEFG": "held", "foo (Ann's conflicted copy 2026-01-31)": "held",
      ]),
  ]
}
