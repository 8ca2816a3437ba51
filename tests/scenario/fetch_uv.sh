#!/usr/bin/env bash
# Without uv on the machine, the pinned version is fetched from the package index, verified and cached.
# shellcheck source=lib.sh
source "$(dirname "$0")/lib.sh"

# A PATH without uv.
mkdir bin
for program in python3 sh cat; do ln -s "$(python3 -c 'import shutil, sys; print(shutil.which(sys.argv[1]))' "$program")" "bin/$program"; done
python=$(python3 -c 'import sys; print(sys.executable)')
ln -sf "$python" bin/python3

PATH=$work/bin rtenv env build --offline --python "$python" --runtime-env-json '{"uv": ["six==1.16.0"]}'
refused 3 "offline, so it isn't downloaded"
[[ -z $(ls "$RTENV_CACHE_DIR/tools") ]] || fail "uv was fetched"

build() { PATH=$work/bin rtenv env build --python "$python" --runtime-env-json "{\"uv\": [\"six==1.1$1.0\"]}"; }
build 6
ok
stderr_has 'fetching uv'
build 5
ok
[[ $err != *'fetching uv'* ]] || fail "fetched twice"
[[ -x $(echo "$RTENV_CACHE_DIR"/tools/uv-*/uv) ]] || fail "uv isn't kept"

# An index that serves other bytes under that name: refused, and nothing is cached.
export RTENV_CACHE_DIR=$work/other
mkdir -p index/uv
name=$(basename "$(grep -oE '"uv-[0-9.]+-py3[^"]*_x86_64.whl"' "$project/envbuild/uv_program.cpp" | tr -d '"')")
echo "something else" >"index/uv/$name"
echo "<a href=\"$name\">$name</a>" >index/uv/index.html
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
python3 -m http.server --bind 127.0.0.1 --directory index "$port" >server.log 2>&1 &
server=$!
trap 'kill $server; chmod -R u+w "$work"; rm -rf "$work"' EXIT
until python3 -c "import socket; socket.create_connection(('127.0.0.1', $port))" 2>/dev/null; do sleep 0.05; done
export UV_INDEX_URL=http://user:hunter2@127.0.0.1:$port
build 6
if [[ $(uname -m) == x86_64 ]]; then refused 2 "its SHA-256 differs"; else refused 3 "isn't on"; fi
[[ $err != *hunter2* ]] || fail "a secret is shown"
[[ -z $(ls "$RTENV_CACHE_DIR/tools") ]] || fail "a file that isn't uv is kept"
rm "index/uv/$name" index/uv/index.html
touch index/uv/index.html
build 6
refused 3 "isn't on http://…@127.0.0.1:$port/uv/"
export UV_INDEX_URL=http://127.0.0.1:1
build 6
refused 5 "cannot reach http://127.0.0.1:1/uv/"
