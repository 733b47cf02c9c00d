extension Row {
  // What Python does is told to it by its own means; the prompt's name and the texts are in its environment too.
  private static func python(_ name: String, before: Bool = false, _ code: String, expected: [String]) -> Row {
    Row(
      name: name, programs: ["python3"], before: before, script: "python3 -c '\(code)'", expected: expected)
  }

  /// Scripting languages, and what they do with the kernel's rarer calls.
  static let languages: [Row] = [
    Row(name: "sed -i", programs: ["sed"], before: true, script: #"sed -i "s/.*/$T2/" $P"#, expected: ["T2"]),
    Row(
      name: "perl -pi", programs: ["perl"], before: true, script: #"perl -pi -e 's/.*/$ENV{T2}/s' $P"#, expected: ["T2"]
    ),
    python("open('w')", "import os; open(os.environ[\"P\"], \"w\").write(os.environ[\"T1\"])", expected: ["T1"]),
    python(
      "mkstemp and replace", before: true,
      """
      import os, tempfile
      number, name = tempfile.mkstemp(dir=".")
      os.write(number, os.environ["T2"].encode())
      os.close(number)
      os.replace(name, os.environ["P"])
      """, expected: ["T2"]),
    python(
      "a mapped write", before: true,
      """
      import mmap, os
      text = os.environ["T2"].encode()
      number = os.open(os.environ["P"], os.O_RDWR)
      os.ftruncate(number, len(text))
      mapped = mmap.mmap(number, len(text))
      mapped[:] = text
      mapped.flush()
      mapped.close()
      os.close(number)
      """, expected: ["T2"]),
    python(
      "a mapped write of the same length", before: true,
      """
      import mmap, os
      number = os.open(os.environ["P"], os.O_RDWR)
      mapped = mmap.mmap(number, 0)
      mapped[-1:] = b"!"
      mapped.flush()
      mapped.close()
      os.close(number)
      """, expected: ["E1"]),
    python(
      "O_TMPFILE and linkat",
      """
      import ctypes, os
      number = os.open(".", os.O_TMPFILE | os.O_RDWR, 0o644)
      os.write(number, os.environ["T1"].encode())
      here, follow = -100, 0x400
      path = b"/proc/self/fd/%d" % number
      assert ctypes.CDLL(None).linkat(here, path, here, os.environ["P"].encode(), follow) == 0
      os.close(number)
      """, expected: ["T1"]),
  ]

  /// Editors.
  static let editors: [Row] = [
    Row(
      name: "vim, new", programs: ["vim"],
      script: #"vim -Nu NONE -i NONE -es -c 'call setline(1, $T1)' -c wq $P"#, expected: ["T1"]),
    Row(
      name: "vim, saved again by renaming", programs: ["vim"], before: true,
      script:
        #"vim -Nu NONE -i NONE -es -c 'set backup backupcopy=no' -c 'call setline(1, $T2)' -c wq $P; test -e $P~"#,
      expected: ["T2"]),
    Row(
      name: "vim, saved again without keeping a backup", programs: ["vim"], before: true,
      script:
        #"vim -Nu NONE -i NONE -es -c 'set nobackup writebackup backupcopy=no' -c 'call setline(1, $T2)' -c wq $P"#,
      expected: ["T2"]),
    Row(
      name: "vim with backupcopy=yes", programs: ["vim"], before: true,
      script: #"vim -Nu NONE -i NONE -es -c 'set backup backupcopy=yes' -c 'call setline(1, $T2)' -c wq $P"#,
      expected: ["T2"]),
    Row(
      name: "vim, saved without a change", programs: ["vim"], before: true,
      script: "vim -Nu NONE -i NONE -es -c w! -c q $P", expected: []),
    Row(
      name: "emacs, new", programs: ["emacs"],
      script: #"emacs -Q --batch $P --eval '(progn (insert (getenv "T1")) (save-buffer))'"#, expected: ["T1"]),
    Row(
      name: "emacs, saved again", programs: ["emacs"], before: true,
      script: #"emacs -Q --batch $P --eval '(progn (erase-buffer) (insert (getenv "T2")) (save-buffer))'; test -e $P~"#,
      expected: ["T2"]),
    Row(
      name: "emacs, saved twice", programs: ["emacs"], before: true,
      script:
        #"emacs -Q --batch $P --eval '(progn (insert "Draft. ") (save-buffer) (erase-buffer) (insert (getenv "T2")) (save-buffer))'"#,
      expected: ["T2"]),
    Row(
      name: "nano", programs: ["nano", "script"], before: true,
      script:
        #"{ sleep 1; printf 'New. '; sleep 0.3; printf '\017\r'; sleep 0.3; printf '\030'; sleep 1; } | script -qec "nano -I $P" /dev/null > /dev/null"#,
      expected: ["New. T1"]),
    Row(
      name: "gio save, as gedit does", programs: ["gio"], before: true, script: #"printf %s "$T2" | gio save $P"#,
      expected: ["T2"]),
  ]
}
