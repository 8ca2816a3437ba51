#!/usr/bin/env bash
# py_modules: directories, single files, wheels and URIs become importable; the order of the list and the job's own files
# decide who wins; what isn't a module is refused.
# shellcheck source=lib.sh
source "$(dirname "$0")/lib.sh"
use_oracle_uv

mkdir -p pkgs/shapes job elsewhere/other
echo "NAME = 'shapes'" >pkgs/shapes/__init__.py
echo "NAME = 'single'" >single.py
make_wheel wheels wheely 'wheel'
run_with() { rtenv run --python "$ORACLE_PYTHON" --runtime-env-json "$1" -- python3 -c "$2"; }

run_with '{"py_modules": ["pkgs/shapes", "pkgs/shapes/", "single.py", "wheels/wheely-1.0-py3-none-any.whl"]}' \
  'import shapes, single, wheely; print(shapes.NAME, single.NAME, wheely.TEXT)'
ok
equal "$out" 'shapes single wheel'

# The second run installs nothing, with uv and with pip.
run_with '{"py_modules": ["wheels/wheely-1.0-py3-none-any.whl"]}' 'import wheely'
ok
[[ $err != *installing* ]] || fail "installed twice"

# On PYTHONPATH before the working_dir, in the order of the list, and before PYTHONPATH of env_vars: as in Ray.
echo "NAME = 'of the job'" >job/single.py
echo "NAME = 'other'" >elsewhere/other/single.py
run_with '{"working_dir": "job", "py_modules": ["single.py", "elsewhere/other"], "env_vars": {"PYTHONPATH": "/own"}}' \
  'import os, sys; sys.path.pop(0); import single; print(single.NAME, os.environ["PYTHONPATH"].count(":"), os.environ["PYTHONPATH"].endswith(":/own"))'
ok
equal "$out" 'single 3 True'

# The top folder of an archive is stripped; a local:// directory is used in place.
(cd pkgs && python3 -m zipfile -c "$work/top.zip" shapes/)
mkdir nested && cp -r pkgs/shapes nested/ && python3 -m zipfile -c both.zip nested/
run_with "{\"py_modules\": [\"file://$work/both.zip\", \"local://$work/elsewhere\"]}" 'import shapes, other; print(shapes.NAME)'
ok
equal "$out" shapes
run_with "{\"py_modules\": [\"file://$work/wheels/wheely-1.0-py3-none-any.whl\"]}" 'import wheely; print(wheely.TEXT)'
ok
equal "$out" wheel

# A changed module is noticed; excludes apply to modules, too.
echo "NAME = 'changed'" >pkgs/shapes/__init__.py
echo "secret" >pkgs/shapes/key.pem
run_with '{"py_modules": ["pkgs/shapes"], "excludes": ["*.pem"]}' \
  'import os, shapes; print(shapes.NAME, [name for name in os.listdir(os.path.dirname(shapes.__file__)) if name != "__pycache__"])'
ok
equal "$out" "changed ['__init__.py']"

# `env build` prepares them for the job.
make_wheel wheels ahead 'ahead'
rtenv env build --python "$ORACLE_PYTHON" --runtime-env-json '{"py_modules": ["wheels/ahead-1.0-py3-none-any.whl"]}'
ok
stderr_has 'installing ahead'
run_with '{"py_modules": ["wheels/ahead-1.0-py3-none-any.whl"]}' 'import ahead'
ok
[[ $err != *installing* ]] || fail "installed twice"

# Installed by pip if the job's packages are.
make_wheel wheels piped 'by pip'
run_with '{"pip": ["./wheels/wheely-1.0-py3-none-any.whl"], "py_modules": ["wheels/piped-1.0-py3-none-any.whl"]}' \
  'import piped, wheely; print(piped.TEXT)'
ok
equal "$out" 'by pip'
stderr_has 'with pip'

echo text >notes.txt
run_with '{"py_modules": ["notes.txt"]}' ''
refused 2 'py_modules[0]: notes.txt is neither a directory, nor a .py file, nor a wheel'
run_with '{"py_modules": ["single.py", "nothing"]}' ''
refused 3 "py_modules[1]: nothing doesn't exist"
run_with '{"py_modules": "single.py"}' ''
refused 2 "runtime_env['py_modules'] must be a list of strings, got str"
run_with '{"py_modules": ["s3://bucket/module.txt"]}' ''
refused 2 "isn't an archive"
echo "no wheel" >wheels/bad-1.0-py3-none-any.whl
run_with '{"py_modules": ["wheels/bad-1.0-py3-none-any.whl"]}' ''
refused 1 'bad-1.0-py3-none-any.whl'
nothing_half_made_of_modules=$(ls "$RTENV_CACHE_DIR/tmp")
[[ -z $nothing_half_made_of_modules ]] || fail "left in tmp: $nothing_half_made_of_modules"
