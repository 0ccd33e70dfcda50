"""Amounts of money as integer cents."""

from stockroom.text import strip_prefix

SYMBOLS = {"EUR": "€", "USD": "$", "GBP": "£"}


class CurrencyError(ValueError):
    """Two amounts of different currencies met."""


def parse_amount(text):
    """Read "12.30" or "-4" as cents."""
    text = text.strip()
    negative = text.startswith("-")
    if negative:
        text = strip_prefix(text, "-")
    whole, _, fraction = text.partition(".")
    if len(fraction) > 2:
        raise ValueError("more than two decimals: " + text)
    cents = int(whole or "0") * 100 + int(fraction.ljust(2, "0"))
    return -cents if negative else cents


def format_amount(cents, currency="EUR"):
    """Write cents with the currency's symbol."""
    sign = "-" if cents < 0 else ""
    whole, fraction = divmod(abs(cents), 100)
    symbol = SYMBOLS.get(currency, currency + " ")
    return f"{sign}{symbol}{whole}.{fraction:02d}"


def split_evenly(cents, parts):
    """Split an amount so that the shares differ by one cent at most."""
    if parts <= 0:
        raise ValueError("cannot split into no parts")
    share, rest = divmod(cents, parts)
    shares = []
    for index in range(parts):
        extra = 1 if index < rest else 0
        shares.append(share + extra)
    return shares


def convert(cents, source, target, rates):
    """Convert between currencies through the euro."""
    if source == target:
        return cents
    if source not in rates or target not in rates:
        raise CurrencyError(f"no rate for {source} to {target}")
    euros = cents / rates[source]
    return round(euros * rates[target])


def apply_percentage(cents, percent):
    """Take a percentage of an amount, rounding half away from zero."""
    scaled = cents * percent
    quotient, remainder = divmod(abs(scaled), 100)
    if remainder >= 50:
        quotient += 1
    return quotient if scaled >= 0 else -quotient


def total(amounts, currency="EUR"):
    """Add pairs of cents and currency that must all agree."""
    result = 0
    for cents, code in amounts:
        if code != currency:
            raise CurrencyError(f"expected {currency}, got {code}")
        result += cents
    return result


def allocate(cents, weights):
    """Split an amount in proportion to weights without losing a cent."""
    whole = sum(weights)
    if whole == 0:
        return split_evenly(cents, len(weights))
    shares = [cents * weight // whole for weight in weights]
    missing = cents - sum(shares)
    for index in range(missing):
        shares[index] += 1
    return shares
