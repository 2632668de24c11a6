#!/bin/bash
# autogo doctor uses every part of the installation and says what is broken, exit code 3.
. "$(dirname "$0")/lib.sh"
run "$AUTOGO" doctor
expect_code 0
for part in "segment database" predictor "sample models" "segment trainer" "shape solver" cores; do
  expect_out_has "ok      $part: "
done
run "$AUTOGO" doctor --json
expect_code 0
expect_out_has '"ok":true,"parts":[{"part":"segment database","ok":true,'

# Damaged data is broken, not merely present.
mkdir data
head -c 1000 "$AUTOGO_SOURCE_DIR/data/segments.json" > data/segments.json
run env AUTOGO_DATA="$work/data" "$AUTOGO" doctor
expect_code 3
expect_out_has "broken  segment database: $work/data/segments.json: not valid JSON"
expect_out_has "ok      predictor: "

# So is a solver that cannot be loaded.
mkdir modules
echo "no module" > modules/autogo_solver.so
run env AUTOGO_MODULE_DIR="$work/modules" "$AUTOGO" doctor
expect_code 3
expect_out_has "broken  shape solver: $work/modules/autogo_solver.so: cannot be loaded: "
finish
