# bash completion of rtenv, which says itself what can follow: `rtenv __complete WORD…`
_rtenv() {
  local word words=() joins='' line current=${COMP_WORDS[COMP_CWORD]}
  for word in "${COMP_WORDS[@]:1:COMP_CWORD}"; do # bash splits words at = and :
    if [[ ($joins || $word == [=:]*) && ${#words[@]} -gt 0 ]]; then words[-1]+=$word; else words+=("$word"); fi
    [[ $word == *[=:] ]] && joins=1 || joins=''
  done
  [[ $current == [=:]* ]] && current=
  word=${words[-1]}
  COMPREPLY=()
  while IFS= read -r line; do
    case $line in
      :files) compopt -o default ;;
      :dirs) compopt -o dirnames ;;
      :programs) mapfile -t COMPREPLY < <(compgen -c -- "$current") ;;
      *) line=${line%%$'\t'*} && COMPREPLY+=("${line#"${word%"$current"}"}") ;;
    esac
  done < <("${1/#\~/$HOME}" __complete "${words[@]}" 2>/dev/null)
}
complete -F _rtenv rtenv
