#!/bin/bash
# tools/make_docs.sh AUTOGO [OUT]: writes docs/commands.md, or OUT, from the program's own --help.
# tests/cli/docs.sh fails when docs/commands.md is not what this writes.
set -euo pipefail
autogo="${1:?usage: tools/make_docs.sh AUTOGO [OUT]}"
out="${2:-$(dirname "${BASH_SOURCE[0]}")/../docs/commands.md}"
unset AUTOGO_JOBS AUTOGO_SEED AUTOGO_LOG AUTOGO_DATA

section() { # heading, command words...
  local heading="$1"
  shift
  printf '%s\n\n```\n' "$heading"
  "$autogo" "$@" --help | sed -e '/^Global options:$/,$d' -e 's/[[:space:]]*$//' | cat -s |
    sed -e '${/^$/d}'
  printf '```\n\n'
}

{
  cat << 'TEXT'
# Commands

Written by `tools/make_docs.sh` from the program's own help; do not edit.

## Exit codes

| code | meaning |
| --- | --- |
| 0 | done |
| 1 | it failed while running: a file, the disk, a child process |
| 2 | wrong options or configuration |
| 3 | the answer is no: a check failed |
| 4 | the constraint cannot be met; what can be met is said |
| 5 | a bad input file, or an operator that this command cannot handle |
| 6 | interrupted; can be resumed |
| 70 | a bug in autogo |
| 124 | the time budget was used up; the result so far is kept and valid |

An error is one line on standard error: the command, the file, the node or row, what was expected, what to do. With `--json` it is `{"code", "message", "hint"}`. Results go to standard output, everything else to standard error; `-` as a file is standard input or output.

An option on the command line comes before the environment (`AUTOGO_JOBS`, `AUTOGO_SEED`, `AUTOGO_LOG`, `AUTOGO_DATA`), that before `--config`, that before the default. `AUTOGO_DATA` names a folder that replaces the installed data.

TEXT
  printf '## autogo\n\n```\n'
  "$autogo" --help
  printf '```\n\n'
  # Commands, and the subcommands of those that have some, in the order of the help.
  "$autogo" --help | sed -n '/^Commands:/,/^$/s/^  \([a-z][a-z0-9-]*\) .*/\1/p' |
    while read -r command; do
      section "## autogo $command" "$command"
      "$autogo" "$command" --help | sed -n '/^Subcommands:/,/^$/s/^  \([a-z][a-z0-9-]*\) .*/\1/p' |
        while read -r sub; do section "### autogo $command $sub" "$command" "$sub"; done
    done
} | sed -e :a -e '/^\n*$/{$d;N;ba' -e '}' > "$out.tmp"
mv "$out.tmp" "$out"
