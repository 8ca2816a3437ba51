#!/usr/bin/env bash
# Modes: what is private stays private in packages, unpacked folders, the cache and jobs; names don't depend on it.
# shellcheck source=lib.sh
source "$(dirname "$0")/lib.sh"
umask 022

mkdir -p job/open job/secret job/empty
echo open >job/open/file
echo key >job/key
echo inner >job/secret/inner
printf '#!/bin/sh\n' >job/run
printf '#!/bin/sh\n' >job/tool
chmod 600 job/key
chmod 700 job/secret job/empty job/tool
chmod 6755 job/run
chmod 1777 job/open
modes() { (cd "$1" && stat -c '%n:%a' empty key open open/file run secret secret/inner tool | tr '\n' ' '); }
kept='empty:700 key:600 open:755 open/file:644 run:755 secret:700 secret/inner:600 tool:700 '

rtenv hash job
name=$out
chmod -R go+rX job
rtenv hash job
equal "$out" "$name" "the name depends on who may read"
chmod 600 job/key
chmod 700 job/secret job/empty job/tool
for scheme in xxh3 ray; do
  rtenv pack job --scheme "$scheme" -o p.zip
  ok
  equal "$(python3 -c 'import zipfile; print(*(f"{i.filename}:{i.external_attr >> 16 & 0o7777:o}" for i in zipfile.ZipFile("p.zip").infolist()))')" \
    "empty/:700 key:600 open/file:644 run:755 secret/:700 secret/inner:600 tool:700"
  rm -rf out
  rtenv unpack p.zip out
  ok
  equal "$(modes out)" "$kept"
done
rtenv hash out
equal "$out" "$name"

# unpack honours the umask, as unzip and tar do; also with archives of others.
(umask 077 && "$RTENV" unpack p.zip masked 2>/dev/null)
equal "$(modes masked)" 'empty:700 key:600 open:700 open/file:600 run:700 secret:700 secret/inner:600 tool:700 '
mkdir other
printf x >other/shared && chmod 666 other/shared && chmod 2775 other
tar -cf other.tar other
(cd other && python3 -m zipfile -c ../other.zip shared)
for archive in other.tar other.zip; do
  for mask in 077 022 000; do
    rm -rf back
    (umask $mask && "$RTENV" unpack $archive back 2>/dev/null)
    file=back/shared
    [[ $archive == other.zip ]] || file=back/other/shared
    equal "$(stat -c %a $file)" "$(printf '%o' $((0666 & ~0$mask)))" "$archive with umask $mask"
  done
done
equal "$(stat -c %a back)" 755

# In the cache, private files are their owner's; the umask of whoever fills it doesn't matter.
for source in job p.zip; do
  rm -rf "$RTENV_CACHE_DIR"
  (umask 077 && "$RTENV" run --working-dir $source -- true)
  tree=$(dirname "$(find "$RTENV_CACHE_DIR/trees" -name key)")
  equal "$(modes "$tree")" "$kept" "the cache's copy of $source"
done

# A job's directory has them, too.
rtenv run --working-dir job -- stat -c '%n:%a' empty key open open/file run secret secret/inner tool
ok
equal "$(tr '\n' ' ' <<<"$out")" "$kept" "a job"
