#!/usr/bin/env bash
# Environments: phases, protection and clones, inherited packages, py_executable; failing, concurrent and hanging builds.
# shellcheck source=lib.sh
source "$(dirname "$0")/lib.sh"
use_oracle_uv
export RTENV_PYTHON=${ORACLE_PYTHON:?}
make_wheel wheels lib one

# Phases: building the second list's packages needs those of the first.
mkdir second
cat >second/setup.py <<'PY'
import lib, setuptools
setuptools.setup(name="second", version="1.0", py_modules=["second"])
open("second.py", "w").write("TEXT = 'built with ' + repr(" + repr(lib.TEXT) + ")\n")
PY
echo 'TEXT = ""' >second/second.py
for installer in uv pip; do
  options=$([[ $installer == uv ]] && echo uv_pip_install_options || echo pip_install_options)
  rtenv run --runtime-env-json "{\"$installer\": {\"phases\": [[\"setuptools<81\", \"wheel\", \"./wheels/lib-1.0-py3-none-any.whl\"], [\"./second\"]],
    \"$options\": [\"--no-build-isolation\"]}}" -- python -c 'import second; print(second.TEXT)'
  ok
  stdout_has "built with 'one'"
done
rtenv run --runtime-env-json '{"uv": {"phases": [["six==1.16.0"], ["no-such-package-of-rtenv"]]}}' -- true
refused 1 "uv pip install (phase 2 of 2)"

# Jobs can't change a shared environment; a clone belongs to its job.
rtenv env build --runtime-env-json '{"uv": ["./wheels/lib-1.0-py3-none-any.whl"]}'
ok
env=$out
equal "$(find "$env" -mindepth 1 -not -type l -perm /222 -not -path '*/__pycache__*' -not -name __pycache__ | wc -l)" 0 "nothing is writable"
[[ -d $(echo "$env"/lib/python*/site-packages/__pycache__) ]] || fail "Python has no place for what it compiles"
rtenv run --isolation clone --runtime-env-json '{"uv": ["./wheels/lib-1.0-py3-none-any.whl"]}' -- \
  python -c 'import lib, sys; print(sys.prefix); open(lib.__file__, "w").write("TEXT = 2"); open(sys.prefix + "/new", "w")'
ok
[[ $out != "$env" && $out == "$RTENV_CACHE_DIR/tmp/"* ]] || fail "that isn't a clone: $out"
rtenv run --runtime-env-json '{"uv": ["./wheels/lib-1.0-py3-none-any.whl"]}' -- python -c 'import lib; print(lib.TEXT)'
equal "$out" one
nothing_temporary() { equal "$(find "$RTENV_CACHE_DIR/tmp" -mindepth 1 | wc -l)" 0; }
nothing_temporary
if [[ $(id -u) -eq 0 ]] && /usr/bin/python3 -c '' 2>/dev/null; then
  # Permissions protect it from users other than root.
  chmod 755 "$work" "$RTENV_CACHE_DIR" && chmod a+rx "$RTENV_CACHE_DIR"/envs
  other=$(RTENV_PYTHON=/usr/bin/python3 "$RTENV" env build --runtime-env-json '{"uv": ["./wheels/lib-1.0-py3-none-any.whl"]}')
  ! setpriv --reuid nobody --clear-groups sh -c "echo x >$other/pyvenv.cfg" 2>/dev/null || fail "somebody else could write"
fi

# env list and env show.
rtenv env list
ok
stdout_has "$(basename "$env")"
stdout_has "python 3."
rtenv env show "$(basename "$env" | cut -c 1-10)" --json
ok
equal "$(field path)" "$env"
[[ $out == *"lib-1.0-py3-none-any.whl sha256:"* ]] || fail "it doesn't say what it was made from"
rtenv env rm no-such
refused 3 "there is no environment"
rtenv env build --runtime-env-json '{"uv": ["six==1.16.0"]}' --json
key=$(field key)
rtenv env rm "$key" --json
ok
rtenv env show "$key"
refused 3 "there is no environment"

# Inherited packages of the interpreter.
rtenv run --inherit-site-packages --runtime-env-json '{"uv": ["./wheels/lib-1.0-py3-none-any.whl"]}' -- python -c 'import ray, lib; print(ray.__version__)'
ok
equal "$out" "$("$ORACLE_PYTHON" -c 'import ray; print(ray.__version__)')"
rtenv run --runtime-env-json '{"pip": ["./wheels/lib-1.0-py3-none-any.whl"], "config": {"inherit_site_packages": true}}' -- python -c 'import ray, lib'
ok
rtenv run --runtime-env-json '{"uv": ["./wheels/lib-1.0-py3-none-any.whl"]}' -- python -c 'import ray'
exits 1

# py_executable.
mkdir job && echo 'import sys; print(sys.flags.optimize, sys.argv[1:])' >job/main.py
rtenv run --working-dir job --runtime-env-json '{"py_executable": "python3 -O"}' -- python main.py 'two words'
ok
equal "$out" "1 ['two words']"
rtenv run --working-dir job --runtime-env-json "{\"py_executable\": \"$RTENV_UV run --isolated --no-project --offline --python $ORACLE_PYTHON\"}" -- python main.py x
ok
equal "$out" "0 ['x']"

# Scripts in the place of uv see only the variables that rtenv gives to the installer: the paths are in their text.
real_uv=$RTENV_UV
# A failed build: reports the reason, stores the whole output in a file, leaves the cache clean; the next attempt works.
rm -rf "$RTENV_CACHE_DIR"
rtenv env build --runtime-env-json '{"uv": ["no-such-package-of-rtenv"]}'
refused 1 "no-such-package-of-rtenv"
log=$(sed -n 's/.*full output: //p' <<<"$err")
grep -q 'no-such-package-of-rtenv' "$log" || fail "the log doesn't say why"
nothing_half_made
nothing_temporary
cat >later.sh <<SH
#!/bin/sh
[ -e "$work/works" ] || [ "\$1" = venv ] || { sleep 1; echo "the installer's own reason"; exit 3; }
exec "$real_uv" "\$@"
SH
chmod +x later.sh
# Of concurrent requests one builds and all get its failure; a later request tries again.
for i in 1 2 3 4; do
  { code=0; RTENV_UV=$work/later.sh "$RTENV" env build --runtime-env-json '{"uv": ["./wheels/lib-1.0-py3-none-any.whl"]}' 2>"err$i" || code=$?; echo "$code" >"status$i"; } &
done
wait
equal "$(cat status? | tr '\n' ' ')" "1 1 1 1 "
equal "$(grep -l "the installer's own reason" err? | wc -l)" 4
equal "$(grep -l 'building environment' err? | wc -l)" 1 "one build"
touch works
RTENV_UV=$work/later.sh rtenv env build --runtime-env-json '{"uv": ["./wheels/lib-1.0-py3-none-any.whl"]}'
ok
equal "$(find "$RTENV_CACHE_DIR/logs" -name "*$(basename "$out")*" | wc -l)" 0 "no log of a build that succeeded"

only_the_good_one() {
  equal "$(ls "$RTENV_CACHE_DIR/envs" | wc -l)" 1
  nothing_temporary
}

# A process that waits for another one's build shows its progress.
cat >slow.sh <<SH
#!/bin/sh
[ "\$1" = pip ] && for i in 1 2 3 4 5 6 7 8 9 10 11 12; do echo "step \$i with https://user:hunter2@host/x"; sleep 0.5; done
exec "$real_uv" "\$@"
SH
chmod +x slow.sh
for i in 1 2; do
  RTENV_UV=$work/slow.sh "$RTENV" env build --runtime-env-json '{"uv": ["six==1.15.0"]}' >"out$i" 2>"err$i" &
done
wait
equal "$(cat out1)" "$(cat out2)"
waiter=$(grep -l 'another process is building this environment' err1 err2)
grep -q 'step [0-9]* with https://host/x' "$waiter" || fail "no progress: $(cat "$waiter")"
! grep -q hunter2 err1 err2 || fail "a secret is shown"
rtenv env rm "$(basename "$(cat out1)")"
ok

# A build that hangs is ended at its time limit, with all its processes.
cat >hangs.sh <<SH
#!/bin/sh
[ "\$1" = pip ] || exec "$real_uv" "\$@"
sh -c 'sleep 1000.25' &
sleep 1000.5
SH
chmod +x hangs.sh
RTENV_UV=$work/hangs.sh rtenv env build --runtime-env-json '{"uv": ["six"], "config": {"setup_timeout_seconds": 1}}'
refused 1 "took longer than 1 s"
for _ in 1 2 3 4 5 6 7 8 9 10; do pgrep -f 'sleep 1000\.' >/dev/null || break; sleep 0.1; done
! pgrep -f 'sleep 1000\.' || fail "what the installer started lives on"
only_the_good_one

# Requirements that can't be satisfied: the error quotes the installer.
rtenv env build --runtime-env-json '{"uv": ["six==1.16.0", "six==1.15.0"]}'
refused 1 "six==1.15.0"
echo 'six==1.16.0 --hash=sha256:0000000000000000000000000000000000000000000000000000000000000000' >pinned.txt
rtenv env build --runtime-env-json '{"uv": ["-r pinned.txt"]}'
refused 1 "ash mismatch"
rtenv env build --python 2.6 --runtime-env-json '{"uv": ["six"]}'
refused 3 "python2.6"
UV_DEFAULT_INDEX=http://127.0.0.1:9/simple rtenv env build --runtime-env-json '{"uv": ["six"]}'
refused 1 "127.0.0.1:9"
only_the_good_one

# A package that the index has only as a source distribution.
rtenv run --runtime-env-json '{"uv": ["docopt==0.6.2"]}' -- python -c 'import docopt; print(docopt.__version__)'
ok
equal "$out" 0.6.2

# The disk fills up during a build: a clear error, nothing left behind, and a smaller environment fits.
mkdir small
if [[ $(id -u) -eq 0 ]] && mount -t tmpfs -o size=40m tmpfs small 2>/dev/null; then
  trap 'umount "$work/small"; chmod -R u+w "$work"; rm -rf "$work"' EXIT
  RTENV_CACHE_DIR=$work/small/cache rtenv env build --runtime-env-json '{"uv": ["numpy==2.2.0"]}'
  [[ $status -eq 1 || $status -eq 6 ]] || fail "expected a refusal"
  stderr_has "No space left"
  equal "$(find small/cache/envs small/cache/tmp -mindepth 1 | wc -l)" 0
  rm -rf small/cache/uv
  RTENV_CACHE_DIR=$work/small/cache rtenv env build --runtime-env-json '{"uv": ["six"]}'
  ok
fi

# `env check` reports errors without fetching or building.
rtenv env check --runtime-env-json '{"uv": ["six"], "working_dir": "missing"}'
refused 3 "working_dir: missing doesn't exist"
rtenv env check --runtime-env-json '{"uv": ["six"], "working_dir": "."}'
ok

# The installer sees no configuration but the user's and the system's, which count in the key by content.
mkdir -p above/cache home/.config/uv
echo 'exclude-newer = "2001-01-01T00:00:00Z"' >above/uv.toml
export RTENV_UV=$real_uv
RTENV_CACHE_DIR=$work/above/cache HOME=$work/home rtenv env build --runtime-env-json '{"uv": ["six==1.16.0"]}' --json
ok
key=$(field key)
cp above/uv.toml home/.config/uv/uv.toml
RTENV_CACHE_DIR=$work/above/cache HOME=$work/home rtenv env build --runtime-env-json '{"uv": ["six==1.16.0"]}' --json
exits 1
stderr_has "six==1.16.0"
rm home/.config/uv/uv.toml
RTENV_CACHE_DIR=$work/above/cache HOME=$work/home rtenv env build --runtime-env-json '{"uv": ["six==1.16.0"], "env_vars": {"OTHER": "x"}}' --json
ok
equal "$(field key)" "$key"
