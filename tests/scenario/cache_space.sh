#!/usr/bin/env bash
# What the cache counts is what du counts, and its limits hold for that: environments are hard links to uv's files.
# shellcheck source=lib.sh
source "$(dirname "$0")/lib.sh"
use_oracle_uv

du_bytes() { du -s --block-size=1 "$RTENV_CACHE_DIR" | cut -f 1; }
# near A B: they differ by at most 5 %.
near() { python3 -c 'import sys; a, b = map(int, sys.argv[1:]); sys.exit(abs(a - b) > b / 20)' "$1" "$2" || fail "$1 isn't near $2"; }
build() {
  rtenv env build --python "$ORACLE_PYTHON" --runtime-env-json "{\"uv\": [\"./wheels/big-1.0-py3-none-any.whl\", \"./wheels/lib$1-1.0-py3-none-any.whl\"]}"
  ok
}
environments() { find "$RTENV_CACHE_DIR/envs" -mindepth 1 -maxdepth 1 | wc -l; }

make_wheel wheels big "$(head -c 60000 /dev/urandom | base64 -w 0)"
# The rest of its 24 MB isn't in an argument.
python3 - <<'PY'
import base64, hashlib, os, zipfile
wheel, data = "wheels/big-1.0-py3-none-any.whl", os.urandom(24_000_000)
with zipfile.ZipFile(wheel) as z:
    files = {name: z.read(name) for name in z.namelist()}
digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).decode().rstrip("=")
files["big-1.0.dist-info/RECORD"] = f"big_data/data,sha256={digest},{len(data)}\n".encode() + files["big-1.0.dist-info/RECORD"]
with zipfile.ZipFile(wheel, "w") as z:
    for name, content in (files | {"big_data/data": data}).items():
        z.writestr(name, content)
PY
for i in 1 2 3; do make_wheel wheels "lib$i" "$i"; done

# Three environments have the 24 MB once.
for i in 1 2 3; do build "$i"; done
rtenv cache stat --json
ok
near "$(field disk_bytes)" "$(du_bytes)"
[[ $(field uv_bytes) -gt 24000000 ]] || fail "uv's cache isn't counted"
rtenv cache ls --json
sizes=$(python3 -c 'import json, sys; rows = [json.loads(line) for line in sys.argv[1].splitlines()]
print(max(row["size_bytes"] for row in rows if row["kind"] == "env"))' "$out")
[[ $sizes -lt 2000000 ]] || fail "an environment counts $sizes bytes"
[[ $(environments) -eq 3 ]] || fail "an environment is missing"
[[ $(du_bytes) -lt 200000000 ]] || fail "the files aren't shared"

# What gc says is what it did, and it does what is demanded.
before=$(du_bytes)
rtenv cache gc --max-size 5MB --json
ok
near "$(field freed_bytes)" $((before - $(du_bytes)))
[[ $(field kept_bytes) -le 5000000 ]] || fail "gc left more than its limit"
near "$(du_bytes)" $(($(field kept_bytes) + $("$RTENV" cache stat --json | python3 -c 'import json, sys; print(json.load(sys.stdin)["other_bytes"])')))

# uv's cache without environments is given back, and used again.
build 1
rtenv cache rm --all --yes
ok
[[ $(du_bytes) -gt 24000000 ]] || fail "uv's cache is gone"
build 2
rtenv cache stat --json
rtenv cache gc --max-size $(($(field disk_bytes) - $(field other_bytes) - 1))B --json
equal "$(field removed)" "[]" "what no environment needs goes first"
[[ $(field removed_parts) -gt 0 ]] || fail "nothing was removed"
rtenv run --python "$ORACLE_PYTHON" --runtime-env-json '{"uv": ["./wheels/big-1.0-py3-none-any.whl", "./wheels/lib2-1.0-py3-none-any.whl"]}' -- \
  python3 -c 'import lib2; assert lib2.TEXT == "2"'
ok

# The limit holds for what builds leave, without gc.
export RTENV_CACHE_MAX_SIZE=10MB
build 3
rtenv cache stat --json
[[ $(field disk_bytes) -lt $((10000000 + $(field other_bytes))) ]] || fail "the limit isn't kept"
near "$(field disk_bytes)" "$(du_bytes)"
