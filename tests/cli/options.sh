#!/bin/bash
# What every command shares: help, version, unknown names, JSON errors, exit codes, precedence.
. "$(dirname "$0")/lib.sh"

run "$AUTOGO" --version
expect_code 0
[[ "$out" =~ ^autogo\ [0-9]+\.[0-9]+\.[0-9]+$ ]] || problem "expected 'autogo X.Y.Z'"

run "$AUTOGO" --help
expect_code 0
expect_out_has "Usage: autogo COMMAND [OPTIONS]"
for command in corpus doctor export mine ops profile search segment train version; do
  expect_out_has "
  $command "
done

# Every command's help: one line, examples, usage, the global options; nothing on standard error.
for command in corpus doctor export mine ops profile search segment train version; do
  for flag in -h --help; do
    run "$AUTOGO" $command $flag
    expect_code 0
    expect_out_has "Examples:
  autogo $command"
    expect_out_has "Usage: autogo $command"
    expect_out_has "--log-file FILE"
    [ -z "$err" ] || problem "expected nothing on standard error"
  done
done

run "$AUTOGO"
expect_code 2
expect_err_has "Usage: autogo COMMAND"

run "$AUTOGO" serach
expect_refusal 2 "autogo: unknown command 'serach', did you mean 'search'?; see 'autogo --help'"
run "$AUTOGO" ops --jsno
expect_refusal 2 "autogo ops: unknown option '--jsno', did you mean '--json'?; see 'autogo ops --help'"
run "$AUTOGO" ops surplus
expect_refusal 2 "autogo ops: unexpected argument 'surplus'; see 'autogo ops --help'"
run "$AUTOGO" train predictr
expect_refusal 2 "autogo train: unknown command 'predictr', did you mean 'predictor'?"
run "$AUTOGO" ops --progress loud
expect_refusal 2 "--progress" "loud" "plain"
run "$AUTOGO" mine --vocab-size many x.corpus -o y
expect_refusal 2 "--vocab-size" "many"
run "$AUTOGO" mine
expect_refusal 2 "required"
expect_files ""

# An error in JSON: the same exit code, one object.
run "$AUTOGO" ops --jobz --json
expect_code 2
expect_err "{\"code\":2,\"message\":\"unknown option '--jobz'\",\"hint\":\"see 'autogo ops --help'\"}"
run "$AUTOGO" --json profile missing.onnx
expect_code 1
expect_err_has '{"code":1,"message":"missing.onnx: cannot open: No such file or directory"'

# Global options stand before or after the command.
run "$AUTOGO" --json version
expect_code 0
expect_out_has '{"version":"'
run "$AUTOGO" version --json
expect_out_has '{"version":"'

# A reader that is gone or a full disk is a failure.
"$AUTOGO" ops > /dev/full 2> .err
code=$? out="" err="$(cat .err)" command_line="autogo ops > /dev/full"
expect_refusal 1 "autogo ops: standard output: cannot write"

# Flag, then environment, then --config. AUTOGO_SEED is read by mine and refused when it is no
# number, so that the one that counts shows.
run env AUTOGO_SEED=environment "$AUTOGO" mine missing.corpus -o y
expect_refusal 2 "--seed" "environment"
run env AUTOGO_SEED=environment "$AUTOGO" mine missing.corpus -o y --seed 1
expect_refusal 1 "missing.corpus"
echo 'seed = "configuration"' > c.toml
run "$AUTOGO" mine missing.corpus -o y --config c.toml
expect_refusal 2 "--seed" "configuration"
run env AUTOGO_SEED=2 "$AUTOGO" mine missing.corpus -o y --config c.toml
expect_refusal 1 "missing.corpus"
run "$AUTOGO" mine missing.corpus -o y --config c.toml --seed 1
expect_refusal 1 "missing.corpus"
echo 'sede = 3' > c.toml
run "$AUTOGO" mine missing.corpus -o y --config c.toml
expect_refusal 2 "unknown setting 'sede', did you mean 'seed'?"
run "$AUTOGO" mine missing.corpus -o y --config missing.toml
expect_refusal 2 "missing.toml"
rm -f c.toml

# No escape codes when standard error is no terminal.
run "$AUTOGO" ops -x
[[ "$err" != *$'\x1b'* ]] || problem "expected no colours"
expect_files ""
finish
