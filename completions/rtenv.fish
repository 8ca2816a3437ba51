# fish completion of rtenv, which says itself what can follow: `rtenv __complete WORD…`
function __rtenv_complete
    set -l words (commandline -opc)
    set -l word (commandline -ct)
    set -l option (string match -r -- '^--[^=]*=' $word) # paths follow it
    set -l path (string replace -r -- '^--[^=]*=' '' $word)
    for line in ($words[1] __complete $words[2..] (string unescape -- $word) 2>/dev/null)
        switch $line
            case :files
                __fish_complete_path $path | string replace -r '^' -- "$option"
            case :dirs
                __fish_complete_directories $path '' | string replace -r '^' -- "$option"
            case :programs
                complete -C -- "$word"
            case '*'
                echo $line
        end
    end
end
complete -c rtenv -f -a '(__rtenv_complete)'
