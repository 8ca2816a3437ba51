#!/usr/bin/env bash
# run: the command's folder, variables, exit code and signals; its own copy of the directory; the cache.
# shellcheck source=lib.sh
source "$(dirname "$0")/lib.sh"

mkdir -p job
cat >job/main.py <<'PY'
import os, sys
print(os.getcwd(), os.environ["NAME"], os.environ["PYTHONPATH"].split(":")[0] == os.getcwd(), sys.argv[1:])
open("result.txt", "w").write("written by the job")
PY
cat >env.yaml <<'Y'
env_vars:
  NAME: Ada
  DATA: ${RAY_RUNTIME_ENV_CREATE_WORKING_DIR}/data
  PATH: /opt/own:${PATH}
  UNSET: ""
Y
rtenv run -f env.yaml --working-dir job -- python3 main.py 'one arg' two
ok
stdout_has "Ada True ['one arg', 'two']"
[[ ! -e job/result.txt ]] || fail "the job wrote into the user's directory"
folder=${out%% *}
[[ $folder == "$RTENV_CACHE_DIR"/* && ! -e $folder ]] || fail "the job's folder isn't removed"
[[ -z $(find "$RTENV_CACHE_DIR/trees" -name result.txt) ]] || fail "the job wrote into the cached tree"

rtenv run -f env.yaml --working-dir job -- sh -c 'echo $DATA; echo ${PATH%%:*}; echo ${UNSET-gone}'
equal "$(sed "s|.*/working_dir/|W/|" <<<"$out")" $'W/data\n/opt/own\ngone'
rtenv run --env NAME=B --env NAME=C -- sh -c 'echo $NAME; pwd'
equal "$out" "$(printf 'C\n%s' "$work")" "without a working_dir it runs here"

rtenv run -- sh -c 'exit 42'
exits 42
rtenv run -- sh -c 'kill -9 $$'
exits 137
rtenv run -- sh -c 'kill -INT $$'
exits 130
echo input | "$RTENV" run -- cat >piped || fail "standard input isn't the job's"
equal "$(cat piped)" input

rtenv run --keep --working-dir job --env NAME=x -- python3 main.py
ok
stderr_has "the job's directory was kept: "
kept=${err##*kept: }
equal "$(cat "$kept/result.txt")" "written by the job"
rm -r "${kept%/working_dir}"

# SIGTERM is passed on to the command, whose exit status counts.
"$RTENV" run -- sh -c 'trap "exit 9" TERM; touch ready; while :; do sleep 0.05; done' &
pid=$!
until [[ -e ready ]]; do sleep 0.05; done
kill -TERM $pid
status=0 && wait $pid || status=$?
exits 9

# Archives, and local:// directories that are used in place.
(cd job && python3 -m zipfile -c ../job.zip main.py) && tar -czf top.tar.gz job
rtenv run --working-dir job.zip --env NAME=zip -- python3 main.py
stdout_has ' zip True'
rtenv run --working-dir top.tar.gz --env NAME=tar -- python3 job/main.py
stdout_has ' tar True'
rtenv run --working-dir "file://$work/top.tar.gz" --env NAME=file -- python3 main.py
stdout_has ' file True'
rtenv run --working-dir "local://$work/job" --env NAME=here -- python3 main.py
stdout_has "$work/job here True"
[[ -e job/result.txt ]] || fail "local:// is used in place"
rm job/result.txt

# excludes and ignore files apply here, too.
echo '*.log' >job/.rayignore
touch job/a.log job/b.bin
echo 'excludes: ["*.bin"]' >excludes.yaml
rtenv run -f excludes.yaml --working-dir job -- ls -A
equal "$out" $'.rayignore\nmain.py'

# Background processes of the command are ended with it: its directory is removed and its environment released.
rtenv run --working-dir job -- sh -c 'setsid -f sleep 98761; echo done'
ok
stdout_has 'done'
stderr_has "processes that the command left running"
[[ -z $(pgrep -f 'sleep 98761') ]] || fail "a daemon is left"

# A parent that ignores SIGCHLD.
status=0
python3 -c 'import os, signal, sys; signal.signal(signal.SIGCHLD, signal.SIG_IGN); os.execv(sys.argv[1], sys.argv[1:])' \
  "$RTENV" run --working-dir job -- sh -c 'exit 7' || status=$?
equal "$status" 7

# A cache in the directory isn't part of it: rtenv itself changes it meanwhile.
RTENV_CACHE_DIR=$work/project/.cache
export RTENV_CACHE_DIR
mkdir -p project && echo 'print("in")' >project/main.py
for _ in 1 2; do
  rtenv run --working-dir project -- sh -c 'ls -A; python3 main.py'
  ok
  equal "$out" $'main.py\nin'
done
