#!/bin/bash
# docs/commands.md is what the program's help says today.
. "$(dirname "$0")/lib.sh"
run "$AUTOGO_SOURCE_DIR/tools/make_docs.sh" "$AUTOGO" commands.md
expect_code 0
run diff -u "$AUTOGO_SOURCE_DIR/docs/commands.md" commands.md
[ "$code" = 0 ] || problem "docs/commands.md is out of date: run tools/make_docs.sh bin/autogo"
finish
