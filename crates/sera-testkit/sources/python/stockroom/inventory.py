"""What lies on the shelves."""

from stockroom.text import slugify


class StockError(Exception):
    """More was taken than is there."""


class Item:
    """One kind of thing on a shelf."""

    def __init__(self, name, quantity=0, minimum=0, shelf=None):
        if quantity < 0:
            raise ValueError("quantity must not be negative")
        self.name = name
        self.code = slugify(name)
        self.quantity = quantity
        self.minimum = minimum
        self.shelf = shelf
        self.reserved = 0

    def reserve(self, count):
        """Set items aside for an order."""
        free = self.quantity - self.reserved
        if count > free:
            raise StockError(f"only {free} of {self.name} are free")
        self.reserved += count
        return self.reserved

    def release(self, count):
        """Give reserved items back."""
        released = min(count, self.reserved)
        self.reserved -= released
        return released

    def missing(self):
        """How many are to be ordered to reach the minimum again."""
        free = self.quantity - self.reserved
        if free >= self.minimum:
            return 0
        return self.minimum - free


class Inventory:
    """All items of a warehouse by code."""

    def __init__(self, items=()):
        self.items = {}
        self.log = []
        for item in items:
            self.add(item)

    def add(self, item):
        """Put an item on its shelf, merging with one of the same code."""
        known = self.items.get(item.code)
        if known is None:
            self.items[item.code] = item
        else:
            known.quantity += item.quantity
            known.minimum = max(known.minimum, item.minimum)
        self.log.append(("add", item.code, item.quantity))
        return self.items[item.code]

    def take(self, code, count):
        """Remove items from a shelf."""
        item = self.items.get(code)
        if item is None:
            raise KeyError(code)
        if count > item.quantity - item.reserved:
            raise StockError(f"not enough {item.name}")
        item.quantity -= count
        self.log.append(("take", code, count))
        return item.quantity

    def move(self, code, shelf):
        """Move an item to another shelf and return the old one."""
        item = self.items[code]
        previous = item.shelf
        item.shelf = shelf
        self.log.append(("move", code, shelf))
        return previous

    def shortages(self):
        """Items below their minimum, the worst first."""
        short = []
        for item in self.items.values():
            count = item.missing()
            if count > 0:
                short.append((item.code, count))
        short.sort(key=lambda pair: (-pair[1], pair[0]))
        return short

    def on_shelf(self, shelf):
        """Codes of the items that stand on a shelf."""
        found = [item.code for item in self.items.values() if item.shelf == shelf]
        found.sort()
        return found

    def undo(self):
        """Take the last addition or removal back."""
        if not self.log:
            return None
        action, code, count = self.log.pop()
        item = self.items[code]
        if action == "add":
            item.quantity -= count
        elif action == "take":
            item.quantity += count
        return action

    def merge(self, other):
        """Take over everything from another warehouse."""
        moved = 0
        for item in list(other.items.values()):
            self.add(item)
            moved += item.quantity
        other.items.clear()
        return moved
