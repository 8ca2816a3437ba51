#!/usr/bin/env bash
# cache ls, rm, gc, dir: what is in use stays, the rest goes, least recently used first.
# shellcheck source=lib.sh
source "$(dirname "$0")/lib.sh"

rtenv cache dir
equal "$out" "$RTENV_CACHE_DIR"
for i in 1 2 3; do
  mkdir "job$i"
  head -c 1000000 /dev/urandom >"job$i/data"
  rtenv run --working-dir "job$i" -- true
  ok
done
rtenv cache ls
ok
equal "$(wc -l <<<"$out")" 3
key() { "$RTENV" hash "$1" | sed 's|gcs://\(.*\)\.zip|\1|'; }

# An entry in use: rm refuses it, and gc --max-size 0 leaves it.
mkfifo go
"$RTENV" run --working-dir job1 -- sh -c "touch '$work/started'; cat" <go >/dev/null &
pid=$!
exec 9>go
until [[ -e started ]]; do sleep 0.05; done
rtenv cache ls
stdout_has "in use by $pid"
rtenv cache rm "$(key job1)"
refused 5 "is in use by process $pid"
rtenv cache gc --max-size 1500000 --dry-run --json
equal "$(python3 -c 'import json, sys; print([r["key"] for r in json.loads(sys.argv[1])["removed"]])' "$out")" "['$(key job2)', '$(key job3)']"
equal "$("$RTENV" cache ls --json | wc -l)" 3 "a dry run removes nothing"
rtenv cache gc --max-size 0
ok
stderr_has 'still larger'
equal "$("$RTENV" cache ls --json | wc -l)" 1
exec 9>&-
wait $pid
rtenv cache rm "$(key job1)"
ok
[[ -z $(ls "$RTENV_CACHE_DIR/trees" "$RTENV_CACHE_DIR/tmp") ]] || true
equal "$(find "$RTENV_CACHE_DIR/trees" "$RTENV_CACHE_DIR/tmp" -mindepth 1 | wc -l)" 0
rtenv cache rm --all --yes --json
equal "$(field freed_bytes)" 0

# kill -9 of rtenv while its job runs: the job goes on, and its entry stays held until it ends.
mkfifo go2
"$RTENV" run --working-dir job2 -- sh -c "echo \$\$ >'$work/started2'; cat" <go2 >/dev/null 2>&1 &
pid=$!
exec 9>go2
until [[ -s started2 ]]; do sleep 0.05; done
job=$(cat started2)
kill -9 $pid
wait $pid 2>/dev/null || true
kill -0 "$job" || fail "the job died with rtenv"
rtenv cache ls
stdout_has "in use by"
[[ -d $(readlink "/proc/$job/cwd") ]] || fail "the job's folder is swept under it"
exec 9>&-
for _ in $(seq 100); do kill -0 "$job" 2>/dev/null || break; sleep 0.05; done
rtenv cache rm --all --yes
ok
equal "$(find "$RTENV_CACHE_DIR/trees" "$RTENV_CACHE_DIR/tmp" -mindepth 1 | wc -l)" 0

# The cache is its owner's alone: nobody else can read it, and others can't use it.
mkdir private && echo secret >private/file
export RTENV_CACHE_DIR=$work/mine
rtenv run --working-dir private -- true
ok
equal "$(stat -c %a mine mine/trees mine/tmp mine/locks mine/envs | tr '\n' ' ')" "700 700 700 700 700 "
chmod 755 mine/trees
rtenv cache ls
ok
equal "$(stat -c %a mine/trees)" 700
RTENV_CACHE_READABLE=1 rtenv cache ls
ok
equal "$(stat -c %a mine mine/trees | tr '\n' ' ')" "755 755 "
# It is remembered: who only looks doesn't take it away.
rtenv cache ls
equal "$(stat -c %a mine mine/trees | tr '\n' ' ')" "755 755 "
RTENV_CACHE_READABLE=0 rtenv cache ls
equal "$(stat -c %a mine/trees)" 700
rtenv cache ls
equal "$(stat -c %a mine/trees)" 700
RTENV_CACHE_READABLE=1 rtenv cache ls
RTENV_CACHE_READABLE=yes rtenv cache ls
refused 2 "RTENV_CACHE_READABLE: 'yes' is neither 0 nor 1"
# Nothing behind a link is the cache's.
mkdir elsewhere && echo precious >elsewhere/file
for folder in tmp envs; do
  rm -rf "mine/$folder" && ln -s "$work/elsewhere" "mine/$folder"
  rtenv cache ls
  ok
  stderr_has "isn't a folder and was replaced by one"
  rtenv cache gc
  ok
done
equal "$(cat elsewhere/file)" precious
chmod 777 mine
rtenv cache ls
refused 4 "other users may write to the cache's folder"
stderr_has "chmod go-w"
if [[ $(id -u) -eq 0 ]]; then
  chmod 700 mine
  chown -R 65534:65534 mine
  for words in "cache gc" "cache ls" "run --working-dir private -- true"; do
    # shellcheck disable=SC2086  # words
    rtenv $words
    refused 4 "belongs to the user with the id 65534"
    stderr_has "run the command as that user"
  done
  equal "$(find mine -uid 0 | wc -l)" 0
fi

# A pipe in place of a file: reading it would wait forever.
export RTENV_CACHE_DIR=$work/pipes
use_oracle_uv
rtenv run --python "$ORACLE_PYTHON" --runtime-env-json '{"uv": ["six==1.16.0"]}' -- true
ok
while read -r file; do
  rm "$file"
  mkfifo "$file"
done < <(find pipes/interpreters pipes/digests pipes/locks -type f)
mkfifo pipes/locks/collector-note pipes/reserve/x pipes/logs/x pipes/quarantine/x
for words in "cache ls" "cache gc --max-size 0" "cache verify" "env list" \
  "run --python $ORACLE_PYTHON --runtime-env-json {\"uv\":[\"six==1.16.0\",\"idna==3.7\"]} -- true"; do
  # shellcheck disable=SC2086  # words
  timeout 60 "$RTENV" $words >.out 2>.err || fail "rtenv $words: $(cat .err)"
done
rm pipes/ledger.db*
mkfifo pipes/ledger.db
status=0
err=$(timeout 20 "$RTENV" cache ls 2>&1) || status=$?
exits 2
stderr_has "ledger.db isn't a file"
