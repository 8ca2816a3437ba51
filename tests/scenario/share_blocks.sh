#!/usr/bin/env bash
# With reflinks, a stored package shares the blocks of large files; its bytes are the same as elsewhere.
# Needs root and loop devices; skipped (77) where there are none.
# shellcheck source=lib.sh
source "$(dirname "$0")/lib.sh"

if [[ $(id -u) -ne 0 ]] || ! command -v mkfs.xfs >/dev/null; then
  echo "SKIPPED: needs root and mkfs.xfs"
  exit 77
fi
truncate -s 320M disk
mkfs.xfs -q -m reflink=1 disk
mkdir mounted
if ! mount -o loop disk mounted 2>/dev/null; then
  echo "SKIPPED: can't mount a loop device here"
  exit 77
fi
trap 'umount "$work/mounted"; rm -rf "$work"' EXIT

mkdir mounted/job
head -c 50000000 /dev/urandom >mounted/job/large
head -c 1500000 /dev/urandom >mounted/job/medium.bin
echo small >mounted/job/small
cp -r mounted/job elsewhere
sync -f mounted
sleep 2.1 # what was changed later than this is copied
used_before=$(df --output=used -B1 mounted | tail -1)
rtenv pack mounted/job --compress store -o mounted/shared.zip
ok
uri=$out
sync -f mounted
used=$(($(df --output=used -B1 mounted | tail -1) - used_before))
[[ $used -lt 10000000 ]] || fail "51 MB were copied: $used bytes more are used"
rtenv pack elsewhere --compress store -o copied.zip
equal "$out" "$uri"
cmp mounted/shared.zip copied.zip || fail "the bytes depend on the file system"
rtenv unpack mounted/shared.zip back
ok
rtenv hash back
equal "$out" "$uri"

# Writing into the original afterwards doesn't change the package.
echo changed | dd of=mounted/job/large bs=1 seek=4096 conv=notrunc status=none
cmp mounted/shared.zip copied.zip || fail "the package changed with the file"

# Files changed just now are copied, not shared: a further change could go unnoticed.
rtenv pack mounted/job --compress store -o mounted/copied.zip
ok
rtenv unpack mounted/copied.zip back-again
ok
