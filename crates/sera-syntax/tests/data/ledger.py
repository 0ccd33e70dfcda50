"""A small ledger: accounts, postings, reports."""
import functools
import json
import re

LIMIT = 50
MAX_NAME = 24
SEPARATOR = ","


class Ledger:
    """Accounts by name, each with its postings."""

    def __init__(self, owner, currency="EUR", strict=True):
        self.owner = owner
        self.currency = currency
        self.strict = strict
        self.accounts = {}
        self.history = []

    def open_account(self, name, limit=None, parent=None):
        """Opens an account; the name must be new."""
        name = self.normalise(name)
        if not name:
            raise ValueError("an account needs a name")
        if name in self.accounts and self.strict:
            raise KeyError(name)
        limit = limit or LIMIT
        self.accounts[name] = {"balance": 0, "limit": limit, "parent": parent}
        self.history.append(("open", name, limit))
        return self.accounts[name]

    def normalise(self, name, width=MAX_NAME):
        cleaned = re.sub(r"\s+", " ", name.strip())
        return cleaned.lower()[:width]

    def post(self, source, target, amount, note=""):
        source = self.normalise(source)
        target = self.normalise(target)
        if amount <= 0 or source == target:
            return None
        account = self.accounts.get(source)
        other = self.accounts.get(target)
        if account is None or other is None:
            return None
        if account["balance"] - amount < -account["limit"]:
            self.history.append(("refused", source, amount))
            return None
        account["balance"] -= amount
        other["balance"] += amount
        entry = ("post", source, target, amount, note)
        self.history.append(entry)
        return entry

    def total(self, prefix="", include_empty=False):
        result = 0
        for name, account in sorted(self.accounts.items()):
            if prefix and not name.startswith(prefix):
                continue
            if account["balance"] == 0 and not include_empty:
                continue
            result += account["balance"]
        return round(result, 2)

    def find(self, word, start=0, stop=None):
        matches = []
        stop = stop or len(self.history)
        for index in range(start, stop):
            entry = self.history[index]
            if word in entry[1] or word == entry[0]:
                matches.append((index, entry))
            if len(matches) >= LIMIT:
                break
        return matches

    def statement(self, name, last=10):
        name = self.normalise(name)
        lines = [self.owner, self.currency]
        for entry in self.history[-last:]:
            kind = entry[0]
            if kind == "post" and name in entry[1:3]:
                sign = -1 if entry[1] == name else 1
                lines.append(format_amount(sign * entry[3], self.currency, width=12))
            elif kind == "open":
                lines.append(kind)
        return "\n".join(lines)


def format_amount(amount, currency, width=8, decimals=2):
    whole = abs(int(amount))
    part = abs(amount) - whole
    digits = str(whole)
    groups = []
    while len(digits) > 3:
        groups.insert(0, digits[-3:])
        digits = digits[:-3]
    groups.insert(0, digits)
    text = SEPARATOR.join(groups) + str(round(part, decimals))[1:]
    if amount < 0:
        text = "-" + text
    return (text + " " + currency).rjust(width)


def parse_line(line, separator=SEPARATOR, comment="#"):
    line = line.split(comment)[0].strip()
    if not line:
        return None
    parts = [part.strip() for part in line.split(separator)]
    if len(parts) < 3:
        raise ValueError("too few fields")
    source, target, amount = parts[0], parts[1], float(parts[2])
    note = parts[3] if len(parts) > 3 else ""
    return source, target, amount, note


def merge(first, second, weight=0.5):
    merged = dict(first)
    for key, value in second.items():
        if key in merged and isinstance(value, (int, float)):
            merged[key] = merged[key] * (1 - weight) + value * weight
        else:
            merged[key] = value
    return merged


def running_mean(values, window=5):
    means = []
    total = 0
    for index, value in enumerate(values):
        total += value
        if index >= window:
            total -= values[index - window]
        count = min(index + 1, window)
        means.append(total / count)
    return means


def balance_of(ledger, names):
    found = {}
    for name in names:
        try:
            found[name] = ledger.accounts[name]["balance"]
        except KeyError:
            found[name] = 0
    return found


class Journal(Ledger):
    """A ledger that remembers in a file."""

    def __init__(self, owner, path):
        super().__init__(owner)
        self.path = path
        self.kept = []
        self.open = True

    @functools.lru_cache
    def lines(self, limit: int = LIMIT) -> list:
        kept = []
        with open(self.path) as file:
            for line in file:
                kept.append(line.strip())
        return kept[:limit]

    def flush(self, stream, force=False):
        names = [*self.kept]
        try:
            stream.write(json.dumps(names, indent=2))
        except OSError:
            self.kept = names
            raise
        finally:
            stream.close()
        return names if force else None

    async def follow(self, source, mode):
        rows = await source.read(self.path)
        match mode:
            case "all":
                return rows
            case "last":
                return rows[-1:]
            case _:
                return []


def share(part, whole):
    return part / whole


def weigh(parts, total):
    found = {}
    for name, part in parts.items():
        found[name] = share(part, total)
    return found
