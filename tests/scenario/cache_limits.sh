#!/usr/bin/env bash
# The cache enforces its limits automatically; pins, verify and stat; 200 runs in 10 environments with room for 3.
# shellcheck source=lib.sh
source "$(dirname "$0")/lib.sh"
use_oracle_uv

job() {
  mkdir -p "$1"
  head -c "$2" /dev/urandom >"$1/data"
}
key() { "$RTENV" hash "$1" | sed 's|gcs://\(.*\)\.zip|\1|'; }
keys() { "$RTENV" cache ls --json | python3 -c 'import json, sys; print(*(json.loads(line)["key"] for line in sys.stdin))'; }

# After each job, the least recently used entries are evicted.
export RTENV_CACHE_MAX_SIZE=2500000
for i in 1 2 3; do
  job "job$i" 1000000
  rtenv run --working-dir "job$i" -- true
  ok
done
equal "$(keys)" "$(key job2) $(key job3)"

# A pinned entry isn't evicted; an expired or removed pin doesn't protect.
rtenv cache pin "$(key job2)"
ok
rtenv cache ls
stdout_has "pinned by 'user'"
job job4 1000000
rtenv run --working-dir job4 -- true
equal "$(keys)" "$(key job2) $(key job4)"
rtenv cache rm "$(key job2)"
refused 5 "is pinned by 'user'"
stderr_has 'unpin it first'
rtenv cache unpin "$(key job2)"
ok
rtenv cache unpin "$(key job2)"
refused 3 "isn't pinned"
rtenv cache pin "$(key job2)" --for 1s --name upload
ok
sleep 1.1
rtenv cache rm "$(key job2)"
ok
rtenv cache pin no-such-key
refused 3 "there is no entry no-such-key in the cache"
rtenv cache pin "$(key job4 | cut -c 1-16)" --json
ok
equal "$(field pinned)" "['$(key job4)']"
rtenv cache pin "$(key job4)" --for 0s
refused 2 "a pin can't end at once"
rtenv cache ls
stdout_has "pinned by 'user'"
rtenv cache unpin "$(key job4 | cut -c 1-16)"
ok
rtenv cache pin "$(key job4)" --for 3parsecs
refused 2 "isn't a duration"

# stat counts hits and misses.
rtenv run --working-dir job4 -- true
rtenv cache stat --json
equal "$(field misses)" 4
equal "$(field hits)" 1
equal "$(field evictions)" 2
rtenv cache stat
stdout_has 'ratio'

# gc by age, kind and free space prints the reason; a dry run removes nothing.
rtenv cache gc --max-age 0s --dry-run --json
equal "$(python3 -c 'import json, sys; print([r["reason"] for r in json.loads(sys.argv[1])["removed"]])' "$out")" "['age']"
rtenv cache gc --max-size-of tree=0 --dry-run
stdout_has 'for kind_size'
rtenv cache gc --min-free 1000PiB --dry-run
stdout_has 'for free_space'
equal "$(keys)" "$(key job4)"
rtenv cache gc --max-size-of shed=0
refused 2 'KIND=SIZE'
rtenv cache gc --target-free 1GiB
refused 2 '--min-free'
RTENV_CACHE_MAX_SIZE=plenty rtenv cache ls
refused 2 RTENV_CACHE_MAX_SIZE

# A changed entry goes to quarantine, and the next job creates it again.
rtenv cache verify
ok
data=$(echo "$RTENV_CACHE_DIR"/trees/*/data)
chmod u+w "$data"
echo spoilt >>"$data"
rtenv cache verify --json
exits 1
equal "$(python3 -c 'import json, sys; print(len(json.loads(sys.argv[1])["quarantined"]))' "$out")" 1
equal "$(keys)" ""
rtenv run --working-dir job4 -- cmp data "$work/job4/data"
ok

# Ten environments, 200 runs, room for three environments.
for i in 0 1 2 3 4 5 6 7 8 9; do
  make_wheel wheels "lib$i" "$(head -c 60000 /dev/urandom | base64 -w 0)"
done
rtenv cache rm --all --yes
rtenv run --python "$ORACLE_PYTHON" --runtime-env-json '{"uv": ["./wheels/lib0-1.0-py3-none-any.whl"]}' -- true
ok
one=$(python3 -c 'import json, sys; print(json.loads(sys.argv[1])["size_bytes"])' "$("$RTENV" cache stat --json)")
export RTENV_CACHE_MAX_SIZE=$((one * 7 / 2))
for i in $(seq 200); do
  while [[ $(jobs -rp | wc -l) -ge 20 ]]; do wait -n || true; done
  number=$((i * 7 % 10))
  { "$RTENV" run --python "$ORACLE_PYTHON" --runtime-env-json "{\"uv\": [\"./wheels/lib$number-1.0-py3-none-any.whl\"]}" -- \
    python3 -c "import lib$number; assert len(lib$number.TEXT) == 80000" >/dev/null 2>"run$i.err"; echo $? >"run$i.status"; } &
done
wait
for i in $(seq 200); do
  [[ $(cat "run$i.status") == 0 ]] || grep -q 'No space left' "run$i.err" || fail "run $i ended with $(cat "run$i.status"): $(cat "run$i.err")"
done
rtenv cache stat --json
[[ $(field size_bytes) -le $RTENV_CACHE_MAX_SIZE ]] || fail "the cache is larger than its limit"
[[ $(field evictions) -gt 5 ]] || fail "nothing was evicted"
equal "$("$RTENV" cache ls --json | grep -c '"held_by":\[\]')" "$("$RTENV" cache ls --json | wc -l)" "nobody holds anything"
equal "$(find "$RTENV_CACHE_DIR/tmp" -mindepth 1 | wc -l)" 0
