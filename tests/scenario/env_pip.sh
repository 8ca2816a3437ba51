#!/usr/bin/env bash
# Environments built by pip and virtualenv give the same results as by uv.
# shellcheck source=lib.sh
source "$(dirname "$0")/lib.sh"

make_wheel job/wheels own_wheel one
cat >env.yaml <<'Y'
pip:
  packages:
    - six==1.16.0
    - ${RAY_RUNTIME_ENV_CREATE_WORKING_DIR}/wheels/own_wheel-1.0-py3-none-any.whl
  pip_check: true
Y
rtenv run -f env.yaml --working-dir job -- python -c 'import six, own_wheel, sys; print(six.__version__, own_wheel.TEXT, sys.prefix)'
ok
key=$("$RTENV" env key -f env.yaml --working-dir job)
equal "$out" "1.16.0 one $RTENV_CACHE_DIR/envs/$key"
rtenv env build -f env.yaml --working-dir job --json
equal "$(field built) $(field installer)" "False pip"
[[ $("$RTENV" env key --runtime-env-json '{"uv": ["six"]}') != $("$RTENV" env key --runtime-env-json '{"pip": ["six"]}') ]] || fail "the installer counts"

rtenv env build --runtime-env-json '{"pip": ["no-such-package-of-rtenv"]}'
refused 1 'No matching distribution found for no-such-package-of-rtenv'
rtenv env build --runtime-env-json '{"pip": ["six==1.16.0", "urllib3==1.26.0", "requests==2.32.3", "-c /no/such/file"]}'
refused 3 /no/such/file

# The password of an index isn't in a command line, also not in that of the pip that installs what a build needs.
make_wheel index/own-backend own_backend one
python3 - index/own-backend/own_backend-1.0-py3-none-any.whl <<'PY'
import base64, hashlib, sys, zipfile
backend = '''
import zipfile
def build_wheel(folder, *_):
    info, name = "built-1.0.dist-info", "built-1.0-py3-none-any.whl"
    with zipfile.ZipFile(f"{folder}/{name}", "w") as z:
        z.writestr("built.py", "TEXT = 'built'")
        z.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\\nName: built\\nVersion: 1.0\\n")
        z.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\\nGenerator: test\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        z.writestr(f"{info}/RECORD", "".join(f"{item},,\\n" for item in ["built.py", f"{info}/METADATA", f"{info}/WHEEL", f"{info}/RECORD"]))
    return name
'''
with zipfile.ZipFile(sys.argv[1]) as old:
    files = {name: old.read(name) for name in old.namelist()}
files["own_backend.py"] = backend.encode()
digest = base64.urlsafe_b64encode(hashlib.sha256(backend.encode()).digest()).decode().rstrip("=")
record = "own_backend-1.0.dist-info/RECORD"
rest = files[record].decode().splitlines()[1:]
files[record] = "\n".join([f"own_backend.py,sha256={digest},{len(backend)}", *rest]).encode()
with zipfile.ZipFile(sys.argv[1], "w") as new:
    for name, content in files.items():
        new.writestr(name, content)
PY
mkdir -p index/built built-1.0
printf '[build-system]\nrequires = ["own_backend"]\nbuild-backend = "own_backend"\n' >built-1.0/pyproject.toml
printf 'Metadata-Version: 2.1\nName: built\nVersion: 1.0\n' >built-1.0/PKG-INFO
tar czf index/built/built-1.0.tar.gz built-1.0
cat >serve.py <<'PY'
import base64, functools, http.server, pathlib, sys
password = sys.stdin.readline().strip().encode()
class Handler(http.server.SimpleHTTPRequestHandler):
    def do_GET(self):
        for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
            try:
                if password in path.read_bytes():
                    pathlib.Path("seen").write_bytes(path.read_bytes())
            except OSError:
                pass
        if self.headers.get("Authorization") == "Basic " + base64.b64encode(b"me:" + password).decode():
            return super().do_GET()
        self.send_response(401)
        self.send_header("WWW-Authenticate", "Basic")
        self.end_headers()
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory="index"))
print(server.server_port, flush=True)
server.serve_forever()
PY
password=secret$RANDOM$RANDOM$RANDOM  # no command of a test that runs beside this one has it
exec {served}< <(exec timeout 900 python3 serve.py 2>/dev/null <<<"$password")
server=$!
read -r port <&"$served"
index=http://me:$password@127.0.0.1:$port
for fields in "\"pip\": [\"--index-url $index\", \"built\"]" \
  "\"pip\": {\"packages\": [\"built\"], \"pip_install_options\": [\"--index-url=$index\"]}" \
  "\"pip\": [\"built\"], \"env_vars\": {\"PIP_INDEX_URL\": \"$index\"}"; do
  "$RTENV" cache rm --all --yes -q
  echo "{$fields}" >private.yaml
  PIP_NO_CACHE_DIR=1 rtenv env build -f private.yaml
  ok
  equal "$("$out/bin/python" -c 'import built; print(built.TEXT)')" built
done
mkdir -p home/.config/pip
printf '[global]\nindex-url = %s\n' "$index" >home/.config/pip/pip.conf
"$RTENV" cache rm --all --yes -q
HOME=$work/home XDG_CONFIG_HOME='' PIP_NO_CACHE_DIR=1 rtenv env build --runtime-env-json '{"pip": ["built"]}'
ok
equal "$("$out/bin/python" -c 'import built; print(built.TEXT)')" built
for fields in "\"pip\": [\"--index-url $index\", \"--extra-index-url http://other:$password@127.0.0.1:$port/x\", \"built\"]" \
  "\"pip\": [\"--index-url $index\", \"--find-links http://127.0.0.1:1/\", \"built\"]" \
  "\"pip\": [\"built\"], \"env_vars\": {\"PIP_FIND_LINKS\": \"http://127.0.0.1:$port/?sig=$password\"}" \
  "\"uv\": [\"built @ git+ssh://me:$password@127.0.0.1:$port/built.git\"]"; do
  rtenv env build --runtime-env-json "{$fields}"
  refused 2 'in a command line, which every user of this machine can read'
  [[ $err != *"$password"* ]] || fail "the password is in the error"
done
[[ ! -e seen ]] || fail "a password is in a command line: $(tr '\0' ' ' <seen)"
kill "$server"
