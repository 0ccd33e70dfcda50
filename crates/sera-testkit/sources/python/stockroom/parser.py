"""Reading stock lists, settings and queries."""

from stockroom.inventory import Item
from stockroom.money import parse_amount


class ParseError(ValueError):
    """Text that cannot be read, with its line."""

    def __init__(self, message, line):
        super().__init__(f"line {line}: {message}")
        self.line = line


def parse_row(text, separator=";"):
    """Split a row at separators that are not inside quotes."""
    cells = []
    current = []
    quoted = False
    for char in text:
        if char == '"':
            quoted = not quoted
        elif char == separator and not quoted:
            cells.append("".join(current).strip())
            current = []
        else:
            current.append(char)
    cells.append("".join(current).strip())
    return cells


def parse_stock(text):
    """Read "name;quantity;minimum" lines as items."""
    items = []
    for number, line in enumerate(text.splitlines(), start=1):
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        cells = parse_row(line)
        if len(cells) < 2:
            raise ParseError("a name and a quantity are needed", number)
        minimum = int(cells[2]) if len(cells) > 2 else 0
        items.append(Item(cells[0], int(cells[1]), minimum))
    return items


def parse_settings(text):
    """Read "key = value" lines, the last one of a key winning."""
    settings = {}
    for number, line in enumerate(text.splitlines(), start=1):
        line = line.split("#", 1)[0].strip()
        if not line:
            continue
        if "=" not in line:
            raise ParseError("no equals sign", number)
        key, value = line.split("=", 1)
        settings[key.strip().lower()] = convert_value(value.strip())
    return settings


def convert_value(text):
    """Read a setting as truth, number or text."""
    lowered = text.lower()
    if lowered in ("true", "yes", "on"):
        return True
    if lowered in ("false", "no", "off"):
        return False
    try:
        return int(text)
    except ValueError:
        return text


def parse_query(text):
    """Split a query into words and field:value filters."""
    words = []
    filters = {}
    for part in text.split():
        field, colon, value = part.partition(":")
        if colon and field and value:
            filters.setdefault(field.lower(), []).append(value)
        else:
            words.append(part.lower())
    return words, filters


def parse_price_list(text):
    """Read "code price" lines as cents by code."""
    prices = {}
    for number, line in enumerate(text.splitlines(), start=1):
        parts = line.split()
        if not parts:
            continue
        if len(parts) != 2:
            raise ParseError("a code and a price are needed", number)
        code, price = parts
        if code in prices:
            raise ParseError("second price for " + code, number)
        prices[code] = parse_amount(price)
    return prices


def parse_range(text):
    """Read "3", "2-5" or "1,4-6" as a sorted list of numbers."""
    numbers = set()
    for part in text.split(","):
        low, dash, high = part.strip().partition("-")
        if dash:
            numbers.update(range(int(low), int(high) + 1))
        else:
            numbers.add(int(low))
    return sorted(numbers)
