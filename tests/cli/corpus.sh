#!/bin/bash
# autogo corpus: tables to labelled corpora, folders of models, sample networks.
. "$(dirname "$0")/lib.sh"

cat > t.csv << 'CSV'
index,arch,acc,ms
0,|avg_pool_3x3~0|+|nor_conv_1x1~0|skip_connect~1|+|nor_conv_1x1~0|skip_connect~1|skip_connect~2|,85.8633,13.9
1,|nor_conv_3x3~0|+|none~0|none~1|+|avg_pool_3x3~0|nor_conv_3x3~1|nor_conv_3x3~2|,93.66,
2,|none~0|+|none~0|none~1|+|none~0|none~1|none~2|,10,3
CSV
nb201() { run "$AUTOGO" corpus nasbench201 --table t.csv "$@" -o c.jsonl; }

nb201 --label acc
expect_code 0
expect_out "c.jsonl: 2 networks; left out: 1 without a path from input to output"
[ "$(cat c.jsonl)" = '{"format":"autogo.corpus","version":1,"family":"nasbench201","label":"acc","source":"t.csv","size":2}
{"id":"nb201:a1s1ss","label":85.8633}
{"id":"nb201:3nna33","label":93.66}' ] || problem "expected two labelled networks"
nb201 --label acc --skip-none
expect_out "c.jsonl: 1 networks; left out: 2 with none"
nb201 --label ms
expect_out "c.jsonl: 1 networks; left out: 1 without a path from input to output, 1 without a label"
nb201 --label acc --limit 1 --json
expect_out '{"corpus":"c.jsonl","items":1,"skipped_with_none":0,"skipped_disconnected":0,"skipped_unlabelled":0,"skipped_failed":0,"skipped_repeated":0}'

echo '{"hash":"0","adjacency":[[0,1,1],[0,0,1],[0,0,0]],"ops":["input","maxpool3x3","output"],"acc":0.5}' > t.jsonl
gzip t.jsonl
run "$AUTOGO" corpus nasbench101 --table t.jsonl.gz --label acc -o d.jsonl
expect_code 0
expect_out "d.jsonl: 1 networks"
[ "$(tail -n 1 d.jsonl)" = '{"id":"nb101:3:111:m","label":0.5}' ] || problem "expected the cell's id"

# Families: drawn at random, or those of a table.
for family in hiaml inception two-path; do
  run "$AUTOGO" corpus $family --count 5 --seed 3 -o s.jsonl
  expect_code 0
  expect_out_has "s.jsonl: 5 networks"
  [ "$(head -n 1 s.jsonl)" = '{"format":"autogo.corpus","version":1,"family":"'$family'","label":"","source":"sampled with seed 3","size":5}' ] ||
    problem "expected a header"
done
run "$AUTOGO" corpus inception --count 5 --wide -o s.jsonl
expect_code 0
cat > h.csv << 'CSV'
id,acc
hiaml:z-z-z-z,90
hiaml:z-a22-b23-j30,
CSV
run "$AUTOGO" corpus hiaml --table h.csv --label acc -o h.jsonl
expect_code 0
expect_out "h.jsonl: 1 networks; left out: 1 without a label"
[ "$(tail -n 1 h.jsonl)" = '{"id":"hiaml:z-z-z-z","label":90.0}' ] || problem "expected a label"
run "$AUTOGO" corpus hiaml --count 40000 -o x.jsonl
expect_refusal 2 "autogo corpus: 40000 networks, but hiaml has only 38416"
run "$AUTOGO" corpus hiaml -o x.jsonl
expect_refusal 2 "nothing to write: give --count, or --table and --label"
run "$AUTOGO" corpus hiaml --table h.csv -o x.jsonl
expect_refusal 2 "--table needs --label"
run "$AUTOGO" corpus hiaml --table h.csv --label acc --count 3 -o x.jsonl
expect_refusal 2 "--count"

# A network of a family as ONNX: constants or weights from the seed.
run "$AUTOGO" corpus network hiaml:src1-src1-r30-src3 -o h.onnx
expect_code 0
expect_out "h.onnx: 122079744 multiply-accumulates, 2220746 parameters"
[ "$(stat -c %s h.onnx)" -lt 60000 ] || problem "expected a small file"
run "$AUTOGO" corpus network nb201:a1s1ss --random-weights --seed 1 -o a.onnx
run "$AUTOGO" corpus network nb201:a1s1ss --random-weights --seed 1 -o b.onnx
cmp -s a.onnx b.onnx || problem "expected the same weights from the same seed"
run "$AUTOGO" corpus network nb201:a1s1ss --random-weights --seed 2 -o b.onnx
cmp -s a.onnx b.onnx && problem "expected other weights from another seed"
run "$AUTOGO" corpus network hiaml:z-z -o x.onnx
expect_refusal 5 "autogo corpus: HiAML network 'hiaml:z-z': has 2 blocks, expected 4"
run "$AUTOGO" corpus network resnet:50 -o x.onnx
expect_refusal 5 "'resnet:50' is no architecture id; ids begin with one of nb101:, nb201:, hiaml:, inception:, two_path:"

# Sample networks: the shipped file, byte for byte; then as a corpus of models.
mkdir models
run "$AUTOGO" corpus network fsrcnn4_x2 -o models/f.onnx
expect_code 0
expect_out "models/f.onnx: 2871705600 multiply-accumulates, 12809 parameters"
cmp -s models/f.onnx "$AUTOGO_SOURCE_DIR/data/models/fsrcnn4_x2.onnx" ||
  problem "expected data/models/fsrcnn4_x2.onnx; run tools/make_models.sh"
run "$AUTOGO" corpus network resnet -o x.onnx
expect_refusal 2 "unknown network 'resnet'; the networks are edsr_small_x2, "
run "$AUTOGO" corpus onnx models models/f.onnx -o m.jsonl
expect_code 0
expect_out "m.jsonl: 2 networks"
[ "$(grep -c '^{"id":"\(models/\)\?f.onnx","graph":\[' m.jsonl)" = 2 ] || problem "expected two graphs"
run "$AUTOGO" corpus onnx nowhere -o x.jsonl
expect_refusal 1 "nowhere: no such file or folder"
mkdir empty
run "$AUTOGO" corpus onnx empty -o x.jsonl
expect_refusal 5 "empty: holds no .onnx file"

# The output: no folder is made for it, a table is needed.
run "$AUTOGO" corpus nasbench201 --table t.csv --label acc -o no/such/folder.jsonl
expect_refusal 1 "no/such/folder.jsonl"
run "$AUTOGO" corpus nasbench201 --table missing.csv --label acc -o x.jsonl
expect_refusal 1 "missing.csv: cannot open"
run "$AUTOGO" corpus nasbench201 --label acc -o x.jsonl
expect_refusal 2 "--table" "required"
[ ! -e x.jsonl ] || problem "expected no output"
finish
