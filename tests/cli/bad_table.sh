#!/bin/bash
# Tables, corpora and databases that cannot be read: one line that names the file and the row; exit
# code 5; nothing written, and an older output file stays as it was.
. "$(dirname "$0")/lib.sh"

cat > table.csv << 'CSV'
index,arch,accuracy
0,|avg_pool_3x3~0|+|nor_conv_1x1~0|skip_connect~1|+|nor_conv_1x1~0|skip_connect~1|skip_connect~2|,85.8633
1,|nor_conv_3x3~0|+|nor_conv_3x3~0|avg_pool_3x3~1|+|skip_connect~0|nor_conv_3x3~1|skip_connect~2|,93.66
2,|nor_conv_3x3~0|+|none~0|nor_conv_1x1~1|+|avg_pool_3x3~0|none~1|none~2|,80.1
CSV
corpus() { run "$AUTOGO" corpus nasbench201 --table "$1" --label accuracy -o corpus.jsonl; }
corpus table.csv
expect_code 0
[ "$(wc -l < corpus.jsonl)" = 4 ] || problem "expected a header and three networks"
cp corpus.jsonl kept

# Bad rows: the old corpus is untouched, no temporary file stays.
bad() { # sed script, text
  sed "$1" table.csv > bad.csv
  corpus bad.csv
  expect_refusal 5 "autogo corpus: $2"
  cmp -s corpus.jsonl kept || problem "expected the old corpus to stay as it was"
  expect_files bad.csv corpus.jsonl kept table.csv
}
bad '3s/93.66/high/' "bad.csv:3: accuracy is 'high', not a number"
bad '3s/,93.66//' "bad.csv:3: has 2 columns, expected 3"
bad '4s/avg_pool_3x3/avg_pool_9x9/' "bad.csv:4: NAS-Bench-201 cell"
bad '1s/accuracy/precision/' "bad.csv: has no column 'accuracy'; its columns are index, arch, precision"
rm bad.csv

gzip -k table.csv
corpus table.csv.gz
expect_code 0
head -c 120 table.csv.gz > short.csv.gz
corpus short.csv.gz
expect_refusal 5 "autogo corpus: short.csv.gz: damaged or truncated after line"
rm short.csv.gz table.csv.gz
cp kept corpus.jsonl

echo '{"hash":"0","adjacency":[[0,1],[0]],"ops":["input","output"],"accuracy":0.5}' > table.jsonl
run "$AUTOGO" corpus nasbench101 --table table.jsonl --label accuracy -o corpus.jsonl
expect_refusal 5 "autogo corpus: table.jsonl:1: "
echo '{"hash":"0","adjacency":[[0,1],[0,0]],"ops":["input","output"]}' > table.jsonl
run "$AUTOGO" corpus nasbench101 --table table.jsonl --label accuracy -o corpus.jsonl
expect_refusal 5 "autogo corpus: table.jsonl:1: " "accuracy"
rm table.jsonl
cmp -s corpus.jsonl kept || problem "expected the old corpus to stay as it was"

# Corpora.
mine() { run "$AUTOGO" -q mine "$1" -o db.json; }
mine corpus.jsonl
expect_code 0
cp db.json kept.json
refuse_corpus() { # sed script, text
  sed "$1" corpus.jsonl > bad.jsonl
  mine bad.jsonl
  expect_refusal 5 "autogo mine: bad.jsonl$2"
  cmp -s db.json kept.json || problem "expected the old database to stay as it was"
}
refuse_corpus '1s/"version":1/"version":99/' ':1: version 99 of "autogo.corpus", this autogo reads version 1; update autogo'
refuse_corpus '3s/.$//' ':3: not valid JSON'
refuse_corpus '3s/nb201:/nb999:/' ':3: '
refuse_corpus '1s/autogo.corpus/other/' ''
run "$AUTOGO" mine "$work/nowhere" -o db.json
expect_refusal 1 "nowhere"

# Databases.
need_node
make_onnx good good.onnx
refuse_database() { # sed script, text
  sed "$1" db.json > bad.json
  run "$AUTOGO" segment good.onnx --segments bad.json
  expect_refusal 5 "autogo segment: bad.json: $2"
}
run "$AUTOGO" segment good.onnx --segments db.json
expect_code 0
refuse_database '1s/"version": 1/"version": 99/' 'version 99 of "autogo.segments", this autogo reads version 1; update autogo'
refuse_database '1s/autogo.segments/autogo.corpus/' 'expected a file of format "autogo.segments", found "autogo.corpus"'
refuse_database "\$d" 'not valid JSON'
run "$AUTOGO" segment good.onnx --segments corpus.jsonl
expect_refusal 5 "autogo segment: corpus.jsonl: "

# A corpus of models leaves out, with a warning, what cannot be read; none left is an error.
mkdir models
cp good.onnx models/good.onnx
head -c 100 good.onnx > models/bad.onnx
run "$AUTOGO" corpus onnx models -o models.jsonl
expect_code 0
expect_err_has "models/bad.onnx: "
[ "$(wc -l < models.jsonl)" = 2 ] || problem "expected a header and one network"
rm models/good.onnx
run "$AUTOGO" corpus onnx models -o none.jsonl
[ "$code" = 5 ] || problem "expected exit code 5"
[ ! -e none.jsonl ] || problem "expected no output file"
finish
