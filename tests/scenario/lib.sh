# Sourced by every scenario: gives it a work folder, a cache and the functions that check expectations.
# Needs RTENV (the built tool), and ORACLE_PYTHON (see tests/oracle/install) if Python or uv is used.
# shellcheck shell=bash
set -euo pipefail
: "${RTENV:?the built rtenv}"
project=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
work=$(mktemp -d)
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
cd "$work"
export RTENV_CACHE_DIR=$work/cache
unset RTENV_PYTHON VIRTUAL_ENV RAY_RUNTIME_ENV_IGNORE_GITIGNORE RAY_OVERRIDE_RUNTIME_ENV_DEFAULT_EXCLUDES

# rtenv WORD…: runs the tool and sets $status, $out (stdout) and $err (stderr).
rtenv() {
  status=0
  "$RTENV" "$@" >"$work/.out" 2>"$work/.err" || status=$?
  out=$(cat "$work/.out") err=$(cat "$work/.err")
}

fail() {
  printf 'FAILED: %s\n--- status %s\n--- stdout\n%s\n--- stderr\n%s\n' "$*" "${status-}" "${out-}" "${err-}" >&2
  exit 1
}
ok() { [[ $status -eq 0 ]] || fail "expected success"; }
exits() { [[ $status -eq $1 ]] || fail "expected exit status $1"; }
# refused STATUS TEXT: an error message with TEXT, and nothing on standard output.
refused() {
  exits "$1"
  [[ -z $out ]] || fail "an error printed data"
  [[ $err == *"rtenv: error: "* ]] || fail "expected an error message"
  [[ $err == *"$2"* ]] || fail "expected '$2' in the message"
}
stdout_has() { [[ $out == *"$1"* ]] || fail "expected '$1' on standard output"; }
stderr_has() { [[ $err == *"$1"* ]] || fail "expected '$1' on standard error"; }
equal() { [[ $1 == "$2" ]] || fail "expected '$2', got '$1'${3:+ ($3)}"; }
# The value of a key in the JSON object on standard output.
field() { python3 -c 'import json, sys; print(json.loads(sys.argv[1])[sys.argv[2]])' "$out" "$1"; }
# The cache has no incomplete environment and no temporary files.
nothing_half_made() {
  [[ -z $(ls "$RTENV_CACHE_DIR/tmp" 2>/dev/null) ]] || fail "left in tmp: $(ls -R "$RTENV_CACHE_DIR/tmp")"
  [[ -z $(ls "$RTENV_CACHE_DIR/envs" 2>/dev/null) ]] || fail "left in envs: $(ls "$RTENV_CACHE_DIR/envs")"
}
# Uses the uv of the oracle environment, without a download.
use_oracle_uv() {
  RTENV_UV=$(dirname "${ORACLE_PYTHON:?}")/uv
  export RTENV_UV
}
# make_wheel FOLDER NAME TEXT [VERSION]: builds a wheel NAME-1.0 whose module has TEXT = TEXT.
make_wheel() {
  mkdir -p "$1"
  python3 - "$@" <<'PY'
import base64, hashlib, sys, zipfile
folder, name, text, version = [*sys.argv[1:], "1.0"][:4]
info = f"{name}-{version}.dist-info"
files = {f"{name}.py": f"TEXT = {text!r}\n", f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
         f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"}
digest = lambda text: base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip("=")
files[f"{info}/RECORD"] = "".join(f"{path},sha256={digest(content)},{len(content)}\n" for path, content in files.items()) + f"{info}/RECORD,,\n"
with zipfile.ZipFile(f"{folder}/{name}-{version}-py3-none-any.whl", "w") as z:
    for path, content in files.items():
        z.writestr(zipfile.ZipInfo(path), content)
PY
}
