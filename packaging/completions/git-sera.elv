
use builtin;
use str;

set edit:completion:arg-completer[git-sera] = {|@words|
    fn spaces {|n|
        builtin:repeat $n ' ' | str:join ''
    }
    fn cand {|text desc|
        edit:complex-candidate $text &display=$text' '(spaces (- 14 (wcswidth $text)))$desc
    }
    var command = 'git-sera'
    for word $words[1..-1] {
        if (str:has-prefix $word '-') {
            break
        }
        set command = $command';'$word
    }
    var completions = [
        &'git-sera'= {
            cand -C 'Work on the repository that holds PATH'
            cand --repo 'Work on the repository that holds PATH'
            cand --color 'Use colour always, never, or (auto) on a terminal unless NO_COLOR is set'
            cand --json 'Print the result as one line of JSON'
            cand -q 'Say nothing but results and errors'
            cand --quiet 'Say nothing but results and errors'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
            cand quickstart 'Go the whole way once: mine, train, evaluate, decide, fix one held-out task'
            cand fix 'Propose a change that puts something right'
            cand status 'Show what the daemon knows of its repositories and what it is doing'
            cand register 'Watch this repository from now on'
            cand unregister 'Stop watching this repository; what was learned stays, hooks are taken out'
            cand mine 'Find the functions and commits that tasks can be made from'
            cand synthesize 'Make tasks from the functions and commits that were mined'
            cand rollout 'Have tasks solved in isolated environments and keep the attempts that hold'
            cand verify 'Judge the stored attempts again and select those to train on'
            cand select 'Choose again what is trained on, without any rollout'
            cand train 'Train an adapter on the selected attempts'
            cand evaluate 'Compare the newest adapter with the base on held-out work'
            cand promote 'Let the newest adapter serve what it is better at, or say why not'
            cand export 'Write what is trained on out for other trainers'
            cand import 'Take trajectories in that were made elsewhere'
            cand log 'List the stored trajectories, newest first'
            cand show 'Show a stored trajectory: its task, every step, and what it changed'
            cand why 'Say why something is trained on, or why it is not'
            cand forget 'Remove something from all that is stored, and everything that was made of it'
            cand consent 'List what you agreed to for this repository, or take it back'
            cand audit 'Check the audit log and list what it holds, newest first'
            cand fsck 'Check everything that is stored and rebuild the index'
            cand doctor 'Show what is enforced on this machine'
            cand sandbox 'Prepare what commands of models run in'
            cand start 'Start the daemon where none runs; other commands do so by themselves'
            cand stop 'Stop the daemon; jobs save their state and resume next time'
            cand run 'Run the daemon in the foreground, as service managers do'
            cand man 'Write the man pages into a folder, such as ~/.local/share/man/man1'
            cand completions 'Print the completions of a shell'
        }
        &'git-sera;quickstart'= {
            cand --train-seconds 'Train for about this many seconds'
            cand --evaluate-seconds 'Evaluate for about this many seconds'
            cand --base 'Take the base from here: a file, `wheel:NAME==VERSION` or `hf:OWNER/REPOSITORY/FILE`'
            cand --student-tasks 'Let the student try this many training tasks itself'
            cand -C 'Work on the repository that holds PATH'
            cand --repo 'Work on the repository that holds PATH'
            cand --color 'Use colour always, never, or (auto) on a terminal unless NO_COLOR is set'
            cand --json 'Print the result as one line of JSON'
            cand -q 'Say nothing but results and errors'
            cand --quiet 'Say nothing but results and errors'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'git-sera;fix'= {
            cand --show 'Show the N best proposals'
            cand -C 'Work on the repository that holds PATH'
            cand --repo 'Work on the repository that holds PATH'
            cand --color 'Use colour always, never, or (auto) on a terminal unless NO_COLOR is set'
            cand --apply 'Write the best proposal into the work tree'
            cand --json 'Print the result as one line of JSON'
            cand -q 'Say nothing but results and errors'
            cand --quiet 'Say nothing but results and errors'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'git-sera;status'= {
            cand -C 'Work on the repository that holds PATH'
            cand --repo 'Work on the repository that holds PATH'
            cand --color 'Use colour always, never, or (auto) on a terminal unless NO_COLOR is set'
            cand --json 'Print the result as one line of JSON'
            cand -q 'Say nothing but results and errors'
            cand --quiet 'Say nothing but results and errors'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'git-sera;register'= {
            cand --hooks 'Put hooks in: config, in a file that .git/config includes (git 2.54 and later run them); files, as a marked block in shell scripts that stand in .git/hooks and as a post-rewrite of our own; none; auto, config where git runs such and else none. Without it sera.hooks says'
            cand -C 'Work on the repository that holds PATH'
            cand --repo 'Work on the repository that holds PATH'
            cand --color 'Use colour always, never, or (auto) on a terminal unless NO_COLOR is set'
            cand --json 'Print the result as one line of JSON'
            cand -q 'Say nothing but results and errors'
            cand --quiet 'Say nothing but results and errors'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'git-sera;unregister'= {
            cand -C 'Work on the repository that holds PATH'
            cand --repo 'Work on the repository that holds PATH'
            cand --color 'Use colour always, never, or (auto) on a terminal unless NO_COLOR is set'
            cand --json 'Print the result as one line of JSON'
            cand -q 'Say nothing but results and errors'
            cand --quiet 'Say nothing but results and errors'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'git-sera;mine'= {
            cand -C 'Work on the repository that holds PATH'
            cand --repo 'Work on the repository that holds PATH'
            cand --color 'Use colour always, never, or (auto) on a terminal unless NO_COLOR is set'
            cand --explain 'List every candidate that was left out, with its reason'
            cand --json 'Print the result as one line of JSON'
            cand -q 'Say nothing but results and errors'
            cand --quiet 'Say nothing but results and errors'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'git-sera;synthesize'= {
            cand --limit 'Make at most this many tasks'
            cand -C 'Work on the repository that holds PATH'
            cand --repo 'Work on the repository that holds PATH'
            cand --color 'Use colour always, never, or (auto) on a terminal unless NO_COLOR is set'
            cand --json 'Print the result as one line of JSON'
            cand -q 'Say nothing but results and errors'
            cand --quiet 'Say nothing but results and errors'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'git-sera;rollout'= {
            cand --limit 'Solve at most this many tasks, and have the teacher work on at most this many functions'
            cand --attempts 'Have the served student make N attempts at each of up to 50 training tasks, and keep what holds to be trained on: at most 3 for a task, and at most half of what is trained on'
            cand -C 'Work on the repository that holds PATH'
            cand --repo 'Work on the repository that holds PATH'
            cand --color 'Use colour always, never, or (auto) on a terminal unless NO_COLOR is set'
            cand --student 'Let the student try a few training tasks, too'
            cand --procedural 'Leave the configured teacher out'
            cand --dry-run 'Print the first request that the teacher would be sent, and do nothing'
            cand --retry 'Ask the teacher again where it refused, or never ended its reply, in an earlier run'
            cand --consent 'Agree that code of this repository is sent to the teacher'
            cand --json 'Print the result as one line of JSON'
            cand -q 'Say nothing but results and errors'
            cand --quiet 'Say nothing but results and errors'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'git-sera;verify'= {
            cand -C 'Work on the repository that holds PATH'
            cand --repo 'Work on the repository that holds PATH'
            cand --color 'Use colour always, never, or (auto) on a terminal unless NO_COLOR is set'
            cand --json 'Print the result as one line of JSON'
            cand -q 'Say nothing but results and errors'
            cand --quiet 'Say nothing but results and errors'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'git-sera;select'= {
            cand --min-recall 'Accept attempts from this weighted recall on: the share of the reference''s changed lines that were reproduced, where trivial lines count a fifth [usual: 0.5]'
            cand --max-patch 'Leave out attempts that change more lines than this [usual: 40]'
            cand --mix 'Bound what sources make of the whole, from 0 to 1: report=0.5,commit=0.2. Sources are mutation, commit, request, report, student, imported; those not named have no bound [usual: student=0.5]'
            cand -C 'Work on the repository that holds PATH'
            cand --repo 'Work on the repository that holds PATH'
            cand --color 'Use colour always, never, or (auto) on a terminal unless NO_COLOR is set'
            cand --reset 'Go back to the usual choice'
            cand --json 'Print the result as one line of JSON'
            cand -q 'Say nothing but results and errors'
            cand --quiet 'Say nothing but results and errors'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'git-sera;train'= {
            cand --seconds 'Train for about this many seconds'
            cand --tokens 'Train on about this many tokens'
            cand --seed 'Seed of initial weights and order'
            cand -C 'Work on the repository that holds PATH'
            cand --repo 'Work on the repository that holds PATH'
            cand --color 'Use colour always, never, or (auto) on a terminal unless NO_COLOR is set'
            cand --json 'Print the result as one line of JSON'
            cand -q 'Say nothing but results and errors'
            cand --quiet 'Say nothing but results and errors'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'git-sera;evaluate'= {
            cand --seconds 'Evaluate for about this many seconds'
            cand -C 'Work on the repository that holds PATH'
            cand --repo 'Work on the repository that holds PATH'
            cand --color 'Use colour always, never, or (auto) on a terminal unless NO_COLOR is set'
            cand --json 'Print the result as one line of JSON'
            cand -q 'Say nothing but results and errors'
            cand --quiet 'Say nothing but results and errors'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'git-sera;promote'= {
            cand -C 'Work on the repository that holds PATH'
            cand --repo 'Work on the repository that holds PATH'
            cand --color 'Use colour always, never, or (auto) on a terminal unless NO_COLOR is set'
            cand --json 'Print the result as one line of JSON'
            cand -q 'Say nothing but results and errors'
            cand --quiet 'Say nothing but results and errors'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'git-sera;export'= {
            cand --format 'In what form'
            cand -o 'Write to this file, or for swe-agent and atif to this folder'
            cand --output 'Write to this file, or for swe-agent and atif to this folder'
            cand -C 'Work on the repository that holds PATH'
            cand --repo 'Work on the repository that holds PATH'
            cand --color 'Use colour always, never, or (auto) on a terminal unless NO_COLOR is set'
            cand --json 'Print the result as one line of JSON'
            cand -q 'Say nothing but results and errors'
            cand --quiet 'Say nothing but results and errors'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'git-sera;import'= {
            cand --base 'The commit that was worked on [usual: what each row says, else the last that may be trained on]'
            cand -C 'Work on the repository that holds PATH'
            cand --repo 'Work on the repository that holds PATH'
            cand --color 'Use colour always, never, or (auto) on a terminal unless NO_COLOR is set'
            cand --json 'Print the result as one line of JSON'
            cand -q 'Say nothing but results and errors'
            cand --quiet 'Say nothing but results and errors'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'git-sera;log'= {
            cand -n 'List at most this many'
            cand --limit 'List at most this many'
            cand -C 'Work on the repository that holds PATH'
            cand --repo 'Work on the repository that holds PATH'
            cand --color 'Use colour always, never, or (auto) on a terminal unless NO_COLOR is set'
            cand --json 'Print the result as one line of JSON'
            cand -q 'Say nothing but results and errors'
            cand --quiet 'Say nothing but results and errors'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'git-sera;show'= {
            cand -C 'Work on the repository that holds PATH'
            cand --repo 'Work on the repository that holds PATH'
            cand --color 'Use colour always, never, or (auto) on a terminal unless NO_COLOR is set'
            cand --json 'Print the result as one line of JSON'
            cand -q 'Say nothing but results and errors'
            cand --quiet 'Say nothing but results and errors'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'git-sera;why'= {
            cand -C 'Work on the repository that holds PATH'
            cand --repo 'Work on the repository that holds PATH'
            cand --color 'Use colour always, never, or (auto) on a terminal unless NO_COLOR is set'
            cand --json 'Print the result as one line of JSON'
            cand -q 'Say nothing but results and errors'
            cand --quiet 'Say nothing but results and errors'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'git-sera;forget'= {
            cand -C 'Work on the repository that holds PATH'
            cand --repo 'Work on the repository that holds PATH'
            cand --color 'Use colour always, never, or (auto) on a terminal unless NO_COLOR is set'
            cand -n 'Only say what would be removed'
            cand --dry-run 'Only say what would be removed'
            cand --json 'Print the result as one line of JSON'
            cand -q 'Say nothing but results and errors'
            cand --quiet 'Say nothing but results and errors'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'git-sera;consent'= {
            cand -C 'Work on the repository that holds PATH'
            cand --repo 'Work on the repository that holds PATH'
            cand --color 'Use colour always, never, or (auto) on a terminal unless NO_COLOR is set'
            cand --withdraw 'Take all of it back'
            cand --json 'Print the result as one line of JSON'
            cand -q 'Say nothing but results and errors'
            cand --quiet 'Say nothing but results and errors'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'git-sera;audit'= {
            cand -n 'List at most this many'
            cand --limit 'List at most this many'
            cand --kind 'List only events of this kind; may be given several times'
            cand -C 'Work on the repository that holds PATH'
            cand --repo 'Work on the repository that holds PATH'
            cand --color 'Use colour always, never, or (auto) on a terminal unless NO_COLOR is set'
            cand --restart 'Where the log is damaged, move it aside and begin a new one'
            cand --user 'Check the user''s own log: bases fetched, and containers removed, for no repository'
            cand --json 'Print the result as one line of JSON'
            cand -q 'Say nothing but results and errors'
            cand --quiet 'Say nothing but results and errors'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'git-sera;fsck'= {
            cand -C 'Work on the repository that holds PATH'
            cand --repo 'Work on the repository that holds PATH'
            cand --color 'Use colour always, never, or (auto) on a terminal unless NO_COLOR is set'
            cand --json 'Print the result as one line of JSON'
            cand -q 'Say nothing but results and errors'
            cand --quiet 'Say nothing but results and errors'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'git-sera;doctor'= {
            cand -C 'Work on the repository that holds PATH'
            cand --repo 'Work on the repository that holds PATH'
            cand --color 'Use colour always, never, or (auto) on a terminal unless NO_COLOR is set'
            cand --json 'Print the result as one line of JSON'
            cand -q 'Say nothing but results and errors'
            cand --quiet 'Say nothing but results and errors'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'git-sera;sandbox'= {
            cand -C 'Work on the repository that holds PATH'
            cand --repo 'Work on the repository that holds PATH'
            cand --color 'Use colour always, never, or (auto) on a terminal unless NO_COLOR is set'
            cand --json 'Print the result as one line of JSON'
            cand -q 'Say nothing but results and errors'
            cand --quiet 'Say nothing but results and errors'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand build 'Build the image that containers are made of'
        }
        &'git-sera;sandbox;build'= {
            cand -C 'Work on the repository that holds PATH'
            cand --repo 'Work on the repository that holds PATH'
            cand --color 'Use colour always, never, or (auto) on a terminal unless NO_COLOR is set'
            cand --repository 'Follow this repository''s development container or Dockerfile, as it is at HEAD'
            cand -y 'Build without asking'
            cand --yes 'Build without asking'
            cand -n 'Only show what would be built'
            cand --dry-run 'Only show what would be built'
            cand --json 'Print the result as one line of JSON'
            cand -q 'Say nothing but results and errors'
            cand --quiet 'Say nothing but results and errors'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'git-sera;start'= {
            cand --scheduler 'Have the daemon started by systemd, launchd or schtasks; auto: by the one that is here; none: by nobody but the commands that need it'
            cand -C 'Work on the repository that holds PATH'
            cand --repo 'Work on the repository that holds PATH'
            cand --color 'Use colour always, never, or (auto) on a terminal unless NO_COLOR is set'
            cand --json 'Print the result as one line of JSON'
            cand -q 'Say nothing but results and errors'
            cand --quiet 'Say nothing but results and errors'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'git-sera;stop'= {
            cand -C 'Work on the repository that holds PATH'
            cand --repo 'Work on the repository that holds PATH'
            cand --color 'Use colour always, never, or (auto) on a terminal unless NO_COLOR is set'
            cand --json 'Print the result as one line of JSON'
            cand -q 'Say nothing but results and errors'
            cand --quiet 'Say nothing but results and errors'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'git-sera;run'= {
            cand -C 'Work on the repository that holds PATH'
            cand --repo 'Work on the repository that holds PATH'
            cand --color 'Use colour always, never, or (auto) on a terminal unless NO_COLOR is set'
            cand --json 'Print the result as one line of JSON'
            cand -q 'Say nothing but results and errors'
            cand --quiet 'Say nothing but results and errors'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'git-sera;man'= {
            cand -C 'Work on the repository that holds PATH'
            cand --repo 'Work on the repository that holds PATH'
            cand --color 'Use colour always, never, or (auto) on a terminal unless NO_COLOR is set'
            cand --json 'Print the result as one line of JSON'
            cand -q 'Say nothing but results and errors'
            cand --quiet 'Say nothing but results and errors'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'git-sera;completions'= {
            cand -C 'Work on the repository that holds PATH'
            cand --repo 'Work on the repository that holds PATH'
            cand --color 'Use colour always, never, or (auto) on a terminal unless NO_COLOR is set'
            cand --json 'Print the result as one line of JSON'
            cand -q 'Say nothing but results and errors'
            cand --quiet 'Say nothing but results and errors'
            cand -h 'Print help'
            cand --help 'Print help'
        }
    ]
    $completions[$command]
}
