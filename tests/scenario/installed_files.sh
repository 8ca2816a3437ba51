#!/usr/bin/env bash
# What an installer put into an environment is compared with the RECORDs of the distributions: damage in uv's cache
# doesn't reach an environment, and later changes of environments are found.
# shellcheck source=lib.sh
source "$(dirname "$0")/lib.sh"
use_oracle_uv

build() { rtenv env build --runtime-env-json "$1"; }
append() {
  chmod u+w "$1"
  echo "$2" >>"$1"
}

# A job writes through a link: into uv's cache, and into each environment that has the file.
build '{"uv": ["six==1.16.0"]}'
ok
first=$out
rtenv cache verify --json
ok
equal "$(field checked) $(field recorded)" "$("$RTENV" cache ls --json | wc -l) 0"
append "$first"/lib/python3*/site-packages/six.py 'DAMAGED = True'
[[ -n $(grep -rl 'DAMAGED = True' "$RTENV_CACHE_DIR/uv") ]] || fail "uv doesn't link files out of its cache"

# Another environment isn't built from it …
build '{"uv": ["six==1.16.0", "humanize==4.9.0"]}'
ok
second=$out
stderr_has "six.py of the distribution six has"
stderr_has "installing once more, without the cached six"
if grep -rl 'DAMAGED = True' "$RTENV_CACHE_DIR/uv" "$second"; then fail "the damage is still there"; fi
rtenv run --runtime-env-json '{"uv": ["six==1.16.0", "humanize==4.9.0"]}' -- python -c 'import six, humanize; print(hasattr(six, "DAMAGED"))'
ok
equal "$out" False

# … and the first is found.
rtenv cache verify
exits 1
stdout_has "quarantined env $(basename "$first")"
equal "$(wc -l <<<"$out")" 1

# One changed byte is found, too: also of a program, and of a file that no distribution has.
for name in bin/activate lib/python3*/site-packages/humanize/time.py; do
  build '{"uv": ["six==1.16.0", "humanize==4.9.0"]}'
  ok
  file=$(echo "$out"/$name)
  chmod u+w "$file"
  printf x | dd of="$file" bs=1 conv=notrunc status=none
  rtenv cache verify
  exits 1
  stdout_has "quarantined env $(basename "$second")"
done

# A wheel whose RECORD is wrong never becomes an environment, with either installer.
make_wheel wheels wrong one
python3 - wheels/wrong-1.0-py3-none-any.whl <<'PY'
import sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as old:
    files = {name: old.read(name) for name in old.namelist()}
files["wrong.py"] = b"TEXT = 'two'\n"
with zipfile.ZipFile(sys.argv[1], "w") as new:
    for name, content in files.items():
        new.writestr(name, content)
PY
for installer in uv pip; do
  build "{\"$installer\": [\"./wheels/wrong-1.0-py3-none-any.whl\"]}"
  refused 2 "site-packages/wrong.py of the distribution wrong doesn't have the hash that is in the RECORD, although it was installed twice"
  stderr_has "its RECORD is wrong"
done
rtenv run --runtime-env-json '{"py_modules": ["wheels/wrong-1.0-py3-none-any.whl"]}' -- true
refused 2 "py_modules[0]: wrong.py of the distribution wrong doesn't have the hash"
nothing_half_made

# A wheel without hashes is unpacked anew: what was in uv's cache can't be checked.
make_wheel wheels bare one
python3 - wheels/bare-1.0-py3-none-any.whl <<'PY'
import re, sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as old:
    files = {name: old.read(name) for name in old.namelist()}
record = "bare-1.0.dist-info/RECORD"
files[record] = re.sub(rb",.*", b",,", files[record])
with zipfile.ZipFile(sys.argv[1], "w") as new:
    for name, content in files.items():
        new.writestr(name, content)
PY
build '{"uv": ["./wheels/bare-1.0-py3-none-any.whl"]}'
ok
append "$out"/lib/python3*/site-packages/bare.py 'DAMAGED = True'
build '{"uv": ["./wheels/bare-1.0-py3-none-any.whl", "six==1.16.0"]}'
ok
equal "$("$out/bin/python" -c 'import bare; print(hasattr(bare, "DAMAGED"))')" False

# An environment from an archive has the digest of the relocated files.
rtenv env pack --runtime-env-json '{"uv": ["humanize==4.9.0"]}' -o env.tar.zst
ok
export RTENV_CACHE_DIR=$work/other
rtenv env pull env.tar.zst
ok
rtenv cache verify --json
ok
equal "$(field checked) $(field recorded)" "1 0"

# What somebody adds to a wheel that uv keeps unpacked doesn't reach an environment: Python would run both files.
export RTENV_CACHE_DIR=$work/added
build '{"uv": ["six==1.16.0"]}'
ok
unpacked=$(dirname "$(find "$RTENV_CACHE_DIR/uv/archive-v0" -name six.py)")
mkdir "$unpacked/__pycache__"
echo 'import os' >"$unpacked/added.pth"
"$ORACLE_PYTHON" - "$unpacked" "$("$ORACLE_PYTHON" -c 'import importlib.util; print(importlib.util.cache_from_source("six.py"))')" <<'PY'
import pathlib, py_compile, sys
pathlib.Path("evil.py").write_text("EVIL = True\n")
py_compile.compile("evil.py", f"{sys.argv[1]}/{sys.argv[2]}", invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)
PY
rtenv run --python "$ORACLE_PYTHON" --runtime-env-json '{"uv": ["six==1.16.0", "humanize==4.9.0", "idna==3.7"]}' -- \
  python -c 'import six; print(hasattr(six, "EVIL"), six.__file__)'
ok
stdout_has "False "
[[ ! -e $(dirname "${out#False }")/added.pth ]] || fail "the added file is in the environment"
[[ -z $(find "$RTENV_CACHE_DIR/uv" -name added.pth) ]] || fail "the added file is still in uv's cache"

# A repair doesn't wait for other builds, which have uv's cache in use.
append "$(find "$RTENV_CACHE_DIR/uv/archive-v0" -name six.py | head -n 1)" 'DAMAGED = True'
flock --shared --no-fork "$RTENV_CACHE_DIR/uv/.lock" sleep 60 &
other=$!
rtenv run --python "$ORACLE_PYTHON" --runtime-env-json '{"uv": ["six==1.16.0", "idna==3.6"]}' -- python -c 'import six; print(hasattr(six, "DAMAGED"))'
ok
equal "$out" False
stderr_has "uv's cache can't be cleaned now"
kill "$other"

# … nor under the names of files that virtualenvs have, nor as compiled code that looks up to date.
export RTENV_CACHE_DIR=$work/disguised
build '{"uv": ["six==1.16.0"]}'
ok
unpacked=$(dirname "$(find "$RTENV_CACHE_DIR/uv/archive-v0" -name six.py)")
mkdir "$unpacked/__pycache__"
"$ORACLE_PYTHON" - "$unpacked" <<'PY'
import importlib.util, os, pathlib, sys
six = pathlib.Path(sys.argv[1], "six.py")
code = importlib.util.MAGIC_NUMBER + (0).to_bytes(4, "little") + int(six.stat().st_mtime).to_bytes(4, "little") + six.stat().st_size.to_bytes(4, "little")
import marshal
pathlib.Path(sys.argv[1], importlib.util.cache_from_source("six.py")).write_bytes(code + marshal.dumps(compile("EVIL = True", "six.py", "exec")))
PY
run_six() {
  rtenv run --python "$ORACLE_PYTHON" --runtime-env-json "{\"uv\": {\"packages\": [\"six==1.16.0\", \"idna==3.7\"], \"uv_pip_install_options\": [$1]}}" -- \
    python -c 'import os, six; print("EVIL" in os.environ, hasattr(six, "EVIL"), six.__cached__)'
  ok
  stdout_has "False False "
}
run_six '"--compile-bytecode"'
[[ -f ${out##* } ]] || fail "six wasn't compiled"
for name in _virtualenv.pth _rtenv_inherited.pth x.virtualenv; do echo 'import os; os.environ["EVIL"] = "1"' >"$unpacked/$name"; done
run_six ''
[[ -z $(find "$RTENV_CACHE_DIR/envs" -name x.virtualenv) ]] || fail "an unlisted file is in an environment"

# What uv itself can't install from its cache is fetched again, too.
export RTENV_CACHE_DIR=$work/broken
build '{"uv": ["six==1.16.0"]}'
ok
i=0
for damage in ': >six-1.16.0.dist-info/WHEEL' 'rm six-1.16.0.dist-info/WHEEL' 'rm six-1.16.0.dist-info/METADATA' \
  'mkdir -p six-1.16.0.data/purelib && touch six-1.16.0.data/purelib/evil.py'; do
  unpacked=$(dirname "$(find "$RTENV_CACHE_DIR/uv/archive-v0" -name six.py | head -n 1)")
  (cd "$unpacked" && chmod -R u+w . && eval "$damage")
  build "{\"uv\": [\"six==1.16.0\", \"idna==3.$((i += 1))\"]}"
  ok
  "$out/bin/python" -c 'import six, idna'
  [[ ! -e $(echo "$out"/lib/python3*/site-packages)/evil.py ]] || fail "an added file is in the environment"
done
# Several at once.
find "$RTENV_CACHE_DIR/uv/archive-v0" -name METADATA -delete
build '{"uv": ["six==1.16.0", "idna==3.4", "humanize==4.9.0"]}'
ok
find "$RTENV_CACHE_DIR/uv/archive-v0" -name METADATA -delete
build '{"uv": ["six==1.16.0", "idna==3.4", "humanize==4.10.0"]}'
ok
