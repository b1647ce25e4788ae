#!/usr/bin/env bash
# What action.yml runs: fetches the program, checks it against checksums.txt, and signs or verifies with it.
#
# Everything from outside comes in variables. Bash 3.2, which macOS has, is enough.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
temporary=${RUNNER_TEMP:?the runner sets it}

# Git's bash on Windows would take arguments such as oci://… for paths.
export MSYS_NO_PATHCONV=1 MSYS2_ARG_CONV_EXCL='*'

# Tells why the step fails, as the runner marks errors. What a message holds must not begin a command of the runner.
fail() {
  local text=${1//'%'/%25}
  text=${text//$'\r'/%0D}
  text=${text//$'\n'/%0A}
  printf '::error title=model-signing::%s\n' "$text"
  exit "${2:-2}"
}

# --- inputs -----------------------------------------------------------------------------------------------------

arguments=()

# FLAG NAME VALUE: one value. It stays with its flag, so that it cannot be taken for another one.
option() {
  require_line "$2" "$3"
  [ -z "$3" ] || arguments+=("$1=$3")
}

# FLAG VALUES: one value a line; without a flag, each line is an argument.
options() {
  local line
  while IFS= read -r line || [ -n "$line" ]; do
    line=${line%$'\r'}
    [ -z "$line" ] || arguments+=("${1:+$1=}$line")
  done <<<"$2"
}

# NAME VALUE: a line break would be one in GITHUB_OUTPUT, too.
require_line() {
  case $2 in
    *$'\n'* | *$'\r'*) fail "the input $1 holds a line break" ;;
  esac
}

read_inputs() {
  case $INPUT_COMMAND in
    sign | verify) ;;
    install) return ;;
    *) fail "the input command is \"$INPUT_COMMAND\", expected sign, verify or install" ;;
  esac
  [[ $INPUT_METHOD =~ ^[a-z][a-z0-9-]*$ ]] || fail "the input method is \"$INPUT_METHOD\", expected a name"
  [ -n "$INPUT_MODEL" ] || fail "the input model is empty"
  require_line model "$INPUT_MODEL"
  # The summary shows stdout.
  [ "$INPUT_SIGNATURE" != - ] || fail "the input signature is \"-\", expected a file"
  arguments=("$INPUT_COMMAND" "$INPUT_METHOD")
  option --signature signature "$INPUT_SIGNATURE"
  option --identity identity "$INPUT_IDENTITY"
  option --identity-provider identity-provider "$INPUT_IDENTITY_PROVIDER"
  options --public-key "$INPUT_PUBLIC_KEY"
  options --certificate-chain "$INPUT_CERTIFICATE_CHAIN"
  option --private-key private-key "$INPUT_PRIVATE_KEY"
  option --signing-certificate signing-certificate "$INPUT_SIGNING_CERTIFICATE"
  options "" "$INPUT_ARGS"
  if [ "$INPUT_COMMAND $INPUT_METHOD" = "sign sigstore" ] && [ -z "$INPUT_IDENTITY_TOKEN" ]; then
    [ -n "${ACTIONS_ID_TOKEN_REQUEST_URL:-}" ] ||
      fail "the job has no identity to sign with: give it the permission id-token: write"
    arguments+=(--use-ambient-credentials)
  fi
}

# --- the program ------------------------------------------------------------------------------------------------

# The name of the binary for this machine.
binary_name() {
  local system machine libc='' suffix=''
  case ${RUNNER_OS:-$(uname -s)} in
    Linux) system=linux ;;
    macOS | Darwin) system=darwin ;;
    Windows) system=windows suffix=.exe ;;
    *) fail "there is no program for the system ${RUNNER_OS:-$(uname -s)}" ;;
  esac
  case ${RUNNER_ARCH:-$(uname -m)} in
    X64 | x86_64) machine=x64 ;;
    ARM64 | aarch64 | arm64) machine=arm64 ;;
    *) fail "there is no program for the architecture ${RUNNER_ARCH:-$(uname -m)}" ;;
  esac
  if [ "$system" = linux ]; then
    # musl's ldd knows no --version, and says who it is.
    case $(ldd --version 2>&1 || true) in *musl*) libc=-musl ;; esac
  fi
  printf '%s' "model-signing-$system-$machine$libc$suffix"
}

# VERSION NAME: the digest in checksums.txt; without arguments, the first version there.
pinned() {
  local digest path
  while read -r digest path; do
    case $digest in '#'* | '') continue ;; esac
    if [ $# -eq 0 ]; then
      path=${path%%/*}
      printf '%s' "${path#v}"
      return
    elif [ "$path" = "v$1/$2" ]; then
      printf '%s' "$digest"
      return
    fi
  done <"$here/checksums.txt"
}

# FILE: from stdin, since sha256sum marks names with a backslash in them.
digest_of() {
  if command -v sha256sum >/dev/null; then sha256sum <"$1"; else shasum -a 256 <"$1"; fi | cut -d ' ' -f 1
}

# Puts the program in place and sets `binary`. Nothing is run that has another digest than the pinned one.
install_program() {
  local name version expected folder url shown part found
  name=$(binary_name) || { printf '%s\n' "$name"; exit 2; }
  version=${INPUT_VERSION#v}
  version=${version:-$(pinned)}
  [ -n "$version" ] || fail "checksums.txt lists no version: use this action at the tag of a release"
  [[ $version =~ ^[0-9A-Za-z][0-9A-Za-z.+-]*$ ]] || fail "the input version is \"$version\", expected one such as 1.2.3"
  expected=$(pinned "$version" "$name")
  [[ $expected =~ ^[0-9a-f]{64}$ ]] || fail "checksums.txt lists no $name of version $version"

  folder=$temporary/model-signing/$version
  binary=$folder/model-signing
  case $name in *.exe) binary=$binary.exe ;; esac
  if [ -f "$binary" ] && [ "$(digest_of "$binary")" = "$expected" ]; then return; fi

  url=${INPUT_RELEASE_URL:-${GITHUB_SERVER_URL:-https://github.com}/${ACTION_REPOSITORY:-${GITHUB_REPOSITORY:-}}/releases/download}
  url=${url%/}/v$version/$name
  # A mirror may want a password.
  shown=$(printf '%s' "$url" | sed 's|//[^/]*@|//|')
  mkdir -p "$folder"
  part=$folder/download.$$
  # http may be a mirror in one's own network: the checksum decides. The largest binary has about 120 MB.
  if ! curl --disable --silent --show-error --fail --location --globoff --proto '=https,http' --max-redirs 5 \
    --connect-timeout 20 --max-time 600 --retry 3 --max-filesize 400000000 --output "$part" --url "$url"; then
    rm -f "$part"
    fail "cannot fetch $shown" 3
  fi
  found=$(digest_of "$part")
  if [ "$found" != "$expected" ]; then
    rm -f "$part"
    fail "$shown has the SHA-256 digest $found, expected $expected: it is not run" 3
  fi
  chmod 0755 "$part"
  mv -f "$part" "$binary"
}

# --- the run ----------------------------------------------------------------------------------------------------

# NAME VALUE: both without line breaks.
output() {
  printf '%s=%s\n' "$1" "$2" >>"${GITHUB_OUTPUT:-/dev/null}"
}

# Runs the program and leaves what it printed in a file. Names of files may look like commands of the runner, which
# reads the log: until it sees a word that nobody else knows it obeys none. One stream keeps them in order.
run_program() {
  local stop
  # Secrets are no arguments, which other processes can read.
  [ -z "$INPUT_PASSWORD" ] || export MODEL_SIGNING_PASSWORD=$INPUT_PASSWORD
  [ -z "$INPUT_IDENTITY_TOKEN" ] || export MODEL_SIGNING_IDENTITY_TOKEN=$INPUT_IDENTITY_TOKEN
  unset INPUT_PASSWORD INPUT_IDENTITY_TOKEN
  stop=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
  printf '::stop-commands::%s\n' "$stop"
  status=0
  { NO_COLOR=1 "$binary" "${arguments[@]}" --no-progress -- "$INPUT_MODEL" >"$1"; } 2>&1 || status=$?
  cat "$1"
  printf '\n::%s::\n' "$stop"
}

# FILE HEADLINE: indented, it is text to Markdown whatever it holds. A summary of more than 1 MiB is refused.
summarize() {
  {
    printf '### %s\n\n' "$2"
    head -c 500000 "$1" | LC_ALL=C sed 's/^/    /'
    printf '\n\n'
  } >>"${GITHUB_STEP_SUMMARY:-/dev/null}"
}

verify() {
  local work report verdict
  work=$(mktemp -d "$temporary/model-signing-run.XXXXXX")
  report=$work/report.json
  arguments+=("--report=$report")
  run_program "$work/output.txt"
  # `--help` in args would end well, too.
  [ "$status" -ne 0 ] || [ -f "$report" ] || fail "verify has verified nothing" 3
  case $status in
    0) verdict=verified ;;
    1) verdict=rejected ;;
    3) verdict=inconclusive ;;
    *) fail "verify ended with status $status" "$status" ;;
  esac
  output verdict "$verdict"
  summarize "$work/output.txt" "model-signing verify: $verdict"
  if [ -f "$report" ]; then
    output report "$report"
    # A string in JSON holds no line break, so no name of a file can look like this line.
    output root-digest "$(LC_ALL=C sed -n 's/^    "rootDigest": "\([0-9a-f]\{64\}\)",\{0,1\}$/\1/p' "$report" | head -n 1)"
  fi
  [ "$status" -eq 0 ] || fail "the model is not verified: $verdict" "$status"
}

sign() {
  local work signature
  work=$(mktemp -d "$temporary/model-signing-run.XXXXXX")
  run_program "$work/output.txt"
  summarize "$work/output.txt" "model-signing sign"
  [ "$status" -eq 0 ] || fail "sign ended with status $status" "$status"
  signature=${INPUT_SIGNATURE:-model.sig}
  [ ! -f "$signature" ] || output signature "$signature"
  # The text escapes the control characters of names.
  output root-digest "$(LC_ALL=C sed -n 's/^Root digest  sha256:\([0-9a-f]\{64\}\)$/\1/p' "$work/output.txt" | head -n 1)"
}

read_inputs
install_program
output binary "$binary"
case $INPUT_COMMAND in
  install) printf '%s\n' "${binary%/*}" >>"${GITHUB_PATH:-/dev/null}" ;;
  sign) sign ;;
  verify) verify ;;
esac
