# bash completion of chatkeep, for bash 4 and later
_chatkeep() {
  local kind word purpose
  COMPREPLY=()
  {
    read -r kind
    while IFS=$'\t' read -r word purpose; do
      [[ $word == *= ]] && compopt -o nospace
      printf -v word %q "$word"
      COMPREPLY+=("$word")
    done
  } < <(chatkeep complete bash -- "${COMP_LINE:0:COMP_POINT}" 2>/dev/null)
  case $kind in
    files) compopt -o default ;;
    folders) compopt -o dirnames ;;
  esac
}
complete -F _chatkeep chatkeep
