#!/usr/bin/env bash
# A hostile archive is refused, naming the entry (exit 2), and the target stays as it was.
# shellcheck source=lib.sh
source "$(dirname "$0")/lib.sh"

python3 - <<'PY'
import io, stat, struct, tarfile, zipfile

def zip_of(name, *entries):
    with zipfile.ZipFile(name, "w") as z:
        z.writestr("good.txt", "good")
        for path, content, mode in entries:
            info = zipfile.ZipInfo(path)
            info.external_attr = mode << 16
            info.create_system = 3
            z.writestr(info, content)

regular = stat.S_IFREG | 0o644
zip_of("dotdot.zip", ("../evil", "x", regular))
zip_of("deep-dotdot.zip", ("a/b/../../../evil", "x", regular))
zip_of("absolute.zip", ("/tmp/evil", "x", regular))
zip_of("drive.zip", ("C:/evil", "x", regular))
zip_of("link-out.zip", ("link", "../../etc", stat.S_IFLNK | 0o777))
zip_of("link-nul.zip", ("up", "..\0", stat.S_IFLNK | 0o777))
zip_of("link-absolute.zip", ("link", "/etc/passwd", stat.S_IFLNK | 0o777))
zip_of("through-link.zip", ("link", "dir", stat.S_IFLNK | 0o777), ("link/evil", "x", regular))
zip_of("setuid.zip", ("su", "x", stat.S_IFREG | 0o4755))
zip_of("device.zip", ("null", "", stat.S_IFCHR | 0o666))
with zipfile.ZipFile("backslash.zip", "w") as z:
    info = zipfile.ZipInfo("x")
    info.filename = "a\\..\\evil"
    info.create_system = 0
    z.writestr(info, "x")
import warnings; warnings.simplefilter("ignore")
zip_of("twice.zip", ("good.txt", "other", regular))
zip_of("whole.zip", ("b.txt", "x" * 100, regular))
data = open("whole.zip", "rb").read()
open("truncated.zip", "wb").write(data[:-30])
open("flipped.zip", "wb").write(data.replace(b"xxxxxxxx", b"xxxxXxxx", 1))
# A zip bomb of overlapping entries.
open("overlap.zip", "wb").write(b"")
with zipfile.ZipFile("overlap.zip", "w", zipfile.ZIP_DEFLATED) as z:
    z.writestr("a", "0" * 100000)
    first = z.infolist()[0]
    second = zipfile.ZipInfo("a")
    for attribute in ("CRC", "compress_size", "file_size", "header_offset", "compress_type", "flag_bits", "external_attr"):
        setattr(second, attribute, getattr(first, attribute))
    z.filelist.append(second)
open("not-an-archive.zip", "w").write("hello, I am a text\n" * 100)

def tar_of(name, *members):
    with tarfile.open(name, "w:gz") as t:
        for info, content in members:
            info.size = len(content)
            t.addfile(info, io.BytesIO(content))
def member(name, **attributes):
    info = tarfile.TarInfo(name)
    for key, value in attributes.items(): setattr(info, key, value)
    return info
tar_of("dotdot.tar.gz", (member("../evil"), b"x"))
tar_of("absolute.tar.gz", (member("/tmp/evil"), b"x"))
tar_of("link-out.tar.gz", (member("l", type=tarfile.SYMTYPE, linkname="../.."), b""))
tar_of("hardlink-out.tar.gz", (member("h", type=tarfile.LNKTYPE, linkname="/etc/passwd"), b""))
tar_of("hardlink-none.tar.gz", (member("h", type=tarfile.LNKTYPE, linkname="later"), b""), (member("later"), b"x"))
tar_of("fifo.tar.gz", (member("p", type=tarfile.FIFOTYPE), b""))
tar_of("setuid.tar.gz", (member("su", mode=0o4755), b"x"))
PY

while read -r archive text; do
  rtenv unpack "$archive" target
  refused 2 "$text"
  [[ ! -e target ]] || fail "$archive left something"
  [[ ! -e evil && ! -e /tmp/evil ]] || fail "$archive escaped"
  # What only lists it refuses the same.
  rtenv unpack --list "$archive"
  refused 2 "$text"
  rtenv inspect "$archive"
  refused 2 "$text"
done <<'CASES'
dotdot.zip '../evil' is refused
deep-dotdot.zip 'a/b/../../../evil' is refused
absolute.zip '/tmp/evil' is refused
drive.zip 'C:/evil' is refused
link-out.zip 'link' is refused
link-nul.zip its link's target has a NUL byte
link-absolute.zip 'link' is refused
through-link.zip link
setuid.zip 'su' is refused
device.zip 'null' is refused
backslash.zip is refused
twice.zip 'good.txt' is refused: the archive contains it twice
truncated.zip isn't a complete zip
flipped.zip the checksum of 'b.txt' is wrong
overlap.zip overlaps
not-an-archive.zip isn't a complete zip or tar archive
dotdot.tar.gz '../evil' is refused
absolute.tar.gz '/tmp/evil' is refused
link-out.tar.gz 'l' is refused
hardlink-out.tar.gz '/etc/passwd' is refused
hardlink-none.tar.gz 'h' is refused: it is a hard link
fifo.tar.gz 'p' is refused
setuid.tar.gz 'su' is refused
CASES
[[ -z $(find . -maxdepth 1 -name '.rtenv-*') ]] || fail "a staging folder is left"

mkdir target
echo mine >target/file
rtenv unpack whole.zip target
refused 2 "target isn't empty"
equal "$(cat target/file)" mine
rtenv unpack none.zip other
refused 3 none.zip

# Harmless archives are unpacked with their modes.
mkdir src && printf '#!/bin/sh\n' >src/run && chmod 750 src/run && ln -s run src/link && ln src/run src/hard
for format in gz xz bz2 tar; do
  python3 - "$format" <<'PY'
import sys, tarfile
with tarfile.open(f"a.{sys.argv[1]}", "w:" + sys.argv[1].replace("tar", "")) as archive:
    archive.add("src")
PY
  rtenv unpack "a.$format" "out-$format" --strip-top
  ok
  equal "$(stat -c %a "out-$format/run") $(readlink "out-$format/link") $(stat -c %h "out-$format/hard")" "750 run 1" "$format"
done

# --list and inspect show what is in an archive of any format, also from standard input, and write nothing.
mkdir -p listing/sub listing/none && ln -s sub/b listing/link && printf 12345 >listing/a && printf 123 >listing/sub/b && ln listing/a listing/hard
for format in gz xz bz2 tar; do
  python3 - "$format" <<'PY'
import sys, tarfile
with tarfile.open(f"l.{sys.argv[1]}", "w:" + sys.argv[1].replace("tar", "")) as archive:
    archive.add("listing")
PY
done
tar -c listing | zstd -q >l.zst
rtenv pack listing -o l.zip
packed=$out before=$(ls -A)
for archive in l.gz l.xz l.bz2 l.tar l.zst; do
  rtenv unpack --list "$archive"
  ok
  equal "$out" 'listing/
listing/a
listing/hard
listing/link
listing/none/
listing/sub/
listing/sub/b' "$archive"
  rtenv unpack --list --strip-top "$archive" --json
  ok
  equal "$(field total_bytes) $(field files) $(field links)" "13 3 1" "$archive"
  equal "$(field entries | tr -d "\n")" "[{'path': 'a', 'size_bytes': 5, 'type': 'file'}, {'path': 'hard', 'size_bytes': 5, 'type': 'file'}, {'path': 'link', 'size_bytes': 0, 'target': 'sub/b', 'type': 'link'}, {'path': 'none', 'size_bytes': 0, 'type': 'directory'}, {'path': 'sub', 'size_bytes': 0, 'type': 'directory'}, {'path': 'sub/b', 'size_bytes': 3, 'type': 'file'}]" "$archive"
  rtenv inspect "$archive"
  ok
  stdout_has "           3  file        listing/sub/b"
  stdout_has "7 entries, 13 bytes, "
  status=0; out=$("$RTENV" inspect - <"$archive" 2>"$work/.err") || status=$?
  ok
  stdout_has "7 entries, 13 bytes, "
done
tar -C listing -cz . >flat.tgz
rtenv inspect flat.tgz
stdout_has "as a package it would be called ${packed#gcs://}"
digits=$(sha1sum flat.tgz) digits=${digits%% *}
cp flat.tgz "_ray_pkg_$digits.tar.gz"
rtenv inspect "_ray_pkg_$digits.tar.gz"
ok
stdout_has "; verified"
rm flat.tgz "_ray_pkg_$digits.tar.gz"
"$RTENV" unpack --list - <l.zip >from-pipe 2>/dev/null || fail "a list from a pipe"
equal "$(sort from-pipe)" "$(python3 -c 'import zipfile; print(*sorted(zipfile.ZipFile("l.zip").namelist()), sep="\n")')"
rm from-pipe
equal "$(ls -A)" "$before" "something was written"
rtenv unpack --list l.tar --max-entries 2
refused 2 "more than 2 entries"
rtenv inspect l.tar --max-size 5
refused 2 "it unpacks to more than 5 bytes"
rtenv unpack l.tar
refused 2 "DEST is missing"
rtenv unpack --list l.tar somewhere
exits 2
[[ ! -e somewhere ]] || fail "--list wrote"

# The limits are options, and the error names them.
rtenv unpack whole.zip limited --max-size 50
refused 2 "it unpacks to more than 50 bytes"
stderr_has "--max-size"
rtenv unpack whole.zip limited --max-entries 1
refused 2 "more than 1 entries"
rtenv unpack whole.zip limited --max-size 1KB --max-entries 2 --max-ratio 1
ok
rtenv unpack whole.zip limited --max-size some
refused 2 "--max-size"

# Into the current folder, which must stay the same one.
mkdir current
(cd current && "$RTENV" unpack ../whole.zip . 2>/dev/null && [[ $(ls -A | wc -l) -gt 0 && -e ../current/good.txt ]]) || fail "into ."
[[ -z $(find current -name '.rtenv-*') ]] || fail "a staging folder is left"

# From standard input, whatever the format.
for archive in whole.zip a.gz; do
  rm -rf from-stdin
  cat "$archive" | "$RTENV" unpack - from-stdin 2>/dev/null || fail "$archive from a pipe"
  [[ -n $(ls from-stdin) ]] || fail "nothing was unpacked from $archive"
done
status=0; err=$(head -c 100 whole.zip | "$RTENV" unpack - cut 2>&1) || status=$?
out=''
refused 2 "standard input isn't a complete zip"
[[ ! -e cut ]] || fail "something was unpacked"

# Zips behind something else: a program, a script's first line. Names of entries can't control the terminal.
mkdir app && echo 'print("hi")' >app/__main__.py
python3 -m zipapp app -p '/usr/bin/env python3' -o app.pyz
rtenv unpack app.pyz from-zipapp
ok
equal "$(cat from-zipapp/__main__.py)" 'print("hi")'
{ head -c 5000 /bin/sh; cat whole.zip; } >prefixed
rtenv unpack prefixed from-prefixed
ok
equal "$(cat from-prefixed/good.txt)" good
rtenv inspect prefixed
ok
python3 -c 'import zipfile; zipfile.ZipFile("red.zip", "w").writestr("../\x1b[31m\nrtenv: error: x", "")'
rtenv unpack red.zip red
refused 2 '\x1b[31m\x0artenv: error: x'
