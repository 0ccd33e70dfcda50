"""Remembering what was computed."""

import functools
import time


class LruCache:
    """Keeps the values that were used last."""

    def __init__(self, capacity):
        if capacity <= 0:
            raise ValueError("capacity must be positive")
        self.capacity = capacity
        self.values = {}
        self.hits = 0
        self.misses = 0

    def get(self, key, default=None):
        """Look a value up and make it the most recent one."""
        if key not in self.values:
            self.misses += 1
            return default
        value = self.values.pop(key)
        self.values[key] = value
        self.hits += 1
        return value

    def put(self, key, value):
        """Remember a value, forgetting the oldest when there is no room."""
        if key in self.values:
            del self.values[key]
        elif len(self.values) >= self.capacity:
            oldest = next(iter(self.values))
            del self.values[oldest]
        self.values[key] = value

    def hit_rate(self):
        """Share of lookups that found something."""
        lookups = self.hits + self.misses
        if lookups == 0:
            return 0.0
        return self.hits / lookups

    def resize(self, capacity):
        """Change the capacity and return what had to be forgotten."""
        dropped = []
        while len(self.values) > capacity:
            oldest = next(iter(self.values))
            dropped.append((oldest, self.values.pop(oldest)))
        self.capacity = capacity
        return dropped


class ExpiringCache:
    """Forgets values after some seconds."""

    def __init__(self, seconds, clock=time.monotonic):
        self.seconds = seconds
        self.clock = clock
        self.values = {}

    def get(self, key, default=None):
        """Look a value up unless it is too old."""
        entry = self.values.get(key)
        if entry is None:
            return default
        stored, value = entry
        if self.clock() - stored > self.seconds:
            del self.values[key]
            return default
        return value

    def put(self, key, value):
        """Remember a value from now on."""
        now = self.clock()
        self.values[key] = (now, value)
        return now

    def sweep(self):
        """Drop everything that is too old and count it."""
        now = self.clock()
        old = [key for key, (stored, _) in self.values.items() if now - stored > self.seconds]
        for key in old:
            del self.values[key]
        return len(old)


def memoize(function):
    """Remember a function's results by its positional arguments."""
    results = {}

    @functools.wraps(function)
    def wrapper(*arguments):
        if arguments not in results:
            results[arguments] = function(*arguments)
        return results[arguments]

    wrapper.results = results
    return wrapper


def retry(action, attempts, errors=(OSError,), wait=None):
    """Call an action until it succeeds, at most some times."""
    for attempt in range(1, attempts + 1):
        try:
            return action()
        except errors:
            if attempt == attempts:
                raise
            if wait is not None:
                wait(attempt)
    raise ValueError("attempts must be positive")
