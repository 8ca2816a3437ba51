#!/usr/bin/env bash
# Archives that somebody wrote to do harm: each is refused, and the cache is as it was.
# shellcheck source=lib.sh
source "$(dirname "$0")/lib.sh"
use_oracle_uv
export RTENV_PYTHON=${ORACLE_PYTHON:?}
make_wheel wheels lib "a text"
make_wheel wheels other "another text"
rtenv env pack -o good.tar.zst --runtime-env-json "{\"uv\": [\"$work/wheels/lib-1.0-py3-none-any.whl\"]}" --json
ok
key=$(field key)
rtenv env build --runtime-env-json "{\"uv\": [\"$work/wheels/other-1.0-py3-none-any.whl\"]}" --json
ok
other=$(field key) other_path=$(field path)
rtenv cache rm "$key"
ok

# forge NAME CODE: rewrites good.tar into NAME.tar.zst. CODE changes `manifest`, a dict, or `members`, (TarInfo, bytes) pairs.
zstd -dq good.tar.zst -o good.tar
forge() {
  python3 - "$1.tar" "$2" <<'PY'
import io, json, sys, tarfile
out, code = sys.argv[1:3]
with tarfile.open("good.tar") as tar:
    members = [(member, tar.extractfile(member).read() if member.isfile() else b"") for member in tar]
manifest, padding, raw_size = json.loads(members.pop(0)[1]), 0, None
def link(name, target):
    info = tarfile.TarInfo(name)
    info.type, info.linkname = tarfile.SYMTYPE, target
    return info, b""
def file(name, data=b"x"):
    return tarfile.TarInfo(name), data
exec(code)
text = json.dumps(manifest).encode() + b" " * padding
with tarfile.open(out, "w", format=tarfile.PAX_FORMAT if raw_size is None else tarfile.GNU_FORMAT) as tar:
    for info, data in [(tarfile.TarInfo(".rtenv-pack.json"), text), *members]:
        info.size = len(data)
        tar.addfile(info, io.BytesIO(data))
    if raw_size is not None:
        info = tarfile.TarInfo("huge")
        info.size = raw_size
        tar.fileobj.write(info.tobuf(tarfile.GNU_FORMAT))
PY
  zstd -q --rm "$1.tar" -o "$1.tar.zst"
}
as_before() {
  [[ -x $other_path/bin/python ]] || fail "$1: another environment is gone"
  equal "$(ls "$RTENV_CACHE_DIR/envs")" "$other" "$1"
  [[ -z $(ls "$RTENV_CACHE_DIR/tmp") ]] || fail "$1: left in tmp"
  [[ ! -e $work/outside && ! -e $RTENV_CACHE_DIR/outside ]] || fail "$1: wrote outside"
}
n=0
while IFS='|' read -r text code; do
  n=$((n + 1))
  forge "bad$n" "$code"
  rtenv env pull "bad$n.tar.zst"
  [[ $status -ne 0 ]] || fail "accepted: $code"
  [[ $err == *"$text"* ]] || fail "expected '$text' for: $code"
  as_before "$code"
  rm -f "bad$n.tar.zst"
done <<CASES
can't be the key|manifest["key"] = ""
can't be the key|manifest["key"] = "."
can't be the key|manifest["key"] = ".."
can't be the key|manifest["key"] = "../trees"
can't be the key|manifest["key"] = "/$work/outside"
can't be the key|manifest["key"] = "a\0b"
can't be the key|manifest["key"] = "k" * 4000
is damaged|manifest["key"] = 7
the archive's key is|manifest["key"] = "0" * 32
the archive's key is|manifest["key"] = "$key".upper()
contains a tree, not an environment|manifest["kind"] = "tree"
unknown kind|manifest["kind"] = "../trees"
only format 1|manifest["format"] = 2**70
is damaged|manifest["files"] = None; del manifest["digest"]
is damaged|manifest = []
which isn't in the environment|manifest["properties"]["relocated"] = ["../../outside"]
which isn't in the environment|manifest["properties"]["interpreter_links"] = ["../../outside"]
damaged|manifest["properties"] = {}
damaged|manifest["properties"]["relocated"] = 5
.rtenv-pack.json|padding = 300 << 20
outside|members.append(file("../outside"))
outside|members.append(file("/$work/outside"))
|members.append(link("lib/x", "/etc/passwd"))
|members.append(link("lib/x", "../../../..")); members.append(file("lib/x/outside"))
|members.append(members[-1])
|members.append(file(members[-1][0].name + "/below"))
|raw_size = 2**63 - 1
|raw_size = 2**64 - 512
|raw_size = 2**40
|members[-1] = (members[-1][0], b"another content")
|members.pop()
CASES

# The key of an environment that is there: that one is used, nothing is taken from the archive.
forge claims "manifest['key'] = '$other'"
rtenv env pull claims.tar.zst --json
ok
equal "$(field origin)" cache
equal "$("$other_path/bin/python" -c 'import other; print(other.TEXT)')" "another text"
rtenv env pull good.tar.zst --json
ok
equal "$(field key)" "$key"
