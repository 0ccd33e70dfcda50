//! A small Python repository with a history like real ones: modules arrive, then bugs are fixed,
//! among a merge, a bot, a lockfile, a revert, an assistant's commit, a format change and a
//! comment that mining has to tell apart.
use crate::{AUTHOR, BOT, History, Repo};

/// A change of one file: message, path, text before, text after. The text after stands in the
/// final source, so that the sources in `sources/python` are what the repository's tip holds.
type Edit = (&'static str, &'static str, &'static str, &'static str);

macro_rules! sources {
    ($($path:literal),* $(,)?) => {
        vec![$(($path, include_str!(concat!("../sources/python/", $path)))),*]
    };
}

/// Path and text, at the tip, of every Python file of [`python_project`], in order of arrival.
pub fn python_sources() -> Vec<(&'static str, &'static str)> {
    sources![
        "stockroom/__init__.py",
        "stockroom/text.py",
        "stockroom/money.py",
        "stockroom/dates.py",
        "stockroom/inventory.py",
        "stockroom/pricing.py",
        "stockroom/orders.py",
        "stockroom/parser.py",
        "stockroom/graph.py",
        "stockroom/stats.py",
        "stockroom/cache.py",
        "stockroom/report.py",
        "tests/test_money.py",
    ]
}

/// A Python repository: 12 modules with over 90 functions, 50 commits of which 31 fix something.
pub fn python_project() -> Repo {
    python_history().build()
}

fn python_history() -> History {
    let mut history = History::new();
    history.commit(AUTHOR, "Say what this is", &[("README.md", "# Stockroom\n")]);
    for (path, text) in python_sources() {
        let module = path.rsplit('/').next().unwrap_or(path);
        history.commit(AUTHOR, &format!("Add {module}"), &[(path, &before_fixes(path, text))]);
    }
    let (early, late) = FIXES.split_at(FIXES.len() / 2);
    for (message, path, old, new) in early {
        history.edit(message, path, old, new);
    }
    noise(&mut history);
    for (message, path, old, new) in late {
        history.edit(message, path, old, new);
    }
    history
}

/// Undoes every fix of a file, last first.
fn before_fixes(path: &str, text: &str) -> String {
    let mut text = text.to_owned();
    for (message, _, old, new) in FIXES.iter().chain(NOISE).rev().filter(|fix| fix.1 == path) {
        assert_eq!(text.matches(new).count(), 1, "{message}: the fixed text occurs once");
        text = text.replacen(new, old, 1);
    }
    text
}

/// Commits that nothing can be learned from.
fn noise(history: &mut History) {
    history.commit(
        BOT,
        "Bump requests from 2.31.0 to 2.32.0",
        &[("requirements.txt", "requests==2.32.0\n")],
    );
    history.commit(
        AUTHOR,
        "Update the lock file",
        &[("poetry.lock", "[[package]]\nname = \"requests\"\nversion = \"2.32.0\"\n")],
    );
    let side =
        history.branch("Describe the shelves", &[("docs/shelves.md", "Shelves: A1 to F9.\n")]);
    history.edit(
        "Count a return as a sale",
        "stockroom/stats.py",
        "if previous == 0:",
        "if previous <= 0:",
    );
    history.merge("Merge branch 'side'", side, &[("docs/shelves.md", "Shelves: A1 to F9.\n")]);
    history.edit(
        "Revert \"Count a return as a sale\"\n\nNegative periods have a growth too.",
        "stockroom/stats.py",
        "if previous <= 0:",
        "if previous == 0:",
    );
    for (message, path, old, new) in NOISE {
        history.edit(message, path, old, new);
    }
}

/// Edits that are no fixes by a developer: a comment, a format change, an assistant's work.
const NOISE: &[Edit] = &[
    (
        "Explain the divisor",
        "stockroom/stats.py",
        "    squares = sum(",
        "    # A sample, not the population: one degree of freedom is spent on the mean.\n    \
         squares = sum(",
    ),
    ("Reformat", "stockroom/dates.py", "WEEKEND = (5,6)", "WEEKEND = (5, 6)"),
    (
        "Know pounds\n\nCo-authored-by: aider (gpt-4o) <aider@aider.chat>",
        "stockroom/money.py",
        "\"USD\": \"$\"}",
        "\"USD\": \"$\", \"GBP\": \"£\"}",
    ),
];

const FIXES: &[Edit] = &[
    (
        "Keep the sign of negative amounts\n\n\"-4\" was read as four.",
        "stockroom/money.py",
        "    return cents\n\n\ndef format_amount",
        "    return -cents if negative else cents\n\n\ndef format_amount",
    ),
    (
        "Pad the cents to two digits",
        "stockroom/money.py",
        "{whole}.{fraction}\"",
        "{whole}.{fraction:02d}\"",
    ),
    (
        "Refuse to split into no parts",
        "stockroom/money.py",
        "    share, rest = divmod(cents, parts)",
        "    if parts <= 0:\n        raise ValueError(\"cannot split into no parts\")\n    \
         share, rest = divmod(cents, parts)",
    ),
    ("Round half a cent up", "stockroom/money.py", "if remainder > 50:", "if remainder >= 50:"),
    (
        "Do not lose cents when allocating",
        "stockroom/money.py",
        "for weight in weights]\n    return shares\n",
        "for weight in weights]\n    missing = cents - sum(shares)\n    \
         for index in range(missing):\n        shares[index] += 1\n    return shares\n",
    ),
    (
        "Cut slugs before stripping their dashes",
        "stockroom/text.py",
        "return slug.rstrip(\"-\")[:limit]",
        "return slug[:limit].rstrip(\"-\")",
    ),
    (
        "Let truncated text fill its width",
        "stockroom/text.py",
        "if len(text) < width:",
        "if len(text) <= width:",
    ),
    (
        "Keep the last line when wrapping\n\nWhatever stood after the last break was dropped.",
        "stockroom/text.py",
        "            current = candidate\n    return lines",
        "            current = candidate\n    if current:\n        lines.append(current)\n    \
         return lines",
    ),
    (
        "Never hide a negative number of digits",
        "stockroom/text.py",
        "hidden = digits - keep",
        "hidden = max(digits - keep, 0)",
    ),
    (
        "Holidays are no working days",
        "stockroom/dates.py",
        "    return True\n",
        "    return day not in holidays\n",
    ),
    (
        "Pass holidays on when adding working days",
        "stockroom/dates.py",
        "        if is_workday(current):\n            remaining -= 1",
        "        if is_workday(current, holidays):\n            remaining -= 1",
    ),
    (
        "Count backwards for reversed ranges",
        "stockroom/dates.py",
        "    count = 0\n    current = start",
        "    if end < start:\n        return -workdays_between(end, start, holidays)\n    \
         count = 0\n    current = start",
    ),
    (
        "Stop at the end of shorter months",
        "stockroom/dates.py",
        "    return date(year, month, day.day)",
        "    limit = last_day_of_month(date(year, month, 1)).day\n    \
         return date(year, month, min(day.day, limit))",
    ),
    (
        "Include both ends in the overlap",
        "stockroom/dates.py",
        "return (end - start).days\n",
        "return (end - start).days + 1\n",
    ),
    (
        "Count reserved items when reserving more",
        "stockroom/inventory.py",
        "        if count > self.quantity:\n            raise StockError(f\"only {self.quantity} of",
        "        free = self.quantity - self.reserved\n        if count > free:\n            \
         raise StockError(f\"only {free} of",
    ),
    (
        "Release no more than was reserved",
        "stockroom/inventory.py",
        "        released = count\n",
        "        released = min(count, self.reserved)\n",
    ),
    (
        "Take the higher minimum when merging items",
        "stockroom/inventory.py",
        "known.minimum = min(known.minimum, item.minimum)",
        "known.minimum = max(known.minimum, item.minimum)",
    ),
    (
        "List the worst shortage first",
        "stockroom/inventory.py",
        "short.sort(key=lambda pair: (pair[1], pair[0]))",
        "short.sort(key=lambda pair: (-pair[1], pair[0]))",
    ),
    (
        "Nothing to undo is no error",
        "stockroom/inventory.py",
        "        action, code, count = self.log.pop()",
        "        if not self.log:\n            return None\n        \
         action, code, count = self.log.pop()",
    ),
    (
        "Reach a tier at its minimum",
        "stockroom/pricing.py",
        "if quantity > minimum and",
        "if quantity >= minimum and",
    ),
    (
        "A coupon takes off the subtotal at most",
        "stockroom/pricing.py",
        "    return value\n\n\ndef best_coupon",
        "    return min(value, subtotal)\n\n\ndef best_coupon",
    ),
    (
        "Name the unknown kind of tax",
        "stockroom/pricing.py",
        "    rate = TAX_RATES[kind]\n",
        "    rate = TAX_RATES.get(kind)\n    if rate is None:\n        \
         raise ValueError(\"unknown kind of tax: \" + kind)\n",
    ),
    (
        "Join lines of the same price only",
        "stockroom/orders.py",
        "if line[\"code\"] == code:\n                line[\"quantity\"] += quantity",
        "if line[\"code\"] == code and line[\"unit_price\"] == unit_price:\n                \
         line[\"quantity\"] += quantity",
    ),
    (
        "Give reservations back when a line is short\n\nThe first lines stayed reserved for ever.",
        "stockroom/orders.py",
        "            return False\n        item.reserve(line[\"quantity\"])\n",
        "            for other, count in done:\n                other.release(count)\n            \
         return False\n        item.reserve(line[\"quantity\"])\n",
    ),
    (
        "Pick paid orders only",
        "stockroom/orders.py",
        "if order.state == \"open\":",
        "if order.state != \"paid\":",
    ),
    (
        "Report the line that has no equals sign",
        "stockroom/parser.py",
        "raise ParseError(\"no equals sign\", 0)",
        "raise ParseError(\"no equals sign\", number)",
    ),
    (
        "Include the end of a range",
        "stockroom/parser.py",
        "range(int(low), int(high)))",
        "range(int(low), int(high) + 1))",
    ),
    (
        "Walk aisles both ways",
        "stockroom/graph.py",
        "for here, there in ((first, second),):",
        "for here, there in ((first, second), (second, first)):",
    ),
    (
        "Average the two middle values",
        "stockroom/stats.py",
        "return (ordered[middle - 1] + ordered[middle]) // 2",
        "return (ordered[middle - 1] + ordered[middle]) / 2",
    ),
    (
        "Drop the oldest value only when the cache is full",
        "stockroom/cache.py",
        "elif len(self.values) > self.capacity:",
        "elif len(self.values) >= self.capacity:",
    ),
    (
        "Leave cancelled orders out of the ranking",
        "stockroom/report.py",
        "    for order in orders:\n        for line in order.lines:",
        "    for order in orders:\n        if order.state == \"cancelled\":\n            \
         continue\n        for line in order.lines:",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tip_holds_the_sources() {
        let repo = python_project();
        for (path, text) in python_sources() {
            assert_eq!(repo.read(path), text, "{path} is what the sources say");
        }
        assert_eq!(repo.git(&["status", "--porcelain"]), "");
        let count = repo.git(&["rev-list", "--count", "HEAD"]).parse::<usize>().unwrap();
        assert!(count >= 40, "{count} commits");
        assert_eq!(repo.git(&["rev-list", "--count", "--merges", "HEAD"]), "1");
    }

    #[test]
    fn same_ids_every_time() {
        assert_eq!(python_project().head(), python_project().head());
    }
}
