# awk -f skipped.awk -v shared=DIR LastTest.log: one line that says which tests ctest skipped and why,
# most frequent reason first; nothing when none was. A missing file below `shared` is one reason.
# GoogleTest writes "FILE:LINE: Skipped" with the reason on the next line, our scripts "skipped: REASON".
function note(reason) {
  if (index(reason, shared "/") || index(reason, "/../shared/")) reason = "../shared is missing"
  if (!(reason in count)) order[++reasons] = reason
  ++count[reason]
  ++tests
}
/^[0-9]+\/[0-9]+ Testing: / { told = 0 }
told { next }
pending { note($0); pending = 0; told = 1; next }
/: Skipped$/ { pending = 1 }
/^(.*: )?skipped: / { sub(/^(.*: )?skipped: /, ""); note($0); told = 1 }
END {
  if (!tests) exit
  for (i = 2; i <= reasons; ++i)  # insertion sort: few reasons
    for (j = i; j > 1 && count[order[j]] > count[order[j - 1]]; --j) {
      other = order[j]; order[j] = order[j - 1]; order[j - 1] = other
    }
  line = "skipped " tests (tests == 1 ? " test: " : " tests: ")
  for (i = 1; i <= reasons; ++i) line = line (i > 1 ? "; " : "") order[i] " (" count[order[i]] ")"
  print line
}
