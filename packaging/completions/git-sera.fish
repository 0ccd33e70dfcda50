# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_git_sera_global_optspecs
    string join \n C/repo= json q/quiet color= h/help V/version
end

function __fish_git_sera_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_git_sera_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_git_sera_using_subcommand
    set -l cmd (__fish_git_sera_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c git-sera -n "__fish_git_sera_needs_command" -s C -l repo -d 'Work on the repository that holds PATH' -r -F
complete -c git-sera -n "__fish_git_sera_needs_command" -l color -d 'Use colour always, never, or (auto) on a terminal unless NO_COLOR is set' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'In any case'
never\t'In no case'"
complete -c git-sera -n "__fish_git_sera_needs_command" -l json -d 'Print the result as one line of JSON'
complete -c git-sera -n "__fish_git_sera_needs_command" -s q -l quiet -d 'Say nothing but results and errors'
complete -c git-sera -n "__fish_git_sera_needs_command" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c git-sera -n "__fish_git_sera_needs_command" -s V -l version -d 'Print version'
complete -c git-sera -n "__fish_git_sera_needs_command" -f -a "quickstart" -d 'Go the whole way once: mine, train, evaluate, decide, fix one held-out task'
complete -c git-sera -n "__fish_git_sera_needs_command" -f -a "fix" -d 'Propose a change that puts something right'
complete -c git-sera -n "__fish_git_sera_needs_command" -f -a "status" -d 'Show what the daemon knows of its repositories and what it is doing'
complete -c git-sera -n "__fish_git_sera_needs_command" -f -a "register" -d 'Watch this repository from now on'
complete -c git-sera -n "__fish_git_sera_needs_command" -f -a "unregister" -d 'Stop watching this repository; what was learned stays, hooks are taken out'
complete -c git-sera -n "__fish_git_sera_needs_command" -f -a "mine" -d 'Find the functions and commits that tasks can be made from'
complete -c git-sera -n "__fish_git_sera_needs_command" -f -a "synthesize" -d 'Make tasks from the functions and commits that were mined'
complete -c git-sera -n "__fish_git_sera_needs_command" -f -a "rollout" -d 'Have tasks solved in isolated environments and keep the attempts that hold'
complete -c git-sera -n "__fish_git_sera_needs_command" -f -a "verify" -d 'Judge the stored attempts again and select those to train on'
complete -c git-sera -n "__fish_git_sera_needs_command" -f -a "select" -d 'Choose again what is trained on, without any rollout'
complete -c git-sera -n "__fish_git_sera_needs_command" -f -a "train" -d 'Train an adapter on the selected attempts'
complete -c git-sera -n "__fish_git_sera_needs_command" -f -a "evaluate" -d 'Compare the newest adapter with the base on held-out work'
complete -c git-sera -n "__fish_git_sera_needs_command" -f -a "promote" -d 'Let an adapter serve what it is better at, or say why not'
complete -c git-sera -n "__fish_git_sera_needs_command" -f -a "adapters" -d 'List the adapters that are kept, newest first'
complete -c git-sera -n "__fish_git_sera_needs_command" -f -a "rollback" -d 'Let what served before serve again'
complete -c git-sera -n "__fish_git_sera_needs_command" -f -a "report" -d 'Write a page that proves, or does not, that an adapter is better'
complete -c git-sera -n "__fish_git_sera_needs_command" -f -a "export" -d 'Write what is trained on out for other trainers'
complete -c git-sera -n "__fish_git_sera_needs_command" -f -a "import" -d 'Take trajectories in that were made elsewhere'
complete -c git-sera -n "__fish_git_sera_needs_command" -f -a "log" -d 'List the stored trajectories, newest first'
complete -c git-sera -n "__fish_git_sera_needs_command" -f -a "show" -d 'Show a stored trajectory: its task, every step, and what it changed'
complete -c git-sera -n "__fish_git_sera_needs_command" -f -a "why" -d 'Say why something is trained on, or why it is not'
complete -c git-sera -n "__fish_git_sera_needs_command" -f -a "forget" -d 'Remove something from all that is stored, and everything that was made of it'
complete -c git-sera -n "__fish_git_sera_needs_command" -f -a "consent" -d 'List what you agreed to for this repository, or take it back'
complete -c git-sera -n "__fish_git_sera_needs_command" -f -a "audit" -d 'Check the audit log and list what it holds, newest first'
complete -c git-sera -n "__fish_git_sera_needs_command" -f -a "fsck" -d 'Check everything that is stored and rebuild the index'
complete -c git-sera -n "__fish_git_sera_needs_command" -f -a "doctor" -d 'Show what is enforced on this machine'
complete -c git-sera -n "__fish_git_sera_needs_command" -f -a "sandbox" -d 'Prepare what commands of models run in'
complete -c git-sera -n "__fish_git_sera_needs_command" -f -a "pause" -d 'Hold still all that takes minutes, training in the middle of it included'
complete -c git-sera -n "__fish_git_sera_needs_command" -f -a "resume" -d 'Go on after `git sera pause`, and try again what was set aside'
complete -c git-sera -n "__fish_git_sera_needs_command" -f -a "start" -d 'Start the daemon where none runs; other commands do so by themselves'
complete -c git-sera -n "__fish_git_sera_needs_command" -f -a "stop" -d 'Stop the daemon; jobs save their state and resume next time'
complete -c git-sera -n "__fish_git_sera_needs_command" -f -a "run" -d 'Run the daemon in the foreground, as service managers do'
complete -c git-sera -n "__fish_git_sera_needs_command" -f -a "man" -d 'Write the man pages into a folder, such as ~/.local/share/man/man1'
complete -c git-sera -n "__fish_git_sera_needs_command" -f -a "completions" -d 'Print the completions of a shell'
complete -c git-sera -n "__fish_git_sera_using_subcommand quickstart" -l train-seconds -d 'Train for about this many seconds' -r
complete -c git-sera -n "__fish_git_sera_using_subcommand quickstart" -l evaluate-seconds -d 'Evaluate for about this many seconds' -r
complete -c git-sera -n "__fish_git_sera_using_subcommand quickstart" -l base -d 'Take the base from here: a file, `wheel:NAME==VERSION` or `hf:OWNER/REPOSITORY/FILE`' -r
complete -c git-sera -n "__fish_git_sera_using_subcommand quickstart" -l student-tasks -d 'Let the student try this many training tasks itself' -r
complete -c git-sera -n "__fish_git_sera_using_subcommand quickstart" -s C -l repo -d 'Work on the repository that holds PATH' -r -F
complete -c git-sera -n "__fish_git_sera_using_subcommand quickstart" -l color -d 'Use colour always, never, or (auto) on a terminal unless NO_COLOR is set' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'In any case'
never\t'In no case'"
complete -c git-sera -n "__fish_git_sera_using_subcommand quickstart" -l json -d 'Print the result as one line of JSON'
complete -c git-sera -n "__fish_git_sera_using_subcommand quickstart" -s q -l quiet -d 'Say nothing but results and errors'
complete -c git-sera -n "__fish_git_sera_using_subcommand quickstart" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c git-sera -n "__fish_git_sera_using_subcommand fix" -l show -d 'Show the N best proposals' -r
complete -c git-sera -n "__fish_git_sera_using_subcommand fix" -s C -l repo -d 'Work on the repository that holds PATH' -r -F
complete -c git-sera -n "__fish_git_sera_using_subcommand fix" -l color -d 'Use colour always, never, or (auto) on a terminal unless NO_COLOR is set' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'In any case'
never\t'In no case'"
complete -c git-sera -n "__fish_git_sera_using_subcommand fix" -l apply -d 'Write the best proposal into the work tree'
complete -c git-sera -n "__fish_git_sera_using_subcommand fix" -l json -d 'Print the result as one line of JSON'
complete -c git-sera -n "__fish_git_sera_using_subcommand fix" -s q -l quiet -d 'Say nothing but results and errors'
complete -c git-sera -n "__fish_git_sera_using_subcommand fix" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c git-sera -n "__fish_git_sera_using_subcommand status" -s C -l repo -d 'Work on the repository that holds PATH' -r -F
complete -c git-sera -n "__fish_git_sera_using_subcommand status" -l color -d 'Use colour always, never, or (auto) on a terminal unless NO_COLOR is set' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'In any case'
never\t'In no case'"
complete -c git-sera -n "__fish_git_sera_using_subcommand status" -l json -d 'Print the result as one line of JSON'
complete -c git-sera -n "__fish_git_sera_using_subcommand status" -s q -l quiet -d 'Say nothing but results and errors'
complete -c git-sera -n "__fish_git_sera_using_subcommand status" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c git-sera -n "__fish_git_sera_using_subcommand register" -l hooks -d 'Put hooks in: config, in a file that .git/config includes (git 2.54 and later run them); files, as a marked block in shell scripts that stand in .git/hooks and as a post-rewrite of our own; none; auto, config where git runs such and else none. Without it sera.hooks says' -r -f -a "auto\t'In the config where git runs such, else nowhere'
config\t'In a file that .git/config includes'
files\t'In .git/hooks'
none\t'Nowhere'"
complete -c git-sera -n "__fish_git_sera_using_subcommand register" -s C -l repo -d 'Work on the repository that holds PATH' -r -F
complete -c git-sera -n "__fish_git_sera_using_subcommand register" -l color -d 'Use colour always, never, or (auto) on a terminal unless NO_COLOR is set' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'In any case'
never\t'In no case'"
complete -c git-sera -n "__fish_git_sera_using_subcommand register" -l json -d 'Print the result as one line of JSON'
complete -c git-sera -n "__fish_git_sera_using_subcommand register" -s q -l quiet -d 'Say nothing but results and errors'
complete -c git-sera -n "__fish_git_sera_using_subcommand register" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c git-sera -n "__fish_git_sera_using_subcommand unregister" -s C -l repo -d 'Work on the repository that holds PATH' -r -F
complete -c git-sera -n "__fish_git_sera_using_subcommand unregister" -l color -d 'Use colour always, never, or (auto) on a terminal unless NO_COLOR is set' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'In any case'
never\t'In no case'"
complete -c git-sera -n "__fish_git_sera_using_subcommand unregister" -l json -d 'Print the result as one line of JSON'
complete -c git-sera -n "__fish_git_sera_using_subcommand unregister" -s q -l quiet -d 'Say nothing but results and errors'
complete -c git-sera -n "__fish_git_sera_using_subcommand unregister" -s h -l help -d 'Print help'
complete -c git-sera -n "__fish_git_sera_using_subcommand mine" -s C -l repo -d 'Work on the repository that holds PATH' -r -F
complete -c git-sera -n "__fish_git_sera_using_subcommand mine" -l color -d 'Use colour always, never, or (auto) on a terminal unless NO_COLOR is set' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'In any case'
never\t'In no case'"
complete -c git-sera -n "__fish_git_sera_using_subcommand mine" -l explain -d 'List every candidate that was left out, with its reason'
complete -c git-sera -n "__fish_git_sera_using_subcommand mine" -l json -d 'Print the result as one line of JSON'
complete -c git-sera -n "__fish_git_sera_using_subcommand mine" -s q -l quiet -d 'Say nothing but results and errors'
complete -c git-sera -n "__fish_git_sera_using_subcommand mine" -s h -l help -d 'Print help'
complete -c git-sera -n "__fish_git_sera_using_subcommand synthesize" -l limit -d 'Make at most this many tasks' -r
complete -c git-sera -n "__fish_git_sera_using_subcommand synthesize" -s C -l repo -d 'Work on the repository that holds PATH' -r -F
complete -c git-sera -n "__fish_git_sera_using_subcommand synthesize" -l color -d 'Use colour always, never, or (auto) on a terminal unless NO_COLOR is set' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'In any case'
never\t'In no case'"
complete -c git-sera -n "__fish_git_sera_using_subcommand synthesize" -l json -d 'Print the result as one line of JSON'
complete -c git-sera -n "__fish_git_sera_using_subcommand synthesize" -s q -l quiet -d 'Say nothing but results and errors'
complete -c git-sera -n "__fish_git_sera_using_subcommand synthesize" -s h -l help -d 'Print help'
complete -c git-sera -n "__fish_git_sera_using_subcommand rollout" -l limit -d 'Solve at most this many tasks, and have the teacher work on at most this many functions' -r
complete -c git-sera -n "__fish_git_sera_using_subcommand rollout" -l attempts -d 'Have the served student make N attempts at each of up to 50 training tasks, and keep what holds to be trained on: at most 3 for a task, and at most half of what is trained on' -r
complete -c git-sera -n "__fish_git_sera_using_subcommand rollout" -s C -l repo -d 'Work on the repository that holds PATH' -r -F
complete -c git-sera -n "__fish_git_sera_using_subcommand rollout" -l color -d 'Use colour always, never, or (auto) on a terminal unless NO_COLOR is set' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'In any case'
never\t'In no case'"
complete -c git-sera -n "__fish_git_sera_using_subcommand rollout" -l student -d 'Let the student try a few training tasks, too'
complete -c git-sera -n "__fish_git_sera_using_subcommand rollout" -l procedural -d 'Leave the configured teacher out'
complete -c git-sera -n "__fish_git_sera_using_subcommand rollout" -l dry-run -d 'Print the first request that the teacher would be sent, and do nothing'
complete -c git-sera -n "__fish_git_sera_using_subcommand rollout" -l retry -d 'Ask the teacher again where it refused, or never ended its reply, in an earlier run'
complete -c git-sera -n "__fish_git_sera_using_subcommand rollout" -l consent -d 'Agree that code of this repository is sent to the teacher'
complete -c git-sera -n "__fish_git_sera_using_subcommand rollout" -l json -d 'Print the result as one line of JSON'
complete -c git-sera -n "__fish_git_sera_using_subcommand rollout" -s q -l quiet -d 'Say nothing but results and errors'
complete -c git-sera -n "__fish_git_sera_using_subcommand rollout" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c git-sera -n "__fish_git_sera_using_subcommand verify" -s C -l repo -d 'Work on the repository that holds PATH' -r -F
complete -c git-sera -n "__fish_git_sera_using_subcommand verify" -l color -d 'Use colour always, never, or (auto) on a terminal unless NO_COLOR is set' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'In any case'
never\t'In no case'"
complete -c git-sera -n "__fish_git_sera_using_subcommand verify" -l json -d 'Print the result as one line of JSON'
complete -c git-sera -n "__fish_git_sera_using_subcommand verify" -s q -l quiet -d 'Say nothing but results and errors'
complete -c git-sera -n "__fish_git_sera_using_subcommand verify" -s h -l help -d 'Print help'
complete -c git-sera -n "__fish_git_sera_using_subcommand select" -l min-recall -d 'Accept attempts from this weighted recall on: the share of the reference\'s changed lines that were reproduced, where trivial lines count a fifth [usual: 0.5]' -r
complete -c git-sera -n "__fish_git_sera_using_subcommand select" -l max-patch -d 'Leave out attempts that change more lines than this [usual: 40]' -r
complete -c git-sera -n "__fish_git_sera_using_subcommand select" -l mix -d 'Bound what sources make of the whole, from 0 to 1: report=0.5,commit=0.2. Sources are mutation, commit, request, report, student, imported; those not named have no bound [usual: student=0.5]' -r
complete -c git-sera -n "__fish_git_sera_using_subcommand select" -s C -l repo -d 'Work on the repository that holds PATH' -r -F
complete -c git-sera -n "__fish_git_sera_using_subcommand select" -l color -d 'Use colour always, never, or (auto) on a terminal unless NO_COLOR is set' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'In any case'
never\t'In no case'"
complete -c git-sera -n "__fish_git_sera_using_subcommand select" -l reset -d 'Go back to the usual choice'
complete -c git-sera -n "__fish_git_sera_using_subcommand select" -l json -d 'Print the result as one line of JSON'
complete -c git-sera -n "__fish_git_sera_using_subcommand select" -s q -l quiet -d 'Say nothing but results and errors'
complete -c git-sera -n "__fish_git_sera_using_subcommand select" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c git-sera -n "__fish_git_sera_using_subcommand train" -l seconds -d 'Train for about this many seconds' -r
complete -c git-sera -n "__fish_git_sera_using_subcommand train" -l tokens -d 'Train on about this many tokens' -r
complete -c git-sera -n "__fish_git_sera_using_subcommand train" -l seed -d 'Seed of initial weights and order' -r
complete -c git-sera -n "__fish_git_sera_using_subcommand train" -s C -l repo -d 'Work on the repository that holds PATH' -r -F
complete -c git-sera -n "__fish_git_sera_using_subcommand train" -l color -d 'Use colour always, never, or (auto) on a terminal unless NO_COLOR is set' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'In any case'
never\t'In no case'"
complete -c git-sera -n "__fish_git_sera_using_subcommand train" -l json -d 'Print the result as one line of JSON'
complete -c git-sera -n "__fish_git_sera_using_subcommand train" -s q -l quiet -d 'Say nothing but results and errors'
complete -c git-sera -n "__fish_git_sera_using_subcommand train" -s h -l help -d 'Print help'
complete -c git-sera -n "__fish_git_sera_using_subcommand evaluate" -l seconds -d 'Evaluate for about this many seconds' -r
complete -c git-sera -n "__fish_git_sera_using_subcommand evaluate" -s C -l repo -d 'Work on the repository that holds PATH' -r -F
complete -c git-sera -n "__fish_git_sera_using_subcommand evaluate" -l color -d 'Use colour always, never, or (auto) on a terminal unless NO_COLOR is set' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'In any case'
never\t'In no case'"
complete -c git-sera -n "__fish_git_sera_using_subcommand evaluate" -l json -d 'Print the result as one line of JSON'
complete -c git-sera -n "__fish_git_sera_using_subcommand evaluate" -s q -l quiet -d 'Say nothing but results and errors'
complete -c git-sera -n "__fish_git_sera_using_subcommand evaluate" -s h -l help -d 'Print help'
complete -c git-sera -n "__fish_git_sera_using_subcommand promote" -l capability -d 'Have it serve only this; may be given several times' -r
complete -c git-sera -n "__fish_git_sera_using_subcommand promote" -s C -l repo -d 'Work on the repository that holds PATH' -r -F
complete -c git-sera -n "__fish_git_sera_using_subcommand promote" -l color -d 'Use colour always, never, or (auto) on a terminal unless NO_COLOR is set' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'In any case'
never\t'In no case'"
complete -c git-sera -n "__fish_git_sera_using_subcommand promote" -l force -d 'Have it serve whatever the numbers say'
complete -c git-sera -n "__fish_git_sera_using_subcommand promote" -l json -d 'Print the result as one line of JSON'
complete -c git-sera -n "__fish_git_sera_using_subcommand promote" -s q -l quiet -d 'Say nothing but results and errors'
complete -c git-sera -n "__fish_git_sera_using_subcommand promote" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c git-sera -n "__fish_git_sera_using_subcommand adapters" -s C -l repo -d 'Work on the repository that holds PATH' -r -F
complete -c git-sera -n "__fish_git_sera_using_subcommand adapters" -l color -d 'Use colour always, never, or (auto) on a terminal unless NO_COLOR is set' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'In any case'
never\t'In no case'"
complete -c git-sera -n "__fish_git_sera_using_subcommand adapters" -l json -d 'Print the result as one line of JSON'
complete -c git-sera -n "__fish_git_sera_using_subcommand adapters" -s q -l quiet -d 'Say nothing but results and errors'
complete -c git-sera -n "__fish_git_sera_using_subcommand adapters" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c git-sera -n "__fish_git_sera_using_subcommand rollback" -l capability -d 'Only what serves this; everything where it is left out' -r
complete -c git-sera -n "__fish_git_sera_using_subcommand rollback" -s C -l repo -d 'Work on the repository that holds PATH' -r -F
complete -c git-sera -n "__fish_git_sera_using_subcommand rollback" -l color -d 'Use colour always, never, or (auto) on a terminal unless NO_COLOR is set' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'In any case'
never\t'In no case'"
complete -c git-sera -n "__fish_git_sera_using_subcommand rollback" -l json -d 'Print the result as one line of JSON'
complete -c git-sera -n "__fish_git_sera_using_subcommand rollback" -s q -l quiet -d 'Say nothing but results and errors'
complete -c git-sera -n "__fish_git_sera_using_subcommand rollback" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c git-sera -n "__fish_git_sera_using_subcommand report" -l adapter -d 'The adapter\'s id, or how it ends: `git sera status --json` lists them [default: the newest]' -r
complete -c git-sera -n "__fish_git_sera_using_subcommand report" -s o -l output -d 'Write to this file [default: reports/<ADAPTER>.html in the folder sera of the git folder]' -r -F
complete -c git-sera -n "__fish_git_sera_using_subcommand report" -s C -l repo -d 'Work on the repository that holds PATH' -r -F
complete -c git-sera -n "__fish_git_sera_using_subcommand report" -l color -d 'Use colour always, never, or (auto) on a terminal unless NO_COLOR is set' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'In any case'
never\t'In no case'"
complete -c git-sera -n "__fish_git_sera_using_subcommand report" -l json -d 'Print the result as one line of JSON'
complete -c git-sera -n "__fish_git_sera_using_subcommand report" -s q -l quiet -d 'Say nothing but results and errors'
complete -c git-sera -n "__fish_git_sera_using_subcommand report" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c git-sera -n "__fish_git_sera_using_subcommand export" -l format -d 'In what form' -r -f -a "openai\t''
axolotl\t''
hermes\t''
swe-agent\t''
atif\t''"
complete -c git-sera -n "__fish_git_sera_using_subcommand export" -s o -l output -d 'Write to this file, or for swe-agent and atif to this folder' -r -F
complete -c git-sera -n "__fish_git_sera_using_subcommand export" -s C -l repo -d 'Work on the repository that holds PATH' -r -F
complete -c git-sera -n "__fish_git_sera_using_subcommand export" -l color -d 'Use colour always, never, or (auto) on a terminal unless NO_COLOR is set' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'In any case'
never\t'In no case'"
complete -c git-sera -n "__fish_git_sera_using_subcommand export" -l json -d 'Print the result as one line of JSON'
complete -c git-sera -n "__fish_git_sera_using_subcommand export" -s q -l quiet -d 'Say nothing but results and errors'
complete -c git-sera -n "__fish_git_sera_using_subcommand export" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c git-sera -n "__fish_git_sera_using_subcommand import" -l base -d 'The commit that was worked on [usual: what each row says, else the last that may be trained on]' -r
complete -c git-sera -n "__fish_git_sera_using_subcommand import" -s C -l repo -d 'Work on the repository that holds PATH' -r -F
complete -c git-sera -n "__fish_git_sera_using_subcommand import" -l color -d 'Use colour always, never, or (auto) on a terminal unless NO_COLOR is set' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'In any case'
never\t'In no case'"
complete -c git-sera -n "__fish_git_sera_using_subcommand import" -l json -d 'Print the result as one line of JSON'
complete -c git-sera -n "__fish_git_sera_using_subcommand import" -s q -l quiet -d 'Say nothing but results and errors'
complete -c git-sera -n "__fish_git_sera_using_subcommand import" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c git-sera -n "__fish_git_sera_using_subcommand log" -s n -l limit -d 'List at most this many' -r
complete -c git-sera -n "__fish_git_sera_using_subcommand log" -s C -l repo -d 'Work on the repository that holds PATH' -r -F
complete -c git-sera -n "__fish_git_sera_using_subcommand log" -l color -d 'Use colour always, never, or (auto) on a terminal unless NO_COLOR is set' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'In any case'
never\t'In no case'"
complete -c git-sera -n "__fish_git_sera_using_subcommand log" -l json -d 'Print the result as one line of JSON'
complete -c git-sera -n "__fish_git_sera_using_subcommand log" -s q -l quiet -d 'Say nothing but results and errors'
complete -c git-sera -n "__fish_git_sera_using_subcommand log" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c git-sera -n "__fish_git_sera_using_subcommand show" -s C -l repo -d 'Work on the repository that holds PATH' -r -F
complete -c git-sera -n "__fish_git_sera_using_subcommand show" -l color -d 'Use colour always, never, or (auto) on a terminal unless NO_COLOR is set' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'In any case'
never\t'In no case'"
complete -c git-sera -n "__fish_git_sera_using_subcommand show" -l json -d 'Print the result as one line of JSON'
complete -c git-sera -n "__fish_git_sera_using_subcommand show" -s q -l quiet -d 'Say nothing but results and errors'
complete -c git-sera -n "__fish_git_sera_using_subcommand show" -s h -l help -d 'Print help'
complete -c git-sera -n "__fish_git_sera_using_subcommand why" -s C -l repo -d 'Work on the repository that holds PATH' -r -F
complete -c git-sera -n "__fish_git_sera_using_subcommand why" -l color -d 'Use colour always, never, or (auto) on a terminal unless NO_COLOR is set' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'In any case'
never\t'In no case'"
complete -c git-sera -n "__fish_git_sera_using_subcommand why" -l json -d 'Print the result as one line of JSON'
complete -c git-sera -n "__fish_git_sera_using_subcommand why" -s q -l quiet -d 'Say nothing but results and errors'
complete -c git-sera -n "__fish_git_sera_using_subcommand why" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c git-sera -n "__fish_git_sera_using_subcommand forget" -s C -l repo -d 'Work on the repository that holds PATH' -r -F
complete -c git-sera -n "__fish_git_sera_using_subcommand forget" -l color -d 'Use colour always, never, or (auto) on a terminal unless NO_COLOR is set' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'In any case'
never\t'In no case'"
complete -c git-sera -n "__fish_git_sera_using_subcommand forget" -s n -l dry-run -d 'Only say what would be removed'
complete -c git-sera -n "__fish_git_sera_using_subcommand forget" -l json -d 'Print the result as one line of JSON'
complete -c git-sera -n "__fish_git_sera_using_subcommand forget" -s q -l quiet -d 'Say nothing but results and errors'
complete -c git-sera -n "__fish_git_sera_using_subcommand forget" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c git-sera -n "__fish_git_sera_using_subcommand consent" -s C -l repo -d 'Work on the repository that holds PATH' -r -F
complete -c git-sera -n "__fish_git_sera_using_subcommand consent" -l color -d 'Use colour always, never, or (auto) on a terminal unless NO_COLOR is set' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'In any case'
never\t'In no case'"
complete -c git-sera -n "__fish_git_sera_using_subcommand consent" -l withdraw -d 'Take all of it back'
complete -c git-sera -n "__fish_git_sera_using_subcommand consent" -l json -d 'Print the result as one line of JSON'
complete -c git-sera -n "__fish_git_sera_using_subcommand consent" -s q -l quiet -d 'Say nothing but results and errors'
complete -c git-sera -n "__fish_git_sera_using_subcommand consent" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c git-sera -n "__fish_git_sera_using_subcommand audit" -s n -l limit -d 'List at most this many' -r
complete -c git-sera -n "__fish_git_sera_using_subcommand audit" -l kind -d 'List only events of this kind; may be given several times' -r -f -a "sent\t''
answered\t''
container\t''
loaded\t''
promoted\t''
rolled-back\t''
consent\t''
forgot\t''
configured\t''
repaired\t''
restarted\t''"
complete -c git-sera -n "__fish_git_sera_using_subcommand audit" -s C -l repo -d 'Work on the repository that holds PATH' -r -F
complete -c git-sera -n "__fish_git_sera_using_subcommand audit" -l color -d 'Use colour always, never, or (auto) on a terminal unless NO_COLOR is set' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'In any case'
never\t'In no case'"
complete -c git-sera -n "__fish_git_sera_using_subcommand audit" -l restart -d 'Where the log is damaged, move it aside and begin a new one'
complete -c git-sera -n "__fish_git_sera_using_subcommand audit" -l user -d 'Check the user\'s own log: bases fetched, and containers removed, for no repository'
complete -c git-sera -n "__fish_git_sera_using_subcommand audit" -l json -d 'Print the result as one line of JSON'
complete -c git-sera -n "__fish_git_sera_using_subcommand audit" -s q -l quiet -d 'Say nothing but results and errors'
complete -c git-sera -n "__fish_git_sera_using_subcommand audit" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c git-sera -n "__fish_git_sera_using_subcommand fsck" -s C -l repo -d 'Work on the repository that holds PATH' -r -F
complete -c git-sera -n "__fish_git_sera_using_subcommand fsck" -l color -d 'Use colour always, never, or (auto) on a terminal unless NO_COLOR is set' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'In any case'
never\t'In no case'"
complete -c git-sera -n "__fish_git_sera_using_subcommand fsck" -l json -d 'Print the result as one line of JSON'
complete -c git-sera -n "__fish_git_sera_using_subcommand fsck" -s q -l quiet -d 'Say nothing but results and errors'
complete -c git-sera -n "__fish_git_sera_using_subcommand fsck" -s h -l help -d 'Print help'
complete -c git-sera -n "__fish_git_sera_using_subcommand doctor" -s C -l repo -d 'Work on the repository that holds PATH' -r -F
complete -c git-sera -n "__fish_git_sera_using_subcommand doctor" -l color -d 'Use colour always, never, or (auto) on a terminal unless NO_COLOR is set' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'In any case'
never\t'In no case'"
complete -c git-sera -n "__fish_git_sera_using_subcommand doctor" -l json -d 'Print the result as one line of JSON'
complete -c git-sera -n "__fish_git_sera_using_subcommand doctor" -s q -l quiet -d 'Say nothing but results and errors'
complete -c git-sera -n "__fish_git_sera_using_subcommand doctor" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c git-sera -n "__fish_git_sera_using_subcommand sandbox; and not __fish_seen_subcommand_from build" -s C -l repo -d 'Work on the repository that holds PATH' -r -F
complete -c git-sera -n "__fish_git_sera_using_subcommand sandbox; and not __fish_seen_subcommand_from build" -l color -d 'Use colour always, never, or (auto) on a terminal unless NO_COLOR is set' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'In any case'
never\t'In no case'"
complete -c git-sera -n "__fish_git_sera_using_subcommand sandbox; and not __fish_seen_subcommand_from build" -l json -d 'Print the result as one line of JSON'
complete -c git-sera -n "__fish_git_sera_using_subcommand sandbox; and not __fish_seen_subcommand_from build" -s q -l quiet -d 'Say nothing but results and errors'
complete -c git-sera -n "__fish_git_sera_using_subcommand sandbox; and not __fish_seen_subcommand_from build" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c git-sera -n "__fish_git_sera_using_subcommand sandbox; and not __fish_seen_subcommand_from build" -f -a "build" -d 'Build the image that containers are made of'
complete -c git-sera -n "__fish_git_sera_using_subcommand sandbox; and __fish_seen_subcommand_from build" -s C -l repo -d 'Work on the repository that holds PATH' -r -F
complete -c git-sera -n "__fish_git_sera_using_subcommand sandbox; and __fish_seen_subcommand_from build" -l color -d 'Use colour always, never, or (auto) on a terminal unless NO_COLOR is set' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'In any case'
never\t'In no case'"
complete -c git-sera -n "__fish_git_sera_using_subcommand sandbox; and __fish_seen_subcommand_from build" -l repository -d 'Follow this repository\'s development container or Dockerfile, as it is at HEAD'
complete -c git-sera -n "__fish_git_sera_using_subcommand sandbox; and __fish_seen_subcommand_from build" -s y -l yes -d 'Build without asking'
complete -c git-sera -n "__fish_git_sera_using_subcommand sandbox; and __fish_seen_subcommand_from build" -s n -l dry-run -d 'Only show what would be built'
complete -c git-sera -n "__fish_git_sera_using_subcommand sandbox; and __fish_seen_subcommand_from build" -l json -d 'Print the result as one line of JSON'
complete -c git-sera -n "__fish_git_sera_using_subcommand sandbox; and __fish_seen_subcommand_from build" -s q -l quiet -d 'Say nothing but results and errors'
complete -c git-sera -n "__fish_git_sera_using_subcommand sandbox; and __fish_seen_subcommand_from build" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c git-sera -n "__fish_git_sera_using_subcommand pause" -l for -d 'For so long, such as 30m, 2h or "1h 30m"; until `git sera resume` without it' -r
complete -c git-sera -n "__fish_git_sera_using_subcommand pause" -s C -l repo -d 'Work on the repository that holds PATH' -r -F
complete -c git-sera -n "__fish_git_sera_using_subcommand pause" -l color -d 'Use colour always, never, or (auto) on a terminal unless NO_COLOR is set' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'In any case'
never\t'In no case'"
complete -c git-sera -n "__fish_git_sera_using_subcommand pause" -l json -d 'Print the result as one line of JSON'
complete -c git-sera -n "__fish_git_sera_using_subcommand pause" -s q -l quiet -d 'Say nothing but results and errors'
complete -c git-sera -n "__fish_git_sera_using_subcommand pause" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c git-sera -n "__fish_git_sera_using_subcommand resume" -s C -l repo -d 'Work on the repository that holds PATH' -r -F
complete -c git-sera -n "__fish_git_sera_using_subcommand resume" -l color -d 'Use colour always, never, or (auto) on a terminal unless NO_COLOR is set' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'In any case'
never\t'In no case'"
complete -c git-sera -n "__fish_git_sera_using_subcommand resume" -l json -d 'Print the result as one line of JSON'
complete -c git-sera -n "__fish_git_sera_using_subcommand resume" -s q -l quiet -d 'Say nothing but results and errors'
complete -c git-sera -n "__fish_git_sera_using_subcommand resume" -s h -l help -d 'Print help'
complete -c git-sera -n "__fish_git_sera_using_subcommand start" -l scheduler -d 'Have the daemon started by systemd, launchd or schtasks; auto: by the one that is here; none: by nobody but the commands that need it' -r -f -a "auto\t'Which of them this machine has'
systemd\t'The user\'s own systemd'
launchd\t'The user\'s own launchd, on macOS'
schtasks\t'The Task Scheduler, on Windows'
none\t'Nobody: any command that needs the daemon starts it'"
complete -c git-sera -n "__fish_git_sera_using_subcommand start" -s C -l repo -d 'Work on the repository that holds PATH' -r -F
complete -c git-sera -n "__fish_git_sera_using_subcommand start" -l color -d 'Use colour always, never, or (auto) on a terminal unless NO_COLOR is set' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'In any case'
never\t'In no case'"
complete -c git-sera -n "__fish_git_sera_using_subcommand start" -l json -d 'Print the result as one line of JSON'
complete -c git-sera -n "__fish_git_sera_using_subcommand start" -s q -l quiet -d 'Say nothing but results and errors'
complete -c git-sera -n "__fish_git_sera_using_subcommand start" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c git-sera -n "__fish_git_sera_using_subcommand stop" -s C -l repo -d 'Work on the repository that holds PATH' -r -F
complete -c git-sera -n "__fish_git_sera_using_subcommand stop" -l color -d 'Use colour always, never, or (auto) on a terminal unless NO_COLOR is set' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'In any case'
never\t'In no case'"
complete -c git-sera -n "__fish_git_sera_using_subcommand stop" -l json -d 'Print the result as one line of JSON'
complete -c git-sera -n "__fish_git_sera_using_subcommand stop" -s q -l quiet -d 'Say nothing but results and errors'
complete -c git-sera -n "__fish_git_sera_using_subcommand stop" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c git-sera -n "__fish_git_sera_using_subcommand run" -s C -l repo -d 'Work on the repository that holds PATH' -r -F
complete -c git-sera -n "__fish_git_sera_using_subcommand run" -l color -d 'Use colour always, never, or (auto) on a terminal unless NO_COLOR is set' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'In any case'
never\t'In no case'"
complete -c git-sera -n "__fish_git_sera_using_subcommand run" -l json -d 'Print the result as one line of JSON'
complete -c git-sera -n "__fish_git_sera_using_subcommand run" -s q -l quiet -d 'Say nothing but results and errors'
complete -c git-sera -n "__fish_git_sera_using_subcommand run" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c git-sera -n "__fish_git_sera_using_subcommand man" -s C -l repo -d 'Work on the repository that holds PATH' -r -F
complete -c git-sera -n "__fish_git_sera_using_subcommand man" -l color -d 'Use colour always, never, or (auto) on a terminal unless NO_COLOR is set' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'In any case'
never\t'In no case'"
complete -c git-sera -n "__fish_git_sera_using_subcommand man" -l json -d 'Print the result as one line of JSON'
complete -c git-sera -n "__fish_git_sera_using_subcommand man" -s q -l quiet -d 'Say nothing but results and errors'
complete -c git-sera -n "__fish_git_sera_using_subcommand man" -s h -l help -d 'Print help'
complete -c git-sera -n "__fish_git_sera_using_subcommand completions" -s C -l repo -d 'Work on the repository that holds PATH' -r -F
complete -c git-sera -n "__fish_git_sera_using_subcommand completions" -l color -d 'Use colour always, never, or (auto) on a terminal unless NO_COLOR is set' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'In any case'
never\t'In no case'"
complete -c git-sera -n "__fish_git_sera_using_subcommand completions" -l json -d 'Print the result as one line of JSON'
complete -c git-sera -n "__fish_git_sera_using_subcommand completions" -s q -l quiet -d 'Say nothing but results and errors'
complete -c git-sera -n "__fish_git_sera_using_subcommand completions" -s h -l help -d 'Print help'
