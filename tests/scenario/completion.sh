#!/usr/bin/env bash
# Shell completion, with the shells themselves, and the man pages: both tell all that the command line has.
# shellcheck source=lib.sh
source "$(dirname "$0")/lib.sh"
mkdir -p job/inner bin
touch job/file.zip
ln -s "$RTENV" bin/rtenv

# What the tool says. It needs neither a cache nor a home, and never complains.
rtenv __complete cac
ok
equal "$out" $'cache\tList, check, pin and remove entries of the cache'
rtenv __complete job st
stdout_has $'status\tShow'
rtenv __complete pack --scheme ''
equal "$out" $'xxh3\nray\nsha256'
rtenv __complete --help
equal "$out" $'--help\tPrint this help message and exit'
for words in 'nothing like that' '-- --' '--cache-dir=x y' '-' '=' 'pack --nothing= x'; do
  # shellcheck disable=SC2086
  (unset HOME RTENV_CACHE_DIR && cd / && "$RTENV" __complete $words >/dev/null 2>"$work/noise") || fail "completing $words"
  [[ ! -s noise ]] || fail "completing $words: $(cat noise)"
done
[[ ! -e $RTENV_CACHE_DIR ]] || fail "completion opened the cache"

# bash: a line of words, and what it is completed with. `compopt` tells what is left to readline.
# shellcheck source=../../completions/rtenv.bash
source "$project/completions/rtenv.bash"
compopt() { COMPREPLY=(":$2"); }
in_bash() {
  COMP_WORDS=("$RTENV" "$@") COMP_CWORD=$#
  _rtenv "$RTENV"
  printf '%s\n' "${COMPREPLY[@]}" >"$work/.out"
  out=$(cat "$work/.out")
}
in_bash ''
equal "${COMPREPLY[0]}" pack
equal "${COMPREPLY[-1]}" version
in_bash env wh
equal "$out" why
in_bash hash --ignore-rules g
equal "$out" git
in_bash hash --ignore-rules =
equal "$out" $'ray\ngit'
in_bash hash --ignore-rules = g
equal "$out" git
in_bash job submit --address http : //127.0.0.1 : 8265 --work
equal "$out" --working-dir
in_bash hash jo
equal "$out" :dirnames
in_bash unpack jo
equal "$out" :default
in_bash run --working-dir = jo
equal "$out" :default
in_bash run -- bas
[[ " ${COMPREPLY[*]} " == *" bash "* ]] || fail "no programs"

# zsh, at a terminal: tab inserts what is the only candidate, or opens a list.
if command -v zsh >/dev/null; then
  cat >types <<'ZSH'
zmodload zsh/zpty
zpty -b typist "TERM=dumb PATH=$PWD/bin:$PATH zsh -f -i"
zpty -w typist "fpath=($1 \$fpath); autoload -U compinit; compinit -u -D; unsetopt beep; PS1= ; cd job; print started"
zpty -r typist seen $'*\nstarted*' || exit 1
for typed wanted in 'rtenv hash --ignore-' '--ignore-rules' 'rtenv hash --ignore-rules g' 'rules git' 'rtenv hash --ignore-rules=g' 'rules=git' \
  'rtenv unp' unpack 'rtenv hash in' inner/ 'rtenv inspect fi' file.zip 'rtenv run --working-dir=fi' dir=file.zip 'rtenv pack --scheme ' sha256 \
  'rtenv env wh' why 'rtenv job st' 'Stop a job'; do
  zpty -n -w typist "$typed"$'\t'
  zpty -r typist seen "*$wanted*" || exit 1
  zpty -n -w typist $'\x15'
done
ZSH
  timeout 60 zsh -f types "$project/completions" >/dev/null || fail "zsh completes something else"
else
  echo "zsh isn't installed" >&2
fi

# fish says what it would offer.
if command -v fish >/dev/null; then
  in_fish() {
    out=$(HOME=$work PATH=$work/bin:$PATH fish --no-config -c 'source $argv[1]; complete -C $argv[2]' "$project/completions/rtenv.fish" "$1")
  }
  in_fish 'rtenv unp'
  equal "${out%%$'\t'*}" unpack
  in_fish 'rtenv hash --ignore-rules '
  equal "$out" $'git\nray'
  in_fish 'rtenv hash --ignore-rules=g'
  equal "$out" --ignore-rules=git
  cd job
  in_fish 'rtenv hash '
  equal "$(cut -f 1 <<<"$out")" inner/
  in_fish 'rtenv inspect fi'
  equal "$(cut -f 1 <<<"$out")" file.zip
  in_fish 'rtenv run --working-dir=fi'
  equal "$(cut -f 1 <<<"$out")" --working-dir=file.zip
  in_fish 'rtenv run -- bas'
  stdout_has bash
  cd ..
else
  echo "fish isn't installed" >&2
fi

# Man pages: mandoc has nothing to say about them, and they have every option of --help.
rtenv __man nothing
refused 2 "unknown command 'nothing'"
rtenv __man --list
ok
mapfile -t pages <<<"$out"
command -v mandoc >/dev/null || echo "mandoc isn't installed" >&2
[[ " ${pages[*]} " == *" rtenv env build "* ]] || fail "no page of env build"
for page in "${pages[@]}"; do
  read -ra words <<<"$page"
  rtenv __man "${words[@]:1}"
  ok
  cp .out page.1
  if command -v mandoc >/dev/null; then
    mandoc -T lint -W warning page.1 >complaints || fail "$page: $(cat complaints)"
  fi
  rtenv "${words[@]:1}" --help
  mapfile -t options < <(grep -oE '^  (-[a-z],)?--?[a-z][a-z-]*' <<<"$out" | tr -d ' ' | tr , '\n')
  [[ ${#options[@]} -ge 1 ]] || fail "$page: no options in its help"
  for option in "${options[@]}"; do
    grep -qF "\\fB${option//-/\\-}\\fR" page.1 || fail "$page: no $option in its man page"
  done
done
