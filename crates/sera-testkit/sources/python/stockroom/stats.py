"""Figures about sales."""

import math


def mean(values):
    """Arithmetic mean; zero for no values."""
    values = list(values)
    if not values:
        return 0.0
    return sum(values) / len(values)


def median(values):
    """The value in the middle."""
    ordered = sorted(values)
    if not ordered:
        raise ValueError("no values")
    middle = len(ordered) // 2
    if len(ordered) % 2 == 1:
        return ordered[middle]
    return (ordered[middle - 1] + ordered[middle]) / 2


def deviation(values):
    """Standard deviation of a sample."""
    values = list(values)
    if len(values) < 2:
        return 0.0
    centre = mean(values)
    # A sample, not the population: one degree of freedom is spent on the mean.
    squares = sum((value - centre) ** 2 for value in values)
    return math.sqrt(squares / (len(values) - 1))


def percentile(values, share):
    """The value below which a share (0 to 1) of the values lies."""
    if not 0 <= share <= 1:
        raise ValueError("share must lie between 0 and 1")
    ordered = sorted(values)
    position = share * (len(ordered) - 1)
    lower = math.floor(position)
    upper = math.ceil(position)
    weight = position - lower
    return ordered[lower] * (1 - weight) + ordered[upper] * weight


def moving_average(values, window):
    """Means over a sliding window."""
    if window <= 0:
        raise ValueError("window must be positive")
    result = []
    running = 0
    for index, value in enumerate(values):
        running += value
        if index >= window:
            running -= values[index - window]
        if index >= window - 1:
            result.append(running / window)
    return result


def histogram(values, width):
    """Count values by the lower edge of their bin."""
    bins = {}
    for value in values:
        edge = math.floor(value / width) * width
        bins[edge] = bins.get(edge, 0) + 1
    return dict(sorted(bins.items()))


def outliers(values, limit=2.0):
    """Values further from the mean than a number of deviations."""
    centre = mean(values)
    spread = deviation(values)
    if spread == 0:
        return []
    return [value for value in values if abs(value - centre) / spread > limit]


def growth(previous, current):
    """Relative growth in percent; None when there was nothing before."""
    if previous == 0:
        return None
    change = current - previous
    return round(change * 100 / previous, 1)


def forecast(history, periods, alpha=0.5):
    """Continue a series at its exponentially smoothed level."""
    if not history:
        return [0.0] * periods
    level = history[0]
    for value in history[1:]:
        level = alpha * value + (1 - alpha) * level
    return [level] * periods
