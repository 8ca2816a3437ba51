#!/usr/bin/env bash
# The cache and jobs' copies work on ext4, xfs, tmpfs and overlayfs; a read-only or full disk is reported clearly.
# Needs CACHE_TEST and JOB_TEST (unit tests), root and loop devices; skipped (77) where there are none.
# shellcheck source=lib.sh
source "$(dirname "$0")/lib.sh"
: "${CACHE_TEST:?the unit tests of the cache}" "${JOB_TEST:?the unit tests of jobs}"

if [[ $(id -u) -ne 0 ]] || ! command -v mkfs.xfs >/dev/null || ! command -v mkfs.ext4 >/dev/null; then
  echo "SKIPPED: needs root, mkfs.ext4 and mkfs.xfs"
  exit 77
fi
mounted=()
# shellcheck disable=SC2317  # by the trap
unmount_all() {
  for folder in ${mounted[@]+"${mounted[@]}"}; do umount "$folder"; done
  rm -rf "$work"
}
trap unmount_all EXIT
mount_on() {
  local folder=$work/$1
  mkdir -p "$folder"
  shift
  mount "$@" "$folder" 2>/dev/null || return 1
  mounted=("$folder" ${mounted[@]+"${mounted[@]}"})
}
for type in ext4 xfs; do
  truncate -s 320M "disk-$type"
  if [[ $type == ext4 ]]; then mkfs.ext4 -q -b 4096 disk-ext4; else mkfs.xfs -q disk-xfs; fi
  mount_on "$type" -o loop "disk-$type" || { echo "SKIPPED: can't mount a loop device here"; exit 77; }
done
mount_on tmpfs -t tmpfs tmpfs
mkdir ext4/{lower,upper,scratch}
types=(ext4 xfs tmpfs)
# Overlay mounts fail in a container whose root is an overlay itself.
if mount_on overlay -t overlay overlay -o "lowerdir=$work/ext4/lower,upperdir=$work/ext4/upper,workdir=$work/ext4/scratch"; then
  types+=(overlay)
fi

for type in "${types[@]}"; do
  [[ $(stat -f -c %T "$type") == "$type"* || $type == ext4 || $type == overlay ]] || fail "$type isn't there"
  TMPDIR=$work/$type RTENV_MODEL_STEPS=1000 "$CACHE_TEST" --gtest_brief=1 >"$type.log" 2>&1 || { cat "$type.log"; fail "on $type"; }
  TMPDIR=$work/$type "$JOB_TEST" --gtest_brief=1 --gtest_filter='JobCopy*' >"$type.log" 2>&1 || { cat "$type.log"; fail "copies on $type"; }
done

# In an overlay over two file systems inode numbers don't stay: each job gets a new copy.
mkdir tmpfs/{upper,work}
if mount_on two -t overlay overlay -o "lowerdir=$work/ext4/lower,upperdir=$work/tmpfs/upper,workdir=$work/tmpfs/work"; then
  mkdir small
  echo 1 >small/file
  for _ in 1 2; do
    RTENV_CACHE_DIR=$work/two/cache RTENV_JOB_DIRECTORY=copy rtenv run --working-dir small -- sh -c 'cat file; echo 2 >file'
    equal "$out" 1
  done
  RTENV_CACHE_DIR=$work/two/cache RTENV_JOB_DIRECTORY=copy rtenv doctor
  stdout_has 'a copy for each job'
  rm -r small
fi

# A full disk: a clear error, nothing left behind, and the next attempt works.
mkdir job
head -c 400000000 /dev/zero | tr '\0' 'x' >job/large
RTENV_CACHE_DIR=$work/xfs/cache rtenv run --working-dir job -- true
refused 6 "No space left"
equal "$(find xfs/cache/tmp xfs/cache/trees -mindepth 1 | wc -l)" 0
truncate -s 1000000 job/large
RTENV_CACHE_DIR=$work/xfs/cache rtenv run --working-dir job -- test -f large
ok

# No byte or no inode left: what makes room works, everything else says so, and nothing is lost.
for case in bytes-4096 bytes-1024 inodes-4096; do
  what=${case%-*}
  truncate -s 60M "disk-$case"
  mkfs.ext4 -q -b "${case#*-}" -N 4096 "disk-$case"
  mount_on "$case" -o loop "disk-$case"
  export RTENV_CACHE_DIR=$work/$case/cache
  mkdir -p small/{1,2,3}
  for i in 1 2 3; do
    echo "$i" >"small/$i/file"
    rtenv run --working-dir "small/$i" -- true
    ok
  done
  if [[ $what == bytes ]]; then
    head -c 400M /dev/zero >"$case/filler" 2>/dev/null || true
    equal "$(stat -f -c %a "$case")" 0
  else
    mkdir "$case/filler"
    (cd "$case/filler" && for i in {1..4096}; do : >"$i"; done) 2>/dev/null || true
    equal "$(stat -f -c %d "$case")" 0
  fi
  echo 4 >small/1/another
  rtenv run --working-dir small/1 -- true
  exits 6
  # However often, also while a program takes whatever is free, and after a command that failed.
  take() {
    local i
    for i in {1..100000}; do
      [[ -d $case/filler ]] && { : >"$case/filler/more-$i" || sleep 0.01; } 2>/dev/null
      [[ -d $case/filler ]] || { head -c 4096 /dev/zero >>"$case/filler" || sleep 0.01; } 2>/dev/null
    done
  }
  take >/dev/null 2>&1 &
  taker=$!
  for _ in {1..10}; do
    rtenv cache ls --json
    ok
    rtenv run --working-dir small/2 -- true
    exits 6
  done
  rtenv cache verify
  exits 6
  rtenv cache ls --json
  [[ -n $out ]] || fail "nothing is listed"
  key=$(python3 -c 'import json, sys; print(json.loads(sys.argv[1].splitlines()[0])["key"])' "$out")
  rtenv cache pin "$key"
  ok
  rtenv cache rm "$key"
  refused 5 "is pinned"
  rtenv cache gc --max-size 0
  ok
  equal "$(ls "$RTENV_CACHE_DIR/trees")" "$key"
  kill "$taker"
  wait "$taker" || true
  rtenv cache unpin "$key"
  ok
  rm -rf "$case/filler"
  rtenv run --working-dir small/1 -- test -f another
  ok
  rtenv cache verify
  ok
  [[ -f $RTENV_CACHE_DIR/reserve/ledger.db-wal ]] || fail "the reserve isn't there again"
  equal "$(find "$RTENV_CACHE_DIR/tmp" -mindepth 1)" ""
done

# A job that fills the disk with its copy leaves it usable.
mount_on filled -t tmpfs -o size=100M tmpfs
for words in "dd if=/dev/zero of=fill bs=64k" "test ! -e fill"; do
  # shellcheck disable=SC2086  # words
  RTENV_CACHE_DIR=$work/filled/cache RTENV_JOB_DIRECTORY=copy rtenv run --working-dir small/1 -- $words
done
ok

# A read-only disk: a clear error.
mount -o remount,ro "$work/xfs"
for words in "run --working-dir job -- true" "cache ls" "cache gc" "cache verify"; do
  # shellcheck disable=SC2086  # words
  RTENV_CACHE_DIR=$work/xfs/cache rtenv $words
  refused 4 "ead-only"
done
