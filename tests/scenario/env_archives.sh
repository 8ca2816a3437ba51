#!/usr/bin/env bash
# Environments as archives: deterministic, moved to another folder and user, refused if they don't fit.
# shellcheck source=lib.sh
source "$(dirname "$0")/lib.sh"
use_oracle_uv
# The system's Python, which other users can run, too.
export RTENV_PYTHON=/usr/bin/python3
[[ -x $RTENV_PYTHON ]] || RTENV_PYTHON=${ORACLE_PYTHON:?}

make_wheel wheels lib "a text"
mkdir tool
cat >tool/pyproject.toml <<'TOML'
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
[project]
name = "tool"
version = "1.0"
TOML
# A source folder with an entry point, which becomes a script.
cat >tool/backend.py <<'PY'
import zipfile
def build_wheel(folder, settings=None, metadata=None):
    name = "tool-1.0-py3-none-any.whl"
    files = {"tool.py": "import sys\ndef main():\n    print('tool of', sys.prefix)\n",
             "tool-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: tool\nVersion: 1.0\n",
             "tool-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
             "tool-1.0.dist-info/entry_points.txt": "[console_scripts]\ntool = tool:main\n"}
    files["tool-1.0.dist-info/RECORD"] = "".join(path + ",,\n" for path in [*files, "tool-1.0.dist-info/RECORD"])
    with zipfile.ZipFile(folder + "/" + name, "w") as z:
        for path, content in files.items():
            z.writestr(path, content)
    return name
PY
cat >env.yaml <<'YAML'
uv: ["./wheels/lib-1.0-py3-none-any.whl", "./tool"]
YAML

rtenv env pack -f env.yaml -o first.tar.zst --json
ok
key=$(field key)
equal "$(field sha256)" "$(sha256sum first.tar.zst | cut -d ' ' -f 1)"
rtenv env pack -f env.yaml -o again.tar.zst
ok
cmp first.tar.zst again.tar.zst
# The same environment built elsewhere gives the same archive: it contains no path.
mkdir listed && tar --zstd -xf first.tar.zst -C listed
! grep -rF "$RTENV_CACHE_DIR/envs" listed || fail "the archive contains the environment's path"
equal "$(tar --zstd -tf first.tar.zst | sed -n 1p)" .rtenv-pack.json

# Unpacked into another folder whose name is long and has a space.
long="a folder with spaces/$(printf 'x%.0s' {1..120})"
RTENV_CACHE_DIR=$work/$long rtenv env pull first.tar.zst --json
ok
equal "$(field origin)" archive
equal "$(field key)" "$key"
path=$(field path)
equal "$("$path/bin/tool")" "tool of $path"
equal "$("$path/bin/python" -c 'import lib; print(lib.TEXT)')" "a text"
RTENV_CACHE_DIR=$work/$long RTENV_UV=/nowhere rtenv run -f env.yaml -- tool
ok
stdout_has "tool of $path"
# … and packed again there: the same bytes.
RTENV_CACHE_DIR=$work/$long RTENV_UV=/nowhere rtenv env pack -f env.yaml -o third.tar.zst
ok
cmp first.tar.zst third.tar.zst

# As another user, through a store.
rtenv env push -f env.yaml "file://$work/store/env.tar.zst" --json
ok
pin=$(field sha256)
rtenv env push -f env.yaml "file://$work/store/"
ok
stdout_has "file://$work/store/rtenv-1/envs/$key.tar.zst"
if [[ $(id -u) -eq 0 ]] && id nobody >/dev/null; then
  chmod 755 "$work" && chmod -R a+rX store env.yaml wheels tool
  install -d -o nobody other
  other() { setpriv --reuid nobody --clear-groups env HOME="$work/other" RTENV_CACHE_DIR="$work/other/cache" "$@"; }
  cp "$RTENV" "$work/rtenv" && chmod 755 "$work/rtenv"
  if other "$RTENV_PYTHON" -c '' 2>/dev/null && other "$work/rtenv" version >/dev/null 2>&1; then
    path=$(other "$work/rtenv" env pull "file://$work/store/env.tar.zst#sha256=$pin")
    equal "$(other "$path/bin/tool")" "tool of $path"
  fi
fi

# Pulled by key without a build; a missing archive.
rtenv cache rm --all --yes
RTENV_UV=/nowhere rtenv env pull -f env.yaml "file://$work/store" --json
ok
equal "$(field origin)" "remote tier"
RTENV_REMOTE_CACHE="file://$work/store" rtenv env pull -f env.yaml --json
ok
equal "$(field origin)" cache
rtenv env pull --runtime-env-json '{"uv": ["./wheels/lib-1.0-py3-none-any.whl"]}' "file://$work/store"
refused 3 "doesn't exist"
rtenv env pull "file://$work/store"
refused 2 "names no packages"

# Archives of another platform, and damaged ones.
rtenv cache rm --all --yes
rtenv env pull "file://$work/store/env.tar.zst#sha256=$(printf '0%.0s' {1..64})"
refused 2 "doesn't have its pinned digest"
head -c -100 first.tar.zst >cut.tar.zst
rtenv env pull cut.tar.zst
refused 2 "isn't a complete"
tar --zstd -cf other.tar.zst wheels
rtenv env pull other.tar.zst
refused 2 "isn't a"
python3 - <<'PY'
import json, subprocess
members = subprocess.run(["tar", "--zstd", "-xf", "first.tar.zst", "-C", ".", "--one-top-level=opened"])
manifest = json.load(open("opened/.rtenv-pack.json"))
manifest["properties"]["interpreter"]["version"] = "2.7.18"
json.dump(manifest, open("opened/.rtenv-pack.json", "w"))
names = [".rtenv-pack.json"] + sorted(p for p in __import__("os").listdir("opened") if p != ".rtenv-pack.json")
subprocess.run(["tar", "--zstd", "-cf", "foreign.tar.zst", "-C", "opened", *names], check=True)
PY
rtenv env pull foreign.tar.zst
refused 2 "was built for cpython 2.7.18"
nothing_half_made
