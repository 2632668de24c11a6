#!/bin/bash
# check_names.sh ROOT: a class, struct, union or enum is defined once in the library and the program
# (include/, src/, tools/autogo/). Two of one name with other members are undefined behaviour: the
# linker keeps one of their inline functions for both. What one file alone uses is in its unnamed
# namespace, and so are members and local types not looked at. Prints one line for each name that
# stands twice; exit 1 when there is one.
set -euo pipefail
cd "$1"

# Prints "name file:line" for each type defined at the level of a named namespace. Comments, texts
# and preprocessor lines are dropped first; then every { opens a scope of which we know whether it
# is a named namespace, and a type's head is what stands between it and the last ; { or }.
types='
function strip(line,    out, i, c, two) {
  out = ""
  for (i = 1; i <= length(line); ++i) {
    c = substr(line, i, 1); two = substr(line, i, 2)
    if (in_comment) { if (two == "*/") { in_comment = 0; ++i }; continue }
    if (in_raw != "") {
      if (substr(line, i, length(in_raw)) == in_raw) { i += length(in_raw) - 1; in_raw = "" }
      continue
    }
    if (two == "//") break
    if (two == "/*") { in_comment = 1; ++i; continue }
    if (c == "\"" && substr(line, i - 1, 1) == "R" && match(substr(line, i + 1), /^[^(]*\(/)) {
      in_raw = ")" substr(line, i + 1, RLENGTH - 1) "\""; i += RLENGTH; continue
    }
    if (c == "\"" || (c == "\047" && substr(line, i - 1, 1) !~ /[0-9a-fA-F]/)) {
      while (++i <= length(line) && substr(line, i, 1) != c) if (substr(line, i, 1) == "\\") ++i
      out = out " "
      continue
    }
    out = out c
  }
  return out
}
function opened(    name) {
  named = 0
  if (head ~ /(^|[^A-Za-z0-9_])namespace[ \t]+[A-Za-z_]/) named = 1
  else if (depth == 0 && head ~ /extern[ \t]*$/) named = 1
  else if (level[depth] && match(head, /(^|[> \t])(class|struct|union|enum([ \t]+(class|struct))?)[ \t]+(\[\[[^]]*\]\][ \t]*)?[A-Za-z_][A-Za-z0-9_]*[ \t]*(final[ \t]*)?(:[^:(].*)?$/)) {
    name = substr(head, RSTART)
    sub(/^[> \t]*(enum[ \t]+)?(class|struct|union|enum)?[ \t]+(\[\[[^]]*\]\][ \t]*)?/, "", name)
    sub(/[^A-Za-z0-9_].*$/, "", name)
    print name, FILENAME ":" FNR
  }
  level[++depth] = named
}
FNR == 1 { depth = 0; level[0] = 1; head = ""; in_comment = 0; in_raw = "" }
/^[ \t]*#/ && !in_comment && in_raw == "" { next }
{
  text = strip($0)
  while (match(text, /[;{}]/)) {
    head = head " " substr(text, 1, RSTART - 1)
    c = substr(text, RSTART, 1)
    text = substr(text, RSTART + 1)
    if (c == "{") opened()
    if (c == "}" && depth > 0) --depth
    head = ""
  }
  head = head " " text
}'

found="$({ find include src tools/autogo -name '*.h' -o -name '*.cc' 2> /dev/null || true; } | sort |
  xargs -r awk "$types")"
if [ -z "$found" ]; then
  echo "$1: no type found: is this the source tree?"
  exit 1
fi
twice="$(echo "$found" | sort | awk '
  { places[$1] = places[$1] (places[$1] == "" ? "" : ", ") $2; ++count[$1] }
  END { for (name in count) if (count[name] > 1) print name ": defined at " places[name] }' | sort)"
[ -z "$twice" ] || { echo "$twice"; exit 1; }
