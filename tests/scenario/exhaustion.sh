#!/usr/bin/env bash
# Without memory, threads or descriptors, commands do what they can or end with an error; none aborts or hangs. The first
# Ctrl-C ends them within a large file.
# shellcheck source=lib.sh
source "$(dirname "$0")/lib.sh"

mkdir -p job/a job/b
for i in $(seq 60); do head -c 20000 /dev/urandom >"job/a/$i"; done
seq 400000 >job/b/text
head -c 3000000 /dev/urandom >job/b/random
rtenv pack job -o job.zip
ok
name=$out

# limited LIMIT COMMAND…: under a limit such as "-v 50000"; "" for none.
limited() {
  local limit=$1
  shift
  # shellcheck disable=SC2016
  timeout 60 bash -c 'ulimit $0; exec "$@"' "${limit:--S -n 1000}" "$@"
}
# survives LIMIT COMMAND…: success, or an error that rtenv tells.
survives() {
  local status=0
  limited "$@" >"$work/.out" 2>"$work/.err" || status=$?
  case $status in
    0) ;;
    1 | 2 | 3 | 4 | 5 | 6) grep -q 'rtenv: error: ' "$work/.err" || fail "no error by $*: $(cat "$work/.err")" ;;
    *) fail "status $status of $*: $(cat "$work/.err")" ;;
  esac
}
# all_commands LIMIT COMPRESSION
all_commands() {
  survives "$1" "$RTENV" hash job --no-digest-cache
  survives "$1" "$RTENV" hash job --scheme sha256 --no-digest-cache
  survives "$1" "$RTENV" pack job -o packed.zip --compress "$2"
  survives "$1" "$RTENV" inspect job.zip
  survives "$1" "$RTENV" unpack job.zip unpacked
  rm -rf unpacked
  survives "$1" "$RTENV" fetch "file://$work/job.zip"
  survives "$1" "$RTENV" run --working-dir job -- true
  survives "$1" "$RTENV" cache ls
}

# least OPTION NUMBER…: the first of these limits under which the tool starts.
least() {
  local option=$1 number
  shift
  for number in "$@"; do
    if limited "$option $number" "$RTENV" version >/dev/null 2>&1; then echo "$number" && return; fi
  done
}
# shellcheck disable=SC2046
memory=$(least -v $(seq 8000 1000 100000)) descriptors=$(least -n $(seq 3 100))
# Libraries make objects before main, too. 127: the loader's own error.
for kib in $(seq $((memory - 1000)) 16 "$memory"); do
  status=0
  limited "-v $kib" "$RTENV" version >/dev/null 2>&1 || status=$?
  [[ $status =~ ^(0|5|127)$ ]] || fail "status $status with $kib KiB of address space"
done
for kib in $(seq 200 1500 30000) 40000 60000 90000 150000 300000; do all_commands "-v $((memory + kib))" fast; done
all_commands "-v $((memory + 12000))" best
for more in $(seq 0 20); do all_commands "-n $((descriptors + more))" auto; done

no_folders_left() {
  for _ in $(seq 100); do
    [[ -n $(find . -maxdepth 1 -name '.rtenv-*') ]] || return 0
    sleep 0.1
  done
  fail "$1: $(ls)"
}
no_folders_left "a limited unpack leaves its folder"

# No further thread. Root has no such limit, so it becomes another user, who needs a folder to read.
public=$(mktemp -d /tmp/rtenv-XXXXXX)
trap 'rm -rf "$public"; chmod -R u+w "$work"; rm -rf "$work"' EXIT
cp -r job job.zip "$RTENV" "$public"
chmod -R a+rwX "$public"
as_user=()
[[ $(id -u) -ne 0 ]] || as_user=(setpriv --reuid 54321 --regid 54321 --clear-groups)
without_threads() { (cd "$public" && limited "" "${as_user[@]}" bash -c 'ulimit -u 1; exec "$@"' bash env RTENV_CACHE_DIR="$public/cache" ./rtenv "$@"); }
equal "$(without_threads hash job)" "$name" "hash without threads"
equal "$(without_threads pack job -o alone.zip)" "$name" "pack without threads"
cmp job.zip "$public/alone.zip" || fail "the bytes depend on the number of threads"
without_threads inspect job.zip >/dev/null || fail "inspect without threads"
without_threads unpack job.zip alone >/dev/null || fail "unpack without threads"
diff -r job "$public/alone" || fail "unpacked without threads"
status=0
without_threads run --working-dir job -- true 2>.err || status=$?
equal "$status" 5 "a job can't be started: $(cat .err)"

# A folder that is gone.
mkdir gone
for command in "hash ." "pack ." "unpack ../job.zip x" "fetch file:///x.zip" "inspect x.zip" "push . file:///tmp/none/"; do
  # shellcheck disable=SC2086
  (cd gone && rmdir ../gone && survives "" "$RTENV" $command) || exit 1
  mkdir gone
done
rmdir gone

# interrupted COMMAND…: is still busy when the signal comes.
interrupted() {
  local status=0
  "$RTENV" "$@" >"$work/.out" 2>"$work/.err" &
  sleep 0.1
  kill -INT $! 2>/dev/null || fail "it ended too early: $* $(cat "$work/.err")"
  wait $! || status=$?
  equal "$status" 130 "$*: $(cat "$work/.err")"
}
mkdir large
truncate -s 20G large/file
interrupted hash large
interrupted hash large --scheme ray
interrupted pack large -o large.zip --compress fast
interrupted run --working-dir large -- true
truncate -s 2G large/file
rtenv pack large -o large.zip --compress store
ok
interrupted inspect large.zip

# What waits for somebody else.
mkfifo fifo
interrupted hash job --exclude-from fifo
interrupted env key -f fifo
mkdir many
(cd many && seq -f '%0200.0f' 2000 | xargs touch)
rtenv pack many -o many.zip
ok
for command in "inspect many.zip" "pack many --list" "pack many -o -"; do
  exec 3<>fifo # a reader that doesn't read
  status=0
  # shellcheck disable=SC2086
  "$RTENV" $command >fifo 2>.err &
  sleep 0.1
  kill -INT $! || fail "$command doesn't wait for its reader: $(cat .err)"
  wait $! || status=$?
  equal "$status" 130 "$command: $(cat .err)"
  exec 3>&-
done
exec 3<>fifo
status=0
"$RTENV" pack many --list --explain --exclude '*' >/dev/null 2>fifo &
sleep 0.1
kill -INT $! || fail "an explanation doesn't wait for its reader"
wait $! || status=$?
equal "$status" 130 "standard error that nobody reads"
exec 3>&-

# What was unpacked is removed in the background.
interrupted unpack large.zip unpacked-large --max-ratio 1000000
no_folders_left "an interrupted unpack leaves its folder"
rm large.zip
"$RTENV" pack large -o large.zip --compress fast 2>/dev/null &
sleep 0.1
kill -HUP $!
status=0
wait $! || status=$?
equal "$status" 130 "a terminal that is closed"
status=0
limited "-f 100" "$RTENV" pack job -o large.zip 2>/dev/null || status=$?
equal "$status" 6 "a file that may not become so large"
[[ ! -e large.zip && -z $(find . -name '.rtenv-unfinished-*') ]] || fail "an interrupted pack leaves a file"

# What is printed nowhere is lost.
status=0
"$RTENV" hash job >&- 2>.err || status=$?
equal "$status" 1 "a closed standard output: $(cat .err)"

# Messages go to standard error, not into a file that was opened in its place.
mkdir dangling
ln -s nowhere dangling/link
"$RTENV" pack dangling -o closed.zip 0<&- 2>&- >/dev/null || fail "closed descriptors"
rtenv inspect closed.zip
ok
