# fish completion of chatkeep
function __chatkeep_complete
    set -l words (commandline -opc) (commandline -ct)
    set -l lines (chatkeep complete fish -- $words[2..-1] 2>/dev/null)
    set -l flag (string match -r '^--[^=]+=' -- $words[-1])
    set -l typed (string replace -r '^--[^=]+=' '' -- $words[-1])
    switch "$lines[1]"
        case files
            printf "$flag%s\n" (__fish_complete_path $typed)
        case folders
            printf "$flag%s\n" (__fish_complete_directories $typed)
        case words
            printf '%s\n' $lines[2..-1]
    end
end
complete -c chatkeep -e
complete -c chatkeep -f -a '(__chatkeep_complete)'
