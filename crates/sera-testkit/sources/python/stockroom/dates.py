"""Calendar arithmetic for deliveries."""

from datetime import date, timedelta

WEEKEND = (5, 6)


def parse_day(text):
    """Read a day as 2024-03-01 or 01.03.2024."""
    if "." in text:
        day, month, year = text.split(".")
    else:
        year, month, day = text.split("-")
    return date(int(year), int(month), int(day))


def is_workday(day, holidays=()):
    """Whether a warehouse works on this day."""
    if day.weekday() in WEEKEND:
        return False
    return day not in holidays


def add_workdays(start, count, holidays=()):
    """The day that lies a number of working days after another."""
    current = start
    remaining = count
    while remaining > 0:
        current += timedelta(days=1)
        if is_workday(current, holidays):
            remaining -= 1
    return current


def workdays_between(start, end, holidays=()):
    """Count the working days from start (included) to end (excluded)."""
    if end < start:
        return -workdays_between(end, start, holidays)
    count = 0
    current = start
    while current < end:
        if is_workday(current, holidays):
            count += 1
        current += timedelta(days=1)
    return count


def last_day_of_month(day):
    """The last day of the month a day lies in."""
    if day.month == 12:
        following = date(day.year + 1, 1, 1)
    else:
        following = date(day.year, day.month + 1, 1)
    return following - timedelta(days=1)


def add_months(day, months):
    """Move a day by months, stopping at the end of shorter ones."""
    index = day.month - 1 + months
    year = day.year + index // 12
    month = index % 12 + 1
    limit = last_day_of_month(date(year, month, 1)).day
    return date(year, month, min(day.day, limit))


def quarter(day):
    """Year and quarter of a day, as 2024-Q1."""
    number = (day.month - 1) // 3 + 1
    return f"{day.year}-Q{number}"


def overlap_days(first, second):
    """How many days two inclusive ranges share."""
    start = max(first[0], second[0])
    end = min(first[1], second[1])
    if end < start:
        return 0
    return (end - start).days + 1


def group_by_week(days):
    """Group days by the Monday of their week."""
    weeks = {}
    for day in sorted(days):
        monday = day - timedelta(days=day.weekday())
        weeks.setdefault(monday, []).append(day)
    return weeks
