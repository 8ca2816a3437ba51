#!/usr/bin/env bash
# The job's directory: what a job sees is the same in an overlay and in a copy, is its own, and is as new for each job.
# shellcheck source=lib.sh
source "$(dirname "$0")/lib.sh"
use_oracle_uv

mkdir -p job/package/deep job/empty
echo 'VALUE = 1' >job/package/module.py
echo data >job/package/deep/data
echo '#!/bin/sh' >job/tool && chmod 755 job/tool
chmod 444 job/package/deep/data
ln -s package/module.py job/link
ln -s package job/folder_link
cat >job/look.py <<'PY'
"""What a job sees of its directory, and what it can do there; prints no name or time that differs between runs."""
import ctypes, hashlib, mmap, os, select, shutil, stat, struct, subprocess, sys

begin = os.getcwd()
for folder, folders, files in sorted(os.walk(".")):
    for name in sorted(folders + files):
        path = os.path.join(folder, name)
        status = os.lstat(path)
        text = os.readlink(path) if stat.S_ISLNK(status.st_mode) else ""
        print(path, oct(status.st_mode), status.st_uid == os.getuid(), status.st_mtime_ns % 10**9 != 0, text)

inotify = ctypes.CDLL(None, use_errno=True)
watch = inotify.inotify_init()
inotify.inotify_add_watch(watch, b"package", 0x100 | 0x2)  # IN_CREATE, IN_MODIFY
open("package/module.py", "a").write("VALUE = 2\n")
open("package/new", "w").write("new")
print("inotify", bool(select.select([watch], [], [], 5)[0]), b"new\0" in os.read(watch, 4096))

with open("package/deep/data", "r+b") as file:
    with mmap.mmap(file.fileno(), 0) as memory:
        memory[:4] = b"DATA"
print("mmap", open("package/deep/data").read().strip())

sys.path.insert(0, begin)
import package.module
print("import", package.module.VALUE, os.path.exists(package.module.__cached__))

def attempt(what, work):
    try:
        work()
        print(what, "done")
    except OSError as error:
        print(what, error.strerror)

os.rename("tool", "tool2")
os.rename("package/new", "tool2")
os.chmod("look.py", 0o600)
os.symlink("x", "empty/link") if os.path.isdir("empty") else print("no empty folder")
os.unlink("link")
attempt("hard link", lambda: os.link("look.py", "hard"))
attempt("remove a folder", lambda: shutil.rmtree("package/deep"))
if "--no-rename" not in sys.argv:
    os.rename("package", "renamed")
    os.mkdir("package")
    print("rename", sorted(os.listdir("renamed")), os.listdir("package"))
git = lambda *words: subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b", "-c", "safe.directory=*", *words], check=True, capture_output=True)
git("init", "-q"); git("add", "-A"); git("commit", "-qm", "x")
print("git", subprocess.run(["git", "-c", "safe.directory=*", "status", "--short"], capture_output=True, text=True).stdout)
print("same path", os.getcwd() == begin, os.environ["PYTHONPATH"].split(":")[0] == begin)
PY
look() { # MODE [WORD…]
  RTENV_JOB_DIRECTORY=$1 rtenv run --working-dir job -- python3 look.py "${@:2}"
  ok
}
look copy
first=$out
look copy
equal "$out" "$first" "a recycled copy is as a new one"
case $(stat -f -c %T "$work") in
  ext2/ext3 | xfs | btrfs)
    equal "$(find "$RTENV_CACHE_DIR/copies" -mindepth 1 -maxdepth 1 | wc -l)" 1 "the copy was used again"
    rtenv cache ls
    stdout_has copy
    ;;
esac
# On a tmpfs, writes to mapped memory don't change any time of the file.
if [[ $(stat -f -c %T /dev/shm) == tmpfs ]] && memory=$(mktemp -d /dev/shm/rtenv-XXXXXX 2>/dev/null); then
  for _ in 1 2; do
    RTENV_CACHE_DIR=$memory RTENV_JOB_DIRECTORY=copy rtenv run --working-dir job -- python3 -c 'import mmap
with open("package/module.py", "r+b") as file, mmap.mmap(file.fileno(), 0) as memory:
    print(memory[:5])
    memory[:5] = b"WRONG"'
    [[ $out == *VALUE* ]] || changed=1
  done
  chmod -R u+w "$memory" && rm -rf "$memory"
  [[ -z ${changed-} ]] || fail "a job sees what an earlier one wrote"
fi

RTENV_JOB_DIRECTORY=none rtenv run --working-dir job -- true
refused 2 "RTENV_JOB_DIRECTORY: 'none' is neither auto, overlay nor copy"
RTENV_JOB_DIRECTORY=overlay rtenv run --working-dir job -- true
if [[ $status -eq 0 ]]; then
  if [[ $(id -u) -eq 0 ]]; then
    look overlay
    equal "$out" "$first" "an overlay looks like a copy"
    look overlay
    equal "$out" "$first" "the second job's overlay, too"
    # The rest of the cache can't be changed, even by root.
    RTENV_JOB_DIRECTORY=overlay rtenv run --working-dir job -- \
      sh -c "echo x >'$RTENV_CACHE_DIR/trees/x' || echo x >'$RTENV_CACHE_DIR/ledger.db'"
    exits 2
    stderr_has 'Read-only file system'
    [[ ! -e $RTENV_CACHE_DIR/trees/x ]] || fail "a job wrote into the cache"
    # Mounts are the job's own, and what it wrote is removed after its end.
    RTENV_JOB_DIRECTORY=overlay rtenv run --working-dir job -- \
      sh -c 'mkdir m && mount -t tmpfs none m && touch m/x && ls m && for i in $(seq 500); do echo >$i; done'
    stdout_has x
    for _ in $(seq 200); do [[ -z $(ls "$RTENV_CACHE_DIR/tmp") ]] && break; sleep 0.05; done
    equal "$(ls "$RTENV_CACHE_DIR/tmp")" "" "left behind"
    if grep -q "$work" /proc/self/mounts; then fail "a mount is left"; fi
    # Nor environments; rtenv compiles their Python code, as jobs can't.
    make_wheel wheels shared_lib one
    printf 'uv: [%s]\n' "$work/wheels/shared_lib-1.0-py3-none-any.whl" >uv.yaml
    rtenv run -f uv.yaml -- python -c 'import shared_lib; open(shared_lib.__file__, "a")'
    exits 1
    stderr_has 'Read-only file system'
    rtenv run -f uv.yaml -- python -c 'import os, shared_lib; print(os.path.exists(shared_lib.__cached__))'
    equal "$out" True "its code is compiled"
  fi
  RTENV_JOB_DIRECTORY=overlay rtenv run --keep --working-dir job -- sh -c 'echo kept >kept'
  ok
  folder=${err##*kept: }
  equal "$(cat "$folder/kept")" kept
  [[ -e $folder/look.py ]] || fail "only the changes were kept"
  rm -rf "${folder%/working_dir}"
else
  stderr_has 'RTENV_JOB_DIRECTORY=overlay: '
fi

# A copy of a job that was killed isn't used again: its processes may still write to it.
mkfifo go
RTENV_JOB_DIRECTORY=copy "$RTENV" run --working-dir job -- python3 -c 'import os, subprocess, sys
subprocess.Popen(["sh", "-c", "read x <\"$0\"; echo late >late", sys.argv[1]], stdin=subprocess.DEVNULL)
open(sys.argv[2], "w").write(os.getcwd()); os.kill(os.getppid(), 9)' "$work/go" "$work/first" >/dev/null 2>&1 || true
until [[ -s first ]]; do sleep 0.05; done
echo >go
RTENV_JOB_DIRECTORY=copy rtenv run --working-dir job -- sh -c 'pwd; sleep 0.2; ls late'
[[ $out != "$(cat first)"* && $err == *late* ]] || fail "the copy of a killed job is used again"

if [[ $(id -u) -eq 0 ]] && mkdir precious && echo gold >precious/file && mount --bind precious precious 2>/dev/null; then
  umount precious
  # What a job leaves mounted in its copy is neither compared nor removed.
  RTENV_JOB_DIRECTORY=copy rtenv run --working-dir job -- sh -c "mount --bind '$work/precious' package; pwd"
  ok
  mounted=$out/package
  RTENV_JOB_DIRECTORY=copy rtenv run --working-dir job -- cat package/module.py
  equal "$out" 'VALUE = 1'
  equal "$(cat precious/file)" gold
  rtenv cache gc --max-size 0
  equal "$(cat precious/file)" gold
  for point in "$mounted" $(awk -v work="$work" 'index($5, work) == 1 {print $5}' /proc/self/mountinfo); do
    umount "$point" 2>/dev/null || true
  done
fi

# A job that promises not to write shares the tree itself.
cat >shared.yaml <<'Y'
config: {working_dir: shared}
Y
# Nothing that it does to it reaches another job: neither a shared one nor one with a directory of its own.
mkdir -p modules/pmod && echo 'VALUE = 1' >modules/pmod/__init__.py
spoil='pwd; cat package/deep/data; (touch new; echo X >package/module.py; mv look.py gone; rm -r empty; chmod 700 package) 2>/dev/null;
  python3 -c "import pmod; print(pmod.VALUE); open(pmod.__file__, \"w\").write(\"VALUE = 2\")" 2>/dev/null; true'
spoilt() { "$@" cache verify --json | python3 -c 'import json, sys; d = json.load(sys.stdin); print(len(d["quarantined"]) + len(d["damaged_in_use"]))'; }
# checks_sharing MODE RTENV…: RTENV runs as the user and with the cache to test; $inputs has the files.
checks_sharing() {
  local mode=$1 seen
  shift
  for _ in 1 2; do
    seen=$(RTENV_JOB_DIRECTORY=$mode "$@" run -f "$inputs/shared.yaml" --working-dir "$inputs/job" -- sh -c "$spoil")
    [[ $seen == *$'data\n1' ]] || fail "$mode: a shared job saw $seen"
  done
  for own in overlay copy; do
    seen=$(RTENV_JOB_DIRECTORY=$own "$@" run --working-dir "$inputs/job" -- sh -c 'cat package/module.py; ls; stat -c %a package; echo >>package/module.py') || continue
    [[ $seen == 'VALUE = 1'*look.py*755 && $seen == *empty* && $seen != *new* ]] || fail "$mode then $own: a job of its own saw $seen"
  done
  equal "$(spoilt "$@")" 0 "$mode: verify"
}
cat >shared.yaml <<Y
config: {working_dir: shared}
py_modules: [$work/modules/pmod]
Y
rtenv cache rm --all --yes
inputs=$work
for mode in auto copy; do checks_sharing "$mode" "$RTENV"; done
if [[ $(id -u) -eq 0 ]]; then
  # The work folder may be in one that others can't enter.
  inputs=$(mktemp -d /var/tmp/rt-XXXXXX)
  trap 'rm -rf "$inputs"; chmod -R u+w "$work"; rm -rf "$work"' EXIT
  chmod 755 "$inputs" && cp "$RTENV" "$inputs/rtenv" && cp -r job modules "$inputs"
  sed "s|$work|$inputs|" shared.yaml >"$inputs/shared.yaml"
  chmod -R a+rX "$inputs" && install -d -o 65534 -g 65534 "$inputs/home"
  as_other() { (cd / && setpriv --reuid 65534 --regid 65534 --clear-groups env HOME="$inputs/home" RTENV_CACHE_DIR="$inputs/home/cache" "$inputs/rtenv" "$@"); }
  for mode in copy auto; do checks_sharing "$mode" as_other; done
  RTENV_JOB_DIRECTORY=auto rtenv run -f shared.yaml --working-dir job -- pwd
  [[ $out == "$RTENV_CACHE_DIR"/trees/* || $out == "$RTENV_CACHE_DIR"/copies/* ]] || fail "the directory is $out"
fi

# Equal files of a tree stay separate files, whatever else is in the cache.
mkdir equal && head -c 70000 /dev/urandom >equal/a && cp equal/a equal/b
for version in 1 2; do
  echo "$version" >equal/version
  rtenv run --working-dir equal -- sh -c 'stat -c %h a b && cp a b && mv a b'
  ok
  equal "$out" $'1\n1'
done
rtenv doctor
stdout_has 'job directory'
