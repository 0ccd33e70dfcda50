
using namespace System.Management.Automation
using namespace System.Management.Automation.Language

Register-ArgumentCompleter -Native -CommandName 'git-sera' -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)

    $commandElements = $commandAst.CommandElements
    $command = @(
        'git-sera'
        for ($i = 1; $i -lt $commandElements.Count; $i++) {
            $element = $commandElements[$i]
            if ($element -isnot [StringConstantExpressionAst] -or
                $element.StringConstantType -ne [StringConstantType]::BareWord -or
                $element.Value.StartsWith('-') -or
                $element.Value -eq $wordToComplete) {
                break
        }
        $element.Value
    }) -join ';'

    $completions = @(switch ($command) {
        'git-sera' {
            [CompletionResult]::new('-C', '-C ', [CompletionResultType]::ParameterName, 'Work on the repository that holds PATH')
            [CompletionResult]::new('--repo', '--repo', [CompletionResultType]::ParameterName, 'Work on the repository that holds PATH')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Use colour always, never, or (auto) on a terminal unless NO_COLOR is set')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print the result as one line of JSON')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but results and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but results and errors')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('quickstart', 'quickstart', [CompletionResultType]::ParameterValue, 'Go the whole way once: mine, train, evaluate, decide, fix one held-out task')
            [CompletionResult]::new('fix', 'fix', [CompletionResultType]::ParameterValue, 'Propose a change that puts something right')
            [CompletionResult]::new('status', 'status', [CompletionResultType]::ParameterValue, 'Show what the daemon knows of its repositories and what it is doing')
            [CompletionResult]::new('register', 'register', [CompletionResultType]::ParameterValue, 'Watch this repository from now on')
            [CompletionResult]::new('unregister', 'unregister', [CompletionResultType]::ParameterValue, 'Stop watching this repository; what was learned stays, hooks are taken out')
            [CompletionResult]::new('mine', 'mine', [CompletionResultType]::ParameterValue, 'Find the functions and commits that tasks can be made from')
            [CompletionResult]::new('synthesize', 'synthesize', [CompletionResultType]::ParameterValue, 'Make tasks from the functions and commits that were mined')
            [CompletionResult]::new('rollout', 'rollout', [CompletionResultType]::ParameterValue, 'Have tasks solved in isolated environments and keep the attempts that hold')
            [CompletionResult]::new('verify', 'verify', [CompletionResultType]::ParameterValue, 'Judge the stored attempts again and select those to train on')
            [CompletionResult]::new('select', 'select', [CompletionResultType]::ParameterValue, 'Choose again what is trained on, without any rollout')
            [CompletionResult]::new('train', 'train', [CompletionResultType]::ParameterValue, 'Train an adapter on the selected attempts')
            [CompletionResult]::new('evaluate', 'evaluate', [CompletionResultType]::ParameterValue, 'Compare the newest adapter with the base on held-out work')
            [CompletionResult]::new('promote', 'promote', [CompletionResultType]::ParameterValue, 'Let an adapter serve what it is better at, or say why not')
            [CompletionResult]::new('adapters', 'adapters', [CompletionResultType]::ParameterValue, 'List the adapters that are kept, newest first')
            [CompletionResult]::new('rollback', 'rollback', [CompletionResultType]::ParameterValue, 'Let what served before serve again')
            [CompletionResult]::new('report', 'report', [CompletionResultType]::ParameterValue, 'Write a page that proves, or does not, that an adapter is better')
            [CompletionResult]::new('export', 'export', [CompletionResultType]::ParameterValue, 'Write what is trained on out for other trainers')
            [CompletionResult]::new('import', 'import', [CompletionResultType]::ParameterValue, 'Take trajectories in that were made elsewhere')
            [CompletionResult]::new('log', 'log', [CompletionResultType]::ParameterValue, 'List the stored trajectories, newest first')
            [CompletionResult]::new('show', 'show', [CompletionResultType]::ParameterValue, 'Show a stored trajectory: its task, every step, and what it changed')
            [CompletionResult]::new('why', 'why', [CompletionResultType]::ParameterValue, 'Say why something is trained on, or why it is not')
            [CompletionResult]::new('forget', 'forget', [CompletionResultType]::ParameterValue, 'Remove something from all that is stored, and everything that was made of it')
            [CompletionResult]::new('consent', 'consent', [CompletionResultType]::ParameterValue, 'List what you agreed to for this repository, or take it back')
            [CompletionResult]::new('audit', 'audit', [CompletionResultType]::ParameterValue, 'Check the audit log and list what it holds, newest first')
            [CompletionResult]::new('fsck', 'fsck', [CompletionResultType]::ParameterValue, 'Check everything that is stored and rebuild the index')
            [CompletionResult]::new('doctor', 'doctor', [CompletionResultType]::ParameterValue, 'Show what is enforced on this machine')
            [CompletionResult]::new('sandbox', 'sandbox', [CompletionResultType]::ParameterValue, 'Prepare what commands of models run in')
            [CompletionResult]::new('pause', 'pause', [CompletionResultType]::ParameterValue, 'Hold still all that takes minutes, training in the middle of it included')
            [CompletionResult]::new('resume', 'resume', [CompletionResultType]::ParameterValue, 'Go on after `git sera pause`, and try again what was set aside')
            [CompletionResult]::new('start', 'start', [CompletionResultType]::ParameterValue, 'Start the daemon where none runs; other commands do so by themselves')
            [CompletionResult]::new('stop', 'stop', [CompletionResultType]::ParameterValue, 'Stop the daemon; jobs save their state and resume next time')
            [CompletionResult]::new('run', 'run', [CompletionResultType]::ParameterValue, 'Run the daemon in the foreground, as service managers do')
            [CompletionResult]::new('man', 'man', [CompletionResultType]::ParameterValue, 'Write the man pages into a folder, such as ~/.local/share/man/man1')
            [CompletionResult]::new('completions', 'completions', [CompletionResultType]::ParameterValue, 'Print the completions of a shell')
            break
        }
        'git-sera;quickstart' {
            [CompletionResult]::new('--train-seconds', '--train-seconds', [CompletionResultType]::ParameterName, 'Train for about this many seconds')
            [CompletionResult]::new('--evaluate-seconds', '--evaluate-seconds', [CompletionResultType]::ParameterName, 'Evaluate for about this many seconds')
            [CompletionResult]::new('--base', '--base', [CompletionResultType]::ParameterName, 'Take the base from here: a file, `wheel:NAME==VERSION` or `hf:OWNER/REPOSITORY/FILE`')
            [CompletionResult]::new('--student-tasks', '--student-tasks', [CompletionResultType]::ParameterName, 'Let the student try this many training tasks itself')
            [CompletionResult]::new('-C', '-C ', [CompletionResultType]::ParameterName, 'Work on the repository that holds PATH')
            [CompletionResult]::new('--repo', '--repo', [CompletionResultType]::ParameterName, 'Work on the repository that holds PATH')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Use colour always, never, or (auto) on a terminal unless NO_COLOR is set')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print the result as one line of JSON')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but results and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but results and errors')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'git-sera;fix' {
            [CompletionResult]::new('--show', '--show', [CompletionResultType]::ParameterName, 'Show the N best proposals')
            [CompletionResult]::new('-C', '-C ', [CompletionResultType]::ParameterName, 'Work on the repository that holds PATH')
            [CompletionResult]::new('--repo', '--repo', [CompletionResultType]::ParameterName, 'Work on the repository that holds PATH')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Use colour always, never, or (auto) on a terminal unless NO_COLOR is set')
            [CompletionResult]::new('--apply', '--apply', [CompletionResultType]::ParameterName, 'Write the best proposal into the work tree')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print the result as one line of JSON')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but results and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but results and errors')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'git-sera;status' {
            [CompletionResult]::new('-C', '-C ', [CompletionResultType]::ParameterName, 'Work on the repository that holds PATH')
            [CompletionResult]::new('--repo', '--repo', [CompletionResultType]::ParameterName, 'Work on the repository that holds PATH')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Use colour always, never, or (auto) on a terminal unless NO_COLOR is set')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print the result as one line of JSON')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but results and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but results and errors')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'git-sera;register' {
            [CompletionResult]::new('--hooks', '--hooks', [CompletionResultType]::ParameterName, 'Put hooks in: config, in a file that .git/config includes (git 2.54 and later run them); files, as a marked block in shell scripts that stand in .git/hooks and as a post-rewrite of our own; none; auto, config where git runs such and else none. Without it sera.hooks says')
            [CompletionResult]::new('-C', '-C ', [CompletionResultType]::ParameterName, 'Work on the repository that holds PATH')
            [CompletionResult]::new('--repo', '--repo', [CompletionResultType]::ParameterName, 'Work on the repository that holds PATH')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Use colour always, never, or (auto) on a terminal unless NO_COLOR is set')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print the result as one line of JSON')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but results and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but results and errors')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'git-sera;unregister' {
            [CompletionResult]::new('-C', '-C ', [CompletionResultType]::ParameterName, 'Work on the repository that holds PATH')
            [CompletionResult]::new('--repo', '--repo', [CompletionResultType]::ParameterName, 'Work on the repository that holds PATH')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Use colour always, never, or (auto) on a terminal unless NO_COLOR is set')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print the result as one line of JSON')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but results and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but results and errors')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'git-sera;mine' {
            [CompletionResult]::new('-C', '-C ', [CompletionResultType]::ParameterName, 'Work on the repository that holds PATH')
            [CompletionResult]::new('--repo', '--repo', [CompletionResultType]::ParameterName, 'Work on the repository that holds PATH')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Use colour always, never, or (auto) on a terminal unless NO_COLOR is set')
            [CompletionResult]::new('--explain', '--explain', [CompletionResultType]::ParameterName, 'List every candidate that was left out, with its reason')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print the result as one line of JSON')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but results and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but results and errors')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'git-sera;synthesize' {
            [CompletionResult]::new('--limit', '--limit', [CompletionResultType]::ParameterName, 'Make at most this many tasks')
            [CompletionResult]::new('-C', '-C ', [CompletionResultType]::ParameterName, 'Work on the repository that holds PATH')
            [CompletionResult]::new('--repo', '--repo', [CompletionResultType]::ParameterName, 'Work on the repository that holds PATH')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Use colour always, never, or (auto) on a terminal unless NO_COLOR is set')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print the result as one line of JSON')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but results and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but results and errors')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'git-sera;rollout' {
            [CompletionResult]::new('--limit', '--limit', [CompletionResultType]::ParameterName, 'Solve at most this many tasks, and have the teacher work on at most this many functions')
            [CompletionResult]::new('--attempts', '--attempts', [CompletionResultType]::ParameterName, 'Have the served student make N attempts at each of up to 50 training tasks, and keep what holds to be trained on: at most 3 for a task, and at most half of what is trained on')
            [CompletionResult]::new('-C', '-C ', [CompletionResultType]::ParameterName, 'Work on the repository that holds PATH')
            [CompletionResult]::new('--repo', '--repo', [CompletionResultType]::ParameterName, 'Work on the repository that holds PATH')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Use colour always, never, or (auto) on a terminal unless NO_COLOR is set')
            [CompletionResult]::new('--student', '--student', [CompletionResultType]::ParameterName, 'Let the student try a few training tasks, too')
            [CompletionResult]::new('--procedural', '--procedural', [CompletionResultType]::ParameterName, 'Leave the configured teacher out')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Print the first request that the teacher would be sent, and do nothing')
            [CompletionResult]::new('--retry', '--retry', [CompletionResultType]::ParameterName, 'Ask the teacher again where it refused, or never ended its reply, in an earlier run')
            [CompletionResult]::new('--consent', '--consent', [CompletionResultType]::ParameterName, 'Agree that code of this repository is sent to the teacher')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print the result as one line of JSON')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but results and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but results and errors')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'git-sera;verify' {
            [CompletionResult]::new('-C', '-C ', [CompletionResultType]::ParameterName, 'Work on the repository that holds PATH')
            [CompletionResult]::new('--repo', '--repo', [CompletionResultType]::ParameterName, 'Work on the repository that holds PATH')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Use colour always, never, or (auto) on a terminal unless NO_COLOR is set')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print the result as one line of JSON')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but results and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but results and errors')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'git-sera;select' {
            [CompletionResult]::new('--min-recall', '--min-recall', [CompletionResultType]::ParameterName, 'Accept attempts from this weighted recall on: the share of the reference''s changed lines that were reproduced, where trivial lines count a fifth [usual: 0.5]')
            [CompletionResult]::new('--max-patch', '--max-patch', [CompletionResultType]::ParameterName, 'Leave out attempts that change more lines than this [usual: 40]')
            [CompletionResult]::new('--mix', '--mix', [CompletionResultType]::ParameterName, 'Bound what sources make of the whole, from 0 to 1: report=0.5,commit=0.2. Sources are mutation, commit, request, report, student, imported; those not named have no bound [usual: student=0.5]')
            [CompletionResult]::new('-C', '-C ', [CompletionResultType]::ParameterName, 'Work on the repository that holds PATH')
            [CompletionResult]::new('--repo', '--repo', [CompletionResultType]::ParameterName, 'Work on the repository that holds PATH')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Use colour always, never, or (auto) on a terminal unless NO_COLOR is set')
            [CompletionResult]::new('--reset', '--reset', [CompletionResultType]::ParameterName, 'Go back to the usual choice')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print the result as one line of JSON')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but results and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but results and errors')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'git-sera;train' {
            [CompletionResult]::new('--seconds', '--seconds', [CompletionResultType]::ParameterName, 'Train for about this many seconds')
            [CompletionResult]::new('--tokens', '--tokens', [CompletionResultType]::ParameterName, 'Train on about this many tokens')
            [CompletionResult]::new('--seed', '--seed', [CompletionResultType]::ParameterName, 'Seed of initial weights and order')
            [CompletionResult]::new('-C', '-C ', [CompletionResultType]::ParameterName, 'Work on the repository that holds PATH')
            [CompletionResult]::new('--repo', '--repo', [CompletionResultType]::ParameterName, 'Work on the repository that holds PATH')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Use colour always, never, or (auto) on a terminal unless NO_COLOR is set')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print the result as one line of JSON')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but results and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but results and errors')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'git-sera;evaluate' {
            [CompletionResult]::new('--seconds', '--seconds', [CompletionResultType]::ParameterName, 'Evaluate for about this many seconds')
            [CompletionResult]::new('-C', '-C ', [CompletionResultType]::ParameterName, 'Work on the repository that holds PATH')
            [CompletionResult]::new('--repo', '--repo', [CompletionResultType]::ParameterName, 'Work on the repository that holds PATH')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Use colour always, never, or (auto) on a terminal unless NO_COLOR is set')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print the result as one line of JSON')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but results and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but results and errors')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'git-sera;promote' {
            [CompletionResult]::new('--capability', '--capability', [CompletionResultType]::ParameterName, 'Have it serve only this; may be given several times')
            [CompletionResult]::new('-C', '-C ', [CompletionResultType]::ParameterName, 'Work on the repository that holds PATH')
            [CompletionResult]::new('--repo', '--repo', [CompletionResultType]::ParameterName, 'Work on the repository that holds PATH')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Use colour always, never, or (auto) on a terminal unless NO_COLOR is set')
            [CompletionResult]::new('--force', '--force', [CompletionResultType]::ParameterName, 'Have it serve whatever the numbers say')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print the result as one line of JSON')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but results and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but results and errors')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'git-sera;adapters' {
            [CompletionResult]::new('-C', '-C ', [CompletionResultType]::ParameterName, 'Work on the repository that holds PATH')
            [CompletionResult]::new('--repo', '--repo', [CompletionResultType]::ParameterName, 'Work on the repository that holds PATH')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Use colour always, never, or (auto) on a terminal unless NO_COLOR is set')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print the result as one line of JSON')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but results and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but results and errors')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'git-sera;rollback' {
            [CompletionResult]::new('--capability', '--capability', [CompletionResultType]::ParameterName, 'Only what serves this; everything where it is left out')
            [CompletionResult]::new('-C', '-C ', [CompletionResultType]::ParameterName, 'Work on the repository that holds PATH')
            [CompletionResult]::new('--repo', '--repo', [CompletionResultType]::ParameterName, 'Work on the repository that holds PATH')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Use colour always, never, or (auto) on a terminal unless NO_COLOR is set')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print the result as one line of JSON')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but results and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but results and errors')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'git-sera;report' {
            [CompletionResult]::new('--adapter', '--adapter', [CompletionResultType]::ParameterName, 'The adapter''s id, or how it ends: `git sera status --json` lists them [default: the newest]')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Write to this file [default: reports/<ADAPTER>.html in the folder sera of the git folder]')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Write to this file [default: reports/<ADAPTER>.html in the folder sera of the git folder]')
            [CompletionResult]::new('-C', '-C ', [CompletionResultType]::ParameterName, 'Work on the repository that holds PATH')
            [CompletionResult]::new('--repo', '--repo', [CompletionResultType]::ParameterName, 'Work on the repository that holds PATH')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Use colour always, never, or (auto) on a terminal unless NO_COLOR is set')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print the result as one line of JSON')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but results and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but results and errors')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'git-sera;export' {
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'In what form')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Write to this file, or for swe-agent and atif to this folder')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Write to this file, or for swe-agent and atif to this folder')
            [CompletionResult]::new('-C', '-C ', [CompletionResultType]::ParameterName, 'Work on the repository that holds PATH')
            [CompletionResult]::new('--repo', '--repo', [CompletionResultType]::ParameterName, 'Work on the repository that holds PATH')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Use colour always, never, or (auto) on a terminal unless NO_COLOR is set')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print the result as one line of JSON')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but results and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but results and errors')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'git-sera;import' {
            [CompletionResult]::new('--base', '--base', [CompletionResultType]::ParameterName, 'The commit that was worked on [usual: what each row says, else the last that may be trained on]')
            [CompletionResult]::new('-C', '-C ', [CompletionResultType]::ParameterName, 'Work on the repository that holds PATH')
            [CompletionResult]::new('--repo', '--repo', [CompletionResultType]::ParameterName, 'Work on the repository that holds PATH')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Use colour always, never, or (auto) on a terminal unless NO_COLOR is set')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print the result as one line of JSON')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but results and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but results and errors')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'git-sera;log' {
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'List at most this many')
            [CompletionResult]::new('--limit', '--limit', [CompletionResultType]::ParameterName, 'List at most this many')
            [CompletionResult]::new('-C', '-C ', [CompletionResultType]::ParameterName, 'Work on the repository that holds PATH')
            [CompletionResult]::new('--repo', '--repo', [CompletionResultType]::ParameterName, 'Work on the repository that holds PATH')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Use colour always, never, or (auto) on a terminal unless NO_COLOR is set')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print the result as one line of JSON')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but results and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but results and errors')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'git-sera;show' {
            [CompletionResult]::new('-C', '-C ', [CompletionResultType]::ParameterName, 'Work on the repository that holds PATH')
            [CompletionResult]::new('--repo', '--repo', [CompletionResultType]::ParameterName, 'Work on the repository that holds PATH')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Use colour always, never, or (auto) on a terminal unless NO_COLOR is set')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print the result as one line of JSON')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but results and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but results and errors')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'git-sera;why' {
            [CompletionResult]::new('-C', '-C ', [CompletionResultType]::ParameterName, 'Work on the repository that holds PATH')
            [CompletionResult]::new('--repo', '--repo', [CompletionResultType]::ParameterName, 'Work on the repository that holds PATH')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Use colour always, never, or (auto) on a terminal unless NO_COLOR is set')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print the result as one line of JSON')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but results and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but results and errors')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'git-sera;forget' {
            [CompletionResult]::new('-C', '-C ', [CompletionResultType]::ParameterName, 'Work on the repository that holds PATH')
            [CompletionResult]::new('--repo', '--repo', [CompletionResultType]::ParameterName, 'Work on the repository that holds PATH')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Use colour always, never, or (auto) on a terminal unless NO_COLOR is set')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Only say what would be removed')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Only say what would be removed')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print the result as one line of JSON')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but results and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but results and errors')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'git-sera;consent' {
            [CompletionResult]::new('-C', '-C ', [CompletionResultType]::ParameterName, 'Work on the repository that holds PATH')
            [CompletionResult]::new('--repo', '--repo', [CompletionResultType]::ParameterName, 'Work on the repository that holds PATH')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Use colour always, never, or (auto) on a terminal unless NO_COLOR is set')
            [CompletionResult]::new('--withdraw', '--withdraw', [CompletionResultType]::ParameterName, 'Take all of it back')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print the result as one line of JSON')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but results and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but results and errors')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'git-sera;audit' {
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'List at most this many')
            [CompletionResult]::new('--limit', '--limit', [CompletionResultType]::ParameterName, 'List at most this many')
            [CompletionResult]::new('--kind', '--kind', [CompletionResultType]::ParameterName, 'List only events of this kind; may be given several times')
            [CompletionResult]::new('-C', '-C ', [CompletionResultType]::ParameterName, 'Work on the repository that holds PATH')
            [CompletionResult]::new('--repo', '--repo', [CompletionResultType]::ParameterName, 'Work on the repository that holds PATH')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Use colour always, never, or (auto) on a terminal unless NO_COLOR is set')
            [CompletionResult]::new('--restart', '--restart', [CompletionResultType]::ParameterName, 'Where the log is damaged, move it aside and begin a new one')
            [CompletionResult]::new('--user', '--user', [CompletionResultType]::ParameterName, 'Check the user''s own log: bases fetched, and containers removed, for no repository')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print the result as one line of JSON')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but results and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but results and errors')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'git-sera;fsck' {
            [CompletionResult]::new('-C', '-C ', [CompletionResultType]::ParameterName, 'Work on the repository that holds PATH')
            [CompletionResult]::new('--repo', '--repo', [CompletionResultType]::ParameterName, 'Work on the repository that holds PATH')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Use colour always, never, or (auto) on a terminal unless NO_COLOR is set')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print the result as one line of JSON')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but results and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but results and errors')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'git-sera;doctor' {
            [CompletionResult]::new('-C', '-C ', [CompletionResultType]::ParameterName, 'Work on the repository that holds PATH')
            [CompletionResult]::new('--repo', '--repo', [CompletionResultType]::ParameterName, 'Work on the repository that holds PATH')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Use colour always, never, or (auto) on a terminal unless NO_COLOR is set')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print the result as one line of JSON')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but results and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but results and errors')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'git-sera;sandbox' {
            [CompletionResult]::new('-C', '-C ', [CompletionResultType]::ParameterName, 'Work on the repository that holds PATH')
            [CompletionResult]::new('--repo', '--repo', [CompletionResultType]::ParameterName, 'Work on the repository that holds PATH')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Use colour always, never, or (auto) on a terminal unless NO_COLOR is set')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print the result as one line of JSON')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but results and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but results and errors')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('build', 'build', [CompletionResultType]::ParameterValue, 'Build the image that containers are made of')
            break
        }
        'git-sera;sandbox;build' {
            [CompletionResult]::new('-C', '-C ', [CompletionResultType]::ParameterName, 'Work on the repository that holds PATH')
            [CompletionResult]::new('--repo', '--repo', [CompletionResultType]::ParameterName, 'Work on the repository that holds PATH')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Use colour always, never, or (auto) on a terminal unless NO_COLOR is set')
            [CompletionResult]::new('--repository', '--repository', [CompletionResultType]::ParameterName, 'Follow this repository''s development container or Dockerfile, as it is at HEAD')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Build without asking')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Build without asking')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Only show what would be built')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Only show what would be built')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print the result as one line of JSON')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but results and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but results and errors')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'git-sera;pause' {
            [CompletionResult]::new('--for', '--for', [CompletionResultType]::ParameterName, 'For so long, such as 30m, 2h or "1h 30m"; until `git sera resume` without it')
            [CompletionResult]::new('-C', '-C ', [CompletionResultType]::ParameterName, 'Work on the repository that holds PATH')
            [CompletionResult]::new('--repo', '--repo', [CompletionResultType]::ParameterName, 'Work on the repository that holds PATH')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Use colour always, never, or (auto) on a terminal unless NO_COLOR is set')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print the result as one line of JSON')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but results and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but results and errors')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'git-sera;resume' {
            [CompletionResult]::new('-C', '-C ', [CompletionResultType]::ParameterName, 'Work on the repository that holds PATH')
            [CompletionResult]::new('--repo', '--repo', [CompletionResultType]::ParameterName, 'Work on the repository that holds PATH')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Use colour always, never, or (auto) on a terminal unless NO_COLOR is set')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print the result as one line of JSON')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but results and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but results and errors')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'git-sera;start' {
            [CompletionResult]::new('--scheduler', '--scheduler', [CompletionResultType]::ParameterName, 'Have the daemon started by systemd, launchd or schtasks; auto: by the one that is here; none: by nobody but the commands that need it')
            [CompletionResult]::new('-C', '-C ', [CompletionResultType]::ParameterName, 'Work on the repository that holds PATH')
            [CompletionResult]::new('--repo', '--repo', [CompletionResultType]::ParameterName, 'Work on the repository that holds PATH')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Use colour always, never, or (auto) on a terminal unless NO_COLOR is set')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print the result as one line of JSON')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but results and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but results and errors')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'git-sera;stop' {
            [CompletionResult]::new('-C', '-C ', [CompletionResultType]::ParameterName, 'Work on the repository that holds PATH')
            [CompletionResult]::new('--repo', '--repo', [CompletionResultType]::ParameterName, 'Work on the repository that holds PATH')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Use colour always, never, or (auto) on a terminal unless NO_COLOR is set')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print the result as one line of JSON')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but results and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but results and errors')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'git-sera;run' {
            [CompletionResult]::new('-C', '-C ', [CompletionResultType]::ParameterName, 'Work on the repository that holds PATH')
            [CompletionResult]::new('--repo', '--repo', [CompletionResultType]::ParameterName, 'Work on the repository that holds PATH')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Use colour always, never, or (auto) on a terminal unless NO_COLOR is set')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print the result as one line of JSON')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but results and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but results and errors')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'git-sera;man' {
            [CompletionResult]::new('-C', '-C ', [CompletionResultType]::ParameterName, 'Work on the repository that holds PATH')
            [CompletionResult]::new('--repo', '--repo', [CompletionResultType]::ParameterName, 'Work on the repository that holds PATH')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Use colour always, never, or (auto) on a terminal unless NO_COLOR is set')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print the result as one line of JSON')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but results and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but results and errors')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'git-sera;completions' {
            [CompletionResult]::new('-C', '-C ', [CompletionResultType]::ParameterName, 'Work on the repository that holds PATH')
            [CompletionResult]::new('--repo', '--repo', [CompletionResultType]::ParameterName, 'Work on the repository that holds PATH')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Use colour always, never, or (auto) on a terminal unless NO_COLOR is set')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print the result as one line of JSON')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but results and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but results and errors')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
    })

    $completions.Where{ $_.CompletionText -like "$wordToComplete*" } |
        Sort-Object -Property ListItemText
}
