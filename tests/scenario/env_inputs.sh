#!/usr/bin/env bash
# Local wheels, projects and lists: what was planned is what is installed, whoever changes the originals meanwhile.
# shellcheck source=lib.sh
source "$(dirname "$0")/lib.sh"
use_oracle_uv
export RTENV_PYTHON=${ORACLE_PYTHON:?}
real_uv=$RTENV_UV
# Variables that list several paths separate them by spaces.
export RTENV_CACHE_DIR="$work/a cache"
text() { "$1/bin/python" -c 'import own_wheel; print(own_wheel.TEXT)'; }

# The originals are exchanged when the installer begins: it has copies.
make_wheel two own_wheel two
cat >exchange.sh <<SH
#!/bin/sh
[ "\$1" = pip ] && { cp "$work/two/"*.whl "$work/one/"; echo "six<1.15" >"$work/one/limits.txt"; }
exec "$real_uv" "\$@"
SH
chmod +x exchange.sh
planned() { make_wheel one own_wheel one; echo 'six<1.16' >one/limits.txt; }
for packages in '"./one/own_wheel-1.0-py3-none-any.whl"' '"own_wheel@file://'"$work"'/one/own_wheel-1.0-py3-none-any.whl"' '"--find-links one", "own_wheel"'; do
  planned
  RTENV_UV=$work/exchange.sh rtenv env build --runtime-env-json "{\"uv\": [$packages, \"six\", \"-c one/limits.txt\"]}"
  ok
  equal "$(text "$out") $("$out/bin/python" -c 'import six; print(six.__version__)')" "one 1.15.0" "$packages"
done
for options in '"-c", "one/limits.txt"' "\"-c$work/one/limits.txt\"" '"--override", "one/limits.txt"'; do
  planned
  RTENV_UV=$work/exchange.sh rtenv env build --runtime-env-json \
    "{\"uv\": {\"packages\": [\"six\", \"humanize==4.9.0\"], \"uv_pip_install_options\": [$options, \"--find-links=$work/one\"]}}"
  ok
  equal "$("$out/bin/python" -c 'import six; print(six.__version__)')" 1.15.0 "$options"
  rtenv env rm "$(basename "$out")"
done
for installer in uv pip; do
  variable=$([[ $installer == uv ]] && echo UV || echo PIP)
  planned
  RTENV_UV=$work/exchange.sh rtenv env build --runtime-env-json \
    "{\"$installer\": [\"six\", \"own_wheel\"], \"env_vars\": {\"${variable}_CONSTRAINT\": \"$work/one/limits.txt\", \"${variable}_FIND_LINKS\": \"$work/one\"}}"
  ok
  equal "$(text "$out") $("$out/bin/python" -c 'import six; print(six.__version__)')" "one 1.15.0" "$installer"
done

# A file in a list of constraints isn't installed by itself.
planned
echo "own_wheel @ file://$work/one/own_wheel-1.0-py3-none-any.whl" >limits.txt
for installer in uv pip; do
  rtenv env build --runtime-env-json "{\"$installer\": [\"six\", \"-c limits.txt\"]}"
  ok
  ! text "$out" 2>/dev/null || fail "a constraint was installed"
  rtenv env build --runtime-env-json "{\"$installer\": [\"own_wheel\", \"-c limits.txt\"]}"
  ok
  equal "$(text "$out")" one
done

# What is pinned is what is installed, also as a module.
planned
module=file://$work/one/own_wheel-1.0-py3-none-any.whl#sha256=$(sha256sum <one/own_wheel-1.0-py3-none-any.whl | cut -c 1-64)
RTENV_UV=$work/exchange.sh rtenv run --runtime-env-json "{\"py_modules\": [\"$module\"]}" -- \
  python3 -c 'import own_wheel; print(own_wheel.TEXT)'
ok
equal "$out" one
rtenv run --runtime-env-json "{\"py_modules\": [\"$module\"]}" -- true
refused 2 "doesn't have its pinned digest"

# Environments with one wheel, wherever it lies, share what uv unpacked.
unpacked() { find "$RTENV_CACHE_DIR"/uv/archive-v0 -name own_wheel.py -exec grep -l shared {} + | wc -l; }
for i in 1 2 3; do
  make_wheel "place$i" own_wheel shared
  rtenv env build --runtime-env-json "{\"uv\": [\"./place$i/own_wheel-1.0-py3-none-any.whl\", \"six==1.1$((i + 3)).0\"]}"
  ok
  equal "$(text "$out")" shared
done
equal "$(unpacked)" 1
# Its copy in the cache is checked, too.
copy=$(find "$RTENV_CACHE_DIR/files" -name 'own_wheel-1.0-py3-none-any.whl' -exec grep -l shared {} +)
chmod u+w "$copy" && echo x >>"$copy"
rtenv env build --runtime-env-json '{"uv": ["./place1/own_wheel-1.0-py3-none-any.whl", "six==1.13.0"]}'
refused 2 "was changed"
rtenv cache verify
rtenv env build --runtime-env-json '{"uv": ["./place1/own_wheel-1.0-py3-none-any.whl", "six==1.13.0"]}'
ok

# A source archive is built again under other flags: of one path, uv would take the wheel that it built before.
mkdir flagged-1.0
cat >flagged-1.0/setup.py <<'PY'
import os, setuptools
open("flagged.py", "w").write("FLAGS = %r\n" % os.environ.get("CFLAGS"))
setuptools.setup(name="flagged", version="1.0", py_modules=["flagged"])
PY
printf 'Metadata-Version: 2.1\nName: flagged\nVersion: 1.0\n' >flagged-1.0/PKG-INFO
tar czf flagged-1.0.tar.gz flagged-1.0
for flags in -O1 -O2; do
  rtenv run --runtime-env-json "{\"uv\": [\"./flagged-1.0.tar.gz\"], \"env_vars\": {\"CFLAGS\": \"$flags\"}}" -- \
    python -c 'import flagged; print(flagged.FLAGS)'
  ok
  equal "$out" "$flags"
done

# A project counts by what its build sees, in a repository with the commit.
mkdir project
echo 'import setuptools; setuptools.setup(name="project", version="1", py_modules=["project"])' >project/setup.py
echo 'TEXT = 1' >project/project.py
git -C project init -q && git -C project add -A && git -C project -c user.name=n -c user.email=e commit -q -m one
rtenv env build --runtime-env-json '{"uv": ["./project"]}' --json
ok
key=$(field key)
touch project/.git/FETCH_HEAD
mkdir project/__pycache__ project/project.egg-info && touch project/__pycache__/x.pyc
rtenv env build --runtime-env-json '{"uv": ["./project"]}' --json
equal "$(field key) $(field built)" "$key False"
# What an older build left isn't installed instead of the source, which is older than the copy of both.
mkdir -p project/build/lib project/dist
echo 'TEXT = "stale"' >project/build/lib/project.py
touch -d 2020-01-01 project/build/lib/project.py project/dist/project-0.tar.gz
for installer in uv pip; do
  rtenv run --runtime-env-json "{\"$installer\": [\"./project\"]}" -- python -c 'import project; print(project.TEXT)'
  ok
  equal "$out" 1
done
rtenv env build --runtime-env-json '{"uv": ["./project"]}' --json
equal "$(field key) $(field built)" "$key False"
# A lock names the original, and is of use.
rtenv env lock --runtime-env-json '{"uv": ["./project"]}' -o env.lock
ok
! grep -F "$work" env.lock || fail "a path of this machine"
rtenv run --runtime-env-json '{"uv": ["./project"]}' --locked env.lock -- python -c 'import project; print(project.TEXT)'
ok
equal "$out" 1

# What a project takes from a folder that isn't in the packages could change under the same key.
mkdir needed
echo 'import setuptools; setuptools.setup(name="needed", version="1", py_modules=["needed"])' >needed/setup.py
echo 'TEXT = 1' >needed/needed.py
echo "import setuptools; setuptools.setup(name='project', version='1', py_modules=['project'], install_requires=['needed @ file://$work/needed'])" >project/setup.py
for installer in uv pip; do
  rtenv env build --runtime-env-json "{\"$installer\": [\"./project\"]}"
  refused 2 "needed-1 was required by another package and taken from $work/needed"
  stderr_has "list its folder in the packages"
done
sed -i 's/ @ file[^\x27]*//' project/setup.py
for installer in uv pip; do
  rtenv env build --runtime-env-json "{\"$installer\": [\"./project\", \"./needed\"]}"
  ok
  equal "$("$out/bin/python" -c 'import needed; print(needed.TEXT)')" 1
done

# By a relative path, a project can require one that is in the packages.
mkdir -p pair/one pair/deep/two
echo 'TEXT = 1' | tee pair/one/one.py pair/deep/two/two.py >/dev/null
for name in one deep/two; do
  printf '[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"\n[project]\nname = "%s"\nversion = "1"\n[tool.setuptools]\npy-modules = ["%s"]\n' \
    "${name#*/}" "${name#*/}" >pair/$name/pyproject.toml
done
sed -i 's/^version.*/&\ndependencies = ["two"]/' pair/one/pyproject.toml
printf '[tool.uv.sources]\ntwo = { path = "../deep/two" }\n' >>pair/one/pyproject.toml
rtenv env build --runtime-env-json '{"uv": ["./pair/one"]}'
refused 1 "Distribution not found"
stderr_has "hint: a project requires another folder: list that in the packages, too"
for text in 1 2; do
  echo "TEXT = $text" >pair/deep/two/two.py
  rtenv run --runtime-env-json '{"uv": ["./pair/one", "./pair/deep/two"]}' -- python -c 'import one, two; print(two.TEXT)'
  ok
  equal "$out" "$text"
done
sed -i 's/ }$/, editable = true }/' pair/one/pyproject.toml
rtenv env build --runtime-env-json '{"uv": ["./pair/one", "./pair/deep/two"]}'
exits 2
stderr_has "editable"
sed -i 's/path = "[^"]*"/path = "\/deep\/two"/' pair/one/pyproject.toml
rtenv env key --runtime-env-json '{"uv": ["./pair/one", "./pair/deep/two"]}'
refused 2 "pair/one/pyproject.toml, line "
sed -i "s|^requires.*|requires = [\"setuptools\", \"needed @ file://$work/needed\"]|" pair/one/pyproject.toml
rtenv env key --runtime-env-json '{"pip": ["./pair/one"]}'
refused 2 "it requires a local file or folder"
sed -i 's|^requires.*|requires = ["setuptools"]|' pair/one/pyproject.toml
# One inside of another.
sed -i '/^dependencies/d; /^\[tool.uv/,$d' pair/one/pyproject.toml
mkdir pair/one/inner && cp pair/deep/two/* pair/one/inner/
rtenv run --runtime-env-json '{"uv": ["./pair/one", "./pair/one/inner"]}' -- python -c 'import one, two; print(two.TEXT)'
ok
equal "$out" 2

rtenv env check --runtime-env-json '{"uv": ["six", "=="]}'
refused 2 "runtime_env['uv'][1]: '==' isn't a requirement"
