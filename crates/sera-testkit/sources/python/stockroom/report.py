"""Tables and messages for people."""

from stockroom.dates import quarter
from stockroom.money import format_amount
from stockroom.stats import mean, growth
from stockroom.text import align_columns, truncate


def stock_table(inventory):
    """All items with quantity and shelf, as aligned lines."""
    rows = [("item", "free", "shelf")]
    for code in sorted(inventory.items):
        item = inventory.items[code]
        free = item.quantity - item.reserved
        rows.append((truncate(item.name, 24), str(free), item.shelf or "-"))
    return align_columns(rows)


def sales_by_quarter(sales):
    """Sum cents by quarter from pairs of day and cents."""
    totals = {}
    for day, cents in sales:
        key = quarter(day)
        totals[key] = totals.get(key, 0) + cents
    return dict(sorted(totals.items()))


def growth_lines(totals):
    """One line per period with the growth over the one before."""
    lines = []
    previous = None
    for period, cents in totals.items():
        text = f"{period} {format_amount(cents)}"
        if previous is not None:
            percent = growth(previous, cents)
            text += " (new)" if percent is None else f" ({percent:+.1f} %)"
        lines.append(text)
        previous = cents
    return lines


def top_items(orders, limit=5):
    """Codes that were sold most, with their counts."""
    counts = {}
    for order in orders:
        if order.state == "cancelled":
            continue
        for line in order.lines:
            counts[line["code"]] = counts.get(line["code"], 0) + line["quantity"]
    ranked = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    return ranked[:limit]


def shortage_message(inventory):
    """What is to be ordered, in one sentence."""
    short = inventory.shortages()
    if not short:
        return "nothing is short"
    parts = [f"{count} x {code}" for code, count in short]
    return "order " + ", ".join(parts)


def bar_chart(values, width=20):
    """Horizontal bars scaled to the largest value."""
    if not values:
        return []
    largest = max(values.values())
    lines = []
    for name, value in values.items():
        length = round(value * width / largest) if largest > 0 else 0
        lines.append(f"{name} {'#' * length}")
    return lines


def average_order(orders):
    """Mean subtotal of the orders that were not cancelled."""
    amounts = [order.subtotal() for order in orders if order.state != "cancelled"]
    if not amounts:
        return format_amount(0)
    return format_amount(round(mean(amounts)))
