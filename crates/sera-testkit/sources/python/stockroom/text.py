"""Helpers for names, codes and messages."""

import re
import unicodedata


def strip_prefix(text, prefix):
    """Remove a prefix once, if it is there."""
    if prefix and text.startswith(prefix):
        return text[len(prefix):]
    return text


def slugify(title, limit=40):
    """Turn a title into a lower-case code that is safe in file names."""
    normal = unicodedata.normalize("NFKD", title)
    ascii_only = normal.encode("ascii", "ignore").decode("ascii")
    words = re.findall(r"[a-z0-9]+", ascii_only.lower())
    slug = "-".join(words)
    return slug[:limit].rstrip("-")


def truncate(text, width, marker="..."):
    """Shorten text to a width, ending in a marker."""
    if len(text) <= width:
        return text
    if width <= len(marker):
        return marker[:width]
    return text[: width - len(marker)].rstrip() + marker


def wrap_words(text, width):
    """Break text into lines of at most a width, never inside a word."""
    lines = []
    current = ""
    for word in text.split():
        candidate = word if not current else current + " " + word
        if len(candidate) > width and current:
            lines.append(current)
            current = word
        else:
            current = candidate
    if current:
        lines.append(current)
    return lines


def pluralize(count, singular, plural=None):
    """Write a count with the right form of a noun."""
    if plural is None:
        plural = singular + "s"
    noun = singular if count == 1 else plural
    return f"{count} {noun}"


def join_names(names, word="and"):
    """Join names as a sentence does: a, b and c."""
    names = list(names)
    if not names:
        return ""
    if len(names) == 1:
        return names[0]
    head = ", ".join(names[:-1])
    return f"{head} {word} {names[-1]}"


def mask_digits(text, keep=4):
    """Replace all but the last digits by stars."""
    digits = sum(1 for char in text if char.isdigit())
    hidden = max(digits - keep, 0)
    result = []
    for char in text:
        if char.isdigit() and hidden > 0:
            result.append("*")
            hidden -= 1
        else:
            result.append(char)
    return "".join(result)


def align_columns(rows, gap=2):
    """Pad the cells of a table so that its columns line up."""
    widths = []
    for row in rows:
        for index, cell in enumerate(row):
            if index >= len(widths):
                widths.append(0)
            widths[index] = max(widths[index], len(cell))
    lines = []
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths)]
        lines.append((" " * gap).join(cells).rstrip())
    return lines
