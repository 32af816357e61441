#compdef chatkeep
# zsh completion of chatkeep: source it, or keep it as _chatkeep in a folder of $fpath
_chatkeep() {
  local kind line
  local -a lines candidates
  lines=("${(@f)$(chatkeep complete zsh -- "${(@Q)words[2,CURRENT]}" 2>/dev/null)}")
  kind=$lines[1]
  [[ $PREFIX == -*=* ]] && compset -P '*='
  case $kind in
    files) _files ;;
    folders) _files -/ ;;
    words)
      for line in "${(@)lines[2,-1]}"; do
        candidates+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}")
      done
      _describe -t chatkeep chatkeep candidates
      ;;
  esac
}
if [[ ${funcstack[1]} == _chatkeep ]]; then
  _chatkeep "$@"
else
  (( $+functions[compdef] )) || { autoload -Uz compinit && compinit }
  compdef _chatkeep chatkeep
fi
