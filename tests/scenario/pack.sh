#!/usr/bin/env bash
# pack and hash: one name, reproducible bytes, readable by other programs, ignore rules applied.
# shellcheck source=lib.sh
source "$(dirname "$0")/lib.sh"

mkdir -p job/src job/empty job/build job/__pycache__ job/.git
echo 'print("hi")' >job/src/main.py
printf '#!/bin/sh\n' >job/run.sh
chmod 755 job/run.sh
printf 'build/\n*.log\n' >job/.gitignore
touch job/build/x job/a.log job/__pycache__/c.pyc job/.git/config
ln -s src/main.py job/link
printf 'é\n' >"job/naïve name.txt"

rtenv hash job
ok
uri=$out
[[ $uri =~ ^gcs://_ray_pkg_[0-9a-f]{32}\.zip$ ]] || fail "not a URI"
rtenv pack job
ok
equal "$out" "$uri" "pack and hash agree"
package=${uri#gcs://}
[[ -f $package ]] || fail "no $package in the current folder"

# The bytes don't depend on time zone, umask, locale, file times, creation order, location or number of threads.
mkdir elsewhere
cp -r job elsewhere/copy
find elsewhere/copy -exec touch -h -d '2001-02-03' {} +
(umask 077 && TZ=Asia/Tokyo LC_ALL=C "$RTENV" pack elsewhere/copy --threads 7 -o other.zip) >/dev/null
cmp "$package" other.zip || fail "the bytes differ"
(cd job && "$RTENV" pack -o - 2>/dev/null | cat) >piped.zip
cmp "$package" piped.zip || fail "the bytes on a pipe differ"

# Python reads the package.
listing=$(python3 -c 'import sys, zipfile
z = zipfile.ZipFile(sys.argv[1])
assert z.testzip() is None
print(" ".join(f"{i.filename}:{i.external_attr >> 16:o}" for i in z.infolist()))' "$package")
equal "$listing" ".gitignore:100644 build/:40755 empty/:40755 link:120777 naïve name.txt:100644 run.sh:100755 src/main.py:100644"

# A package written to the directory itself isn't part of the next one.
(cd job && "$RTENV" pack >/dev/null && [[ $("$RTENV" pack) == "$uri" ]]) || fail "the name changes with each pack"
rm job/_ray_pkg_*

rtenv inspect "$package"
ok
stdout_has verified
cp "$package" _ray_pkg_00000000000000000000000000000000.zip
rtenv inspect _ray_pkg_00000000000000000000000000000000.zip
exits 1
stdout_has "the content does NOT match the name; it should be called $package"

rtenv pack job --explain -o explained.zip
ok
stderr_has 'left out  a.log  (.gitignore:2: *.log)'
stderr_has 'left out  __pycache__/  (excludes: __pycache__)'
rtenv pack job --no-gitignore --exclude '*.py' --json -o with-logs.zip
ok
equal "$(field files)" 5
[[ $(field uri) != "$uri" ]] || fail "other content, same name"

rtenv unpack "$package" out
ok
rtenv hash out
equal "$out" "$uri" "the unpacked tree has the same name"
[[ -x out/run.sh && ! -x out/src/main.py && -L out/link && -d out/empty ]] || fail "modes, links or folders are lost"

# Every scheme and compression: the name depends on the scheme only.
for compression in auto store fast best; do
  rtenv pack job --compress "$compression" -o c.zip
  equal "$out" "$uri"
  rtenv unpack c.zip "out-$compression"
  ok
done
rtenv hash job --scheme sha256
[[ $out =~ ^gcs://_ray_pkg_[0-9a-f]{64}\.zip$ ]] || fail "not a sha256 name"

# The digest cache: an unchanged tree is named without reading it; every change is noticed.
sleep 2.1  # what was changed later than this isn't remembered yet
rtenv hash job
ok
equal "$out" "$uri"
[[ -n $(ls "$RTENV_CACHE_DIR/digests") ]] || fail "nothing is remembered"
rtenv hash job
equal "$out" "$uri" "from what is remembered"
touch -r job/src/main.py before
echo 'print("HI")' >job/src/main.py
touch -r before job/src/main.py
rtenv hash job
[[ $out != "$uri" ]] || fail "an edit with its time restored isn't seen"
edited=$out
rtenv hash job --no-digest-cache
equal "$out" "$edited"
echo 'print("hi")' >job/src/main.py
RTENV_CACHE_DIR=/proc/nowhere "$RTENV" hash job >no-cache || fail "no place for the cache isn't a failure"
equal "$(cat no-cache)" "$uri"

# git's ignore rules: rules of a folder, and nested files that include again.
mkdir -p rules/build rules/sub
printf 'build/\n*.log\n' >rules/.gitignore
printf '!keep.log\n' >rules/sub/.gitignore
touch rules/build/x rules/sub/keep.log rules/a.log
rtenv pack rules --ignore-rules git -o git.zip --explain
ok
stderr_has 'left out  build/  (.gitignore:1: build/)'
equal "$(python3 -c 'import zipfile; print(*zipfile.ZipFile("git.zip").namelist())')" ".gitignore sub/.gitignore sub/keep.log"
rtenv pack rules -o ray.zip
equal "$(python3 -c 'import zipfile; print(*zipfile.ZipFile("ray.zip").namelist())')" ".gitignore build/ sub/.gitignore"
rtenv hash rules --ignore-rules svn
refused 2 "'svn' isn't one of ray, git"

# What git tracks is never left out by git's rules, and rules above the folder count.
git init -q tracked 2>/dev/null
mkdir -p tracked/job/build tracked/job/empty
printf '*.log\nbuild/\n' >tracked/.gitignore
touch tracked/job/{a.log,kept.log,f} tracked/job/build/{x,kept}
git -C tracked add -f job/kept.log job/build/kept
rtenv pack tracked/job --ignore-rules git --list
ok
equal "$out" 'build/kept
f
kept.log'
rtenv pack tracked/job --ignore-rules git --list --explain --exclude 'kept.*'
stderr_has 'left out  a.log  (../.gitignore:1: *.log)'
stderr_has 'left out  build/x  (../.gitignore:2: build/)'
stderr_has 'left out  kept.log  (excludes: kept.*)'
echo broken >tracked/.git/index
rtenv hash tracked/job --ignore-rules git
[[ $status -ne 0 ]] || fail "a damaged index is ignored"
stderr_has "cannot read the index"
rtenv hash tracked/job --ignore-rules git --no-gitignore
ok

# --git packs a commit, regardless of the working tree.
git_here() { git -C repository -c user.name=t -c user.email=t@example.org -c protocol.file.allow=always "$@" >/dev/null 2>&1 || fail "git $*"; }
mkdir repository
cp -r job/src repository/src
git_here init
printf 'version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n' >repository/model.bin
git_here add -A
git_here commit -m one
git clone -q repository clone 2>/dev/null
rtenv pack clone -o clone.zip
committed=$out
echo changed >repository/src/main.py
rtenv pack repository --git HEAD -o commit.zip
ok
equal "$out" "$committed"
cmp clone.zip commit.zip || fail "the bytes differ from a checkout's"
stderr_has "model.bin is a git-lfs pointer"
rtenv hash repository/src --git HEAD
equal "$out" "$("$RTENV" hash clone/src)" "a folder of the commit"

# A committed file is packed though a .gitignore matches it, as by `git archive`; Ray's name is that of Ray in a checkout.
echo '*.bin' >repository/.gitignore
mkdir repository/venv && touch repository/venv/f
git_here checkout src
git_here add -A -f
git_here commit -m two
rtenv pack repository --git HEAD -o two.zip
ok
equal "$(python3 -c 'import zipfile; print(*sorted(zipfile.ZipFile("two.zip").namelist()))')" "$(git -C repository archive HEAD | tar -t | grep -v '/$' | LC_ALL=C sort | tr '\n' ' ' | sed 's/ $//')"
rtenv pack repository --git HEAD --exclude model.bin --list
[[ $out != *model.bin* ]] || fail "--exclude doesn't count"
git clone -q repository clone2 2>/dev/null
rtenv hash clone2 --scheme ray
rays=$out
rtenv hash repository --git HEAD --scheme ray
equal "$out" "$rays"
stderr_has "committed files or folders that a .gitignore matches are left out, as Ray leaves them out of a checkout: 1"

rtenv hash repository --git nowhere
refused 3 "there is no revision 'nowhere'"
rtenv hash job/empty --git HEAD
refused 3 "isn't in a git repository"

# --verbose says what was found, left out and read, and how long it took.
rtenv pack job -v -o verbose.zip
ok
stderr_has 'debug: found '
stderr_has 'debug: left out by .gitignore: 2 files or folders'
stderr_has 'debug: left out by excludes: 2 files or folders'
[[ $err =~ read\ [0-9]+\ files\ with\ [0-9]+\ bytes\ in\ [0-9.]+\ s ]] || fail "no times"
[[ $err != *"isn't packed"* ]] || fail "what rules leave out isn't a warning"
rtenv hash job -v --no-digest-cache
stderr_has '; 0 unchanged ones are in the digest cache'
cp -r job unchanged && sleep 2.1
rtenv hash unchanged
rtenv hash unchanged -v
stderr_has 'read nothing: the directory is unchanged since it was named'
rtenv inspect verbose.zip -v
[[ $err =~ read\ [0-9]+\ entries ]] || fail "inspect is silent"
rtenv hash job
[[ -z $err ]] || fail "details without --verbose"

# --explain lists the largest files, as text and as JSON.
rtenv pack job --explain -o explained.zip
stderr_has "folder                12 bytes  src/  (1 files)"
rtenv pack job --explain --json -o explained.zip
ok
[[ -z $err ]] || fail "the explanation is told twice"
stdout_has '"left_out":[{"directory":true,"path":".git","reason":"excludes: .git"}'

# ray#53635: a rule that matches all hidden files doesn't give every tree the same name.
rtenv hash job --scheme ray --exclude '.*'
ok
[[ $out != *3030303030303030* ]] || fail "the root was excluded"
rtenv hash job --exclude '*'
ok
stderr_has "the package of $work/job is empty"

# A FIFO in the place of an ignore file, or a socket in that of a file, doesn't hang.
mkdir odd
mkfifo odd/.gitignore
touch odd/file
rtenv pack odd -o odd.zip
ok
stderr_has ".gitignore isn't packed: not a file, folder or link"

# An output that isn't a regular file is written to: a pipe, a device. A link stays, and leads to the package.
mkfifo pipe
cat pipe >from-pipe.zip &
rtenv pack job -o pipe
ok
wait
cmp "$package" from-pipe.zip || fail "the bytes in a named pipe differ"
[[ -p pipe ]] || fail "the pipe was replaced"
rtenv pack job -o /dev/null
ok
[[ -c /dev/null ]] || fail "/dev/null was replaced"
ln -s target.zip link.zip
for _ in new existing; do
  rtenv pack job -o link.zip
  ok
  [[ -L link.zip ]] || fail "the link was replaced"
  cmp "$package" target.zip || fail "the link's target isn't the package"
done
# An open file of a process is written to from where it stands, under every name that it has.
for name in - /dev/stdout /dev/fd/1 /proc/self/fd/1; do
  { printf before; "$RTENV" pack job -o "$name" 2>/dev/null; printf after; } >redirected.zip
  { printf before; cat "$package"; printf after; } | cmp - redirected.zip || fail "-o $name"
done
# Nobody reads a pipe, or reads on: the first signal ends the wait.
"$RTENV" pack job -o pipe 2>interrupted & waiting=$!
sleep 0.3
kill -TERM "$waiting"
status=0
wait "$waiting" || status=$?
equal "$status" 130 "a pipe without a reader"
head -c 1000000 /dev/urandom >large
mkdir -p stalled && mv large stalled/
(exec 3<>pipe; exec "$RTENV" pack stalled --compress store -o pipe 2>interrupted) & waiting=$!
sleep 0.3
kill -TERM "$waiting"
status=0
wait "$waiting" || status=$?
equal "$status" 130 "a reader that doesn't read on"
grep -q "interrupted while waiting for the reader of pipe" interrupted || fail "$(cat interrupted)"
# While the package has no name yet, a file with its unfinished name isn't the output.
mkfifo _ray_pkg_.zip
rtenv pack job
ok
[[ -p _ray_pkg_.zip ]] || fail "the pipe was replaced"
rm _ray_pkg_.zip
# A replaced file keeps its mode.
touch private.zip
chmod 600 private.zip
rtenv pack job -o private.zip
ok
equal "$(stat -c %a private.zip)" 600
rtenv pack job -o missing/p.zip
refused 3 "cannot create missing/p.zip"
long=$(printf 'n%.0s' $(seq 250)).zip
rtenv pack job -o "$long"
ok
cmp "$package" "$long" || fail "a name of 254 bytes"

# The output isn't part of the package, and neither are unfinished outputs of killed processes.
for output in out.zip src/out.zip; do
  for _ in first second; do
    (cd job && "$RTENV" pack -o "$output") >/dev/null
    cmp "$package" "job/$output" || fail "the package contains itself"
  done
  rm "job/$output"
  (cd job && "$RTENV" pack -o - 2>/dev/null >"$output")
  cmp "$package" "job/$output" || fail "the package contains the file that standard output is"
  rm "job/$output"
done
touch job/.rtenv-unfinished-1
for scheme in xxh3 ray; do
  rtenv hash job --scheme "$scheme"
  with=$out
  mv job/.rtenv-unfinished-1 .
  rtenv hash job --scheme "$scheme"
  equal "$out" "$with" "an unfinished output counts"
  mv .rtenv-unfinished-1 job/
done
rm job/.rtenv-unfinished-1

# --list prints what would be packed and writes nothing; names with control characters are escaped.
mkdir -p listed/data listed/empty
touch listed/data/{a.csv,b.csv} listed/c.txt $'listed/\e[31mred' $'listed/two\nlines'
echo '*.csv' >listed/.gitignore
ln -s c.txt listed/link
rtenv pack listed --list
ok
equal "$out" '\x1b[31mred
.gitignore
c.txt
data/
empty/
link
two\x0alines'
[[ -z $(find . -newer listed/link -name '_ray_pkg_*') ]] || fail "--list wrote a package"
rtenv pack listed --list --json
ok
equal "$(python3 -c 'import json, sys; print(json.loads(sys.argv[1])["entries"][-2])' "$out")" "{'path': 'link', 'size_bytes': 0, 'target': 'c.txt', 'type': 'link'}"
rtenv pack listed -o listed.zip
ok
equal "$(python3 -c 'import zipfile; print(len(zipfile.ZipFile("listed.zip").namelist()))')" 7
rtenv inspect listed.zip
ok
stdout_has '\x1b[31mred'
stdout_has 'two\x0alines'
rtenv pack listed --list -o x.zip
exits 2

# --include packs what rules exclude; --exclude-from reads patterns from a file, --exclude decides after it.
names() { rtenv pack listed --list "$@"; ok; grep -v '^[\\t]' <<<"$out" | tr '\n' ' '; }
equal "$(names --include a.csv)" '.gitignore c.txt data/a.csv empty/ link '
printf '# what is large\n\nc.txt\nempty\n' >patterns
equal "$(names --exclude-from patterns)" '.gitignore data/ link '
rtenv pack listed --list --exclude-from patterns
stderr_has "link is a link to c.txt, which isn't in the package"
equal "$(names --exclude-from patterns --exclude '!c.txt')" '.gitignore c.txt data/ link '
equal "$(names --exclude-from patterns --include c.txt)" '.gitignore c.txt data/ link '
rtenv pack listed --exclude-from none
refused 3 none

# A path is read as the kernel reads it: ".." after a link is the parent of what it leads to.
mkdir -p real/deep real/job && echo real >real/job/f && ln -s real/deep to-deep && mkdir -p job2 && echo other >f
rtenv hash real/job
expected=$out
rtenv hash to-deep/../job
equal "$out" "$expected" "to-deep/../job"

# Files whose size says nothing are refused by name. Holes are packed as zeros, and what is between them as it is.
rtenv pack /proc/sys/kernel/random -o proc.zip
[[ $status -ne 0 ]] || fail "packed files without a size"
refused 2 "/proc/sys/kernel/random/"
stderr_has "the kernel makes it when it is read"
[[ ! -e proc.zip ]] || fail "half a package"
mkdir sparse
python3 - <<'PY'
import random
rng = random.Random(1)
with open("sparse/holes", "wb") as file:
    file.truncate(200_000_001)
    for _ in range(60):
        file.seek(rng.randrange(200_000_000))
        file.write(rng.randbytes(rng.choice([1, 4096, 70_000])))
open("sparse/empty", "wb").truncate(50_000_000)
PY
for compression in auto store; do
  rtenv pack sparse --compress $compression -o sparse.zip
  ok
  equal "$(python3 -c 'import zipfile; print(*(zipfile.ZipFile("sparse.zip").read(f) == open("sparse/" + f, "rb").read() for f in ("empty", "holes")))')" "True True"
  equal "$out" "$("$RTENV" hash sparse)"
done

# What fails before a pipe doesn't replace anything by nothing.
echo old >pushed
rtenv push - "file://$work/pushed" </dev/null
exits 2
stderr_has "standard input is empty"
equal "$(cat pushed)" old
