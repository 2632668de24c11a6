#!/bin/bash
# autogo mine and autogo segment: corpora and models to a database, databases merged, a model split.
. "$(dirname "$0")/lib.sh"

cat > t.csv << 'CSV'
index,arch,acc
0,|avg_pool_3x3~0|+|nor_conv_1x1~0|skip_connect~1|+|nor_conv_1x1~0|skip_connect~1|skip_connect~2|,85
1,|nor_conv_3x3~0|+|none~0|none~1|+|avg_pool_3x3~0|nor_conv_3x3~1|nor_conv_3x3~2|,93
CSV
run "$AUTOGO" corpus nasbench201 --table t.csv --label acc -o c.jsonl
expect_code 0
mkdir models
run "$AUTOGO" corpus network fsrcnn4_x2 -o models/f.onnx
expect_code 0

# A corpus; the same with other numbers of threads.
run "$AUTOGO" mine c.jsonl --vocab-size 200 --jobs 1 -o a.json
expect_code 0
expect_out_has "a.json: "
expect_out_has ", from 2 graphs of 387 nodes"
run "$AUTOGO" mine c.jsonl --vocab-size 200 --jobs 2 -o b.json
cmp -s a.json b.json || problem "expected the same database from two threads"
run env AUTOGO_SEED=3 "$AUTOGO" mine c.jsonl --vocab-size 200 -o b.json
grep -q '"seed": 3' b.json || problem "expected the seed in the file"

# A folder of models, merged with a database; statistics.
run "$AUTOGO" mine a.json models --stats --json -o both.json
expect_code 0
expect_out_has '"corpora":["models","nasbench201"],"graphs":1,'
expect_out_has '"statistics":{"entries":'
run "$AUTOGO" mine both.json --stats -o copy.json
expect_code 0
expect_out_has "operators of models, by occurrences"
cmp -s both.json copy.json || problem "expected a merge of one database to copy it"

# A folder with a file that is no model: left out with a warning. None left: refused.
mkdir -p mixed broken
cp models/f.onnx mixed/
echo "no model" > mixed/bad.onnx
cp mixed/bad.onnx broken/
run "$AUTOGO" mine c.jsonl mixed --json -o mixed.json
expect_code 0
expect_out_has '"corpora":["nasbench201","mixed"],"graphs":3,'
expect_err_has "mixed/bad.onnx: "
expect_err_has "; left out"

# Splitting: every node in exactly one segment.
run "$AUTOGO" segment models/f.onnx --segments both.json
expect_code 0
expect_out_has " segments of "
run "$AUTOGO" segment models/f.onnx --segments both.json --keep 0.5 --seed 7 --json
expect_code 0
expect_out_has '{"segments":[{"nodes":["'
first="$out"
run "$AUTOGO" segment models/f.onnx --segments both.json --keep 0.5 --seed 7 --json
expect_out "$first"
if command -v node > /dev/null; then
  run "$AUTOGO" profile models/f.onnx --json
  echo "$out" > p.json
  echo "$first" > s.json
  run node -e '
    const fs = require("fs"), read = (f) => JSON.parse(fs.readFileSync(f));
    const nodes = read("s.json").segments.flatMap((s) => s.nodes);
    if (new Set(nodes).size !== nodes.length) throw "a node stands in two segments";
    for (const n of read("p.json").nodes) if (!nodes.includes(n.name)) throw "no segment has " + n.name;'
  expect_code 0
fi

# Refusals, and nothing written.
rm -f x.json
echo '{"format": "autogo.predictor", "version": 1}' > p.pt
run "$AUTOGO" mine p.pt -o x.json
expect_refusal 5 "p.pt: is no corpus, segment database or folder of ONNX files"
run "$AUTOGO" mine nowhere -o x.json
expect_refusal 1 "nowhere: no such file or folder"
run "$AUTOGO" mine -q c.jsonl --vocab-size 5 -o x.json
expect_refusal 2 "a vocabulary of 5 is too small: the corpora have 8 operations"
run env AUTOGO_SPM_HELPER=/nowhere/autogo-spm "$AUTOGO" mine -q c.jsonl -o x.json
expect_refusal 1 "/nowhere/autogo-spm: cannot be started: No such file or directory"
sed '$s/^/?/' c.jsonl > bad-row.jsonl  # the helper is missed before anything is read
run env AUTOGO_SPM_HELPER=/nowhere/autogo-spm "$AUTOGO" mine -q bad-row.jsonl -o x.json
expect_refusal 1 "/nowhere/autogo-spm: cannot be started: No such file or directory"
run "$AUTOGO" mine -q broken -o x.json
expect_refusal 5 "broken: none of 1 files can be imported; the first: broken/bad.onnx: "
head -c 5000 a.json > cut.json
run "$AUTOGO" mine cut.json -o x.json
expect_refusal 5 "cut.json: not valid JSON at byte "
run "$AUTOGO" segment models/f.onnx --segments cut.json
expect_refusal 5 "cut.json: not valid JSON at byte "
sed 's/"version": 1/"version": 2/' a.json > new.json
run "$AUTOGO" segment models/f.onnx --segments new.json
expect_refusal 5 'new.json: version 2 of "autogo.segments", this autogo reads version 1'
[ ! -e x.json ] || problem "expected no output"
finish
