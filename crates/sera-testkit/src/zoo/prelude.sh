# What the scripts of the zoo call.
export GIT_AUTHOR_NAME='Ada Example' GIT_AUTHOR_EMAIL=ada@example.invalid
export GIT_COMMITTER_NAME='Ada Example' GIT_COMMITTER_EMAIL=ada@example.invalid
now=1700000000

# The next commit is an hour younger.
tick() {
    now=$((now + 3600))
    export GIT_AUTHOR_DATE="$now +0000" GIT_COMMITTER_DATE="$now +0000"
}

# A function that is mined.
function() {
    printf 'def %s(values):\n    total = sum(values)\n    return total / len(values)\n' "$1"
}

# Commits everything, with a message.
commit() {
    tick
    git add -A
    git commit -q --allow-empty -m "$1"
}

# What `base` copies.
make_base() {
    git config --global init.defaultBranch main
    git config --global protocol.file.allow always
    git config --global gc.auto 0
    git config --global maintenance.auto false
    git config --global advice.detachedHead false
    git init -q --template= base
    cd base
    echo '# A few numbers' >README.md
    commit 'Say what this is'
    {
        printf 'def clamp(value, low, high):\n    if value < low:\n        return low\n'
        printf '    if value > high:\n        return high\n    return value\n\n\n'
        printf 'def spread(values):\n    smallest = min(values)\n'
        printf '    return max(values) - smallest\n\n\n'
        function mean
    } >a.py
    commit 'Add numbers.py'
    sed -i 's|    total = sum|    if not values:\n        return 0\n    total = sum|' a.py
    commit 'The mean of nothing is nothing'
    cat >"$ZOO/names" <<END
head=$(git rev-parse HEAD)
tree=$(git rev-parse HEAD^{tree})
blob=$(git rev-parse HEAD:a.py)
who='A <a@b> 1700100000 +0000'
from='tree $(git rev-parse HEAD^{tree})\nparent $(git rev-parse HEAD)'
by='author A <a@b> 1700100000 +0000\ncommitter A <a@b> 1700100000 +0000'
END
}

# A copy of those three commits, and into it. `$head`, `$tree` and `$blob` (of `a.py`) name
# them; `$from` and `$by` are the usual headers of a commit on top.
base() {
    . "$ZOO/names"
    cp -a "$ZOO/base" "${1:-work}"
    cd "${1:-work}"
    now=1700010800
}

# The file of a loose object.
loose() {
    id=$(git rev-parse "$1")
    rest=${id#??}
    echo ".git/objects/${id%"$rest"}/$rest"
}

# Writes an object that git itself would not, and prints its id.
object() {
    git hash-object -t "$1" -w --stdin --literally
}

# The bytes of an id, as trees hold them.
bytes() {
    for byte in $(printf %s "$1" | sed 's/../& /g'); do
        printf "\\$(printf %o "0x$byte")"
    done
}

# The head of a commit that git fast-import reads, one hour later, with a message of 9 letters.
import() {
    tick
    printf 'commit refs/heads/main\ncommitter %s %s +0000\n' 'A <a@b>' $now
    printf 'data 9\n%s\n' "$1"
}

# A commit of this text becomes the tip of main, whatever git thinks of it.
raw_commit() {
    printf "$1" | object commit >.git/raw
    mv .git/raw .git/refs/heads/main
}
