"""Orders from basket to parcel."""

from stockroom.money import format_amount
from stockroom.pricing import coupon_value, line_price, with_tax
from stockroom.text import pluralize

STATES = ("open", "paid", "packed", "sent", "cancelled")


class OrderError(Exception):
    """An order cannot do what was asked of it."""


class Order:
    """What a customer wants to have."""

    def __init__(self, number, customer):
        self.number = number
        self.customer = customer
        self.lines = []
        self.coupon = None
        self.state = "open"

    def add_line(self, code, unit_price, quantity=1):
        """Put something into the basket."""
        if self.state != "open":
            raise OrderError(f"order {self.number} is {self.state}")
        for line in self.lines:
            if line["code"] == code and line["unit_price"] == unit_price:
                line["quantity"] += quantity
                return line
        line = {"code": code, "unit_price": unit_price, "quantity": quantity}
        self.lines.append(line)
        return line

    def remove_line(self, code, quantity=None):
        """Take something out of the basket, or less of it."""
        for index, line in enumerate(self.lines):
            if line["code"] != code:
                continue
            if quantity is None or quantity >= line["quantity"]:
                return self.lines.pop(index)
            line["quantity"] -= quantity
            return line
        raise OrderError("no such line: " + code)

    def subtotal(self, tiers=()):
        """Net price of all lines after discounts."""
        amount = 0
        for line in self.lines:
            amount += line_price(line["unit_price"], line["quantity"], tiers)
        if self.coupon is not None:
            amount -= coupon_value(self.coupon, amount)
        return amount

    def advance(self):
        """Move the order to its next state."""
        if self.state == "cancelled":
            raise OrderError("a cancelled order stays cancelled")
        position = STATES.index(self.state)
        if self.state == "sent":
            return self.state
        self.state = STATES[position + 1]
        return self.state

    def cancel(self, inventory=None):
        """Cancel an order that was not sent yet."""
        if self.state == "sent":
            raise OrderError("the parcel is on its way")
        if inventory is not None:
            for line in self.lines:
                inventory.items[line["code"]].release(line["quantity"])
        self.state = "cancelled"
        return self.state

    def summary(self):
        """One line for people."""
        count = sum(line["quantity"] for line in self.lines)
        price = format_amount(with_tax(self.subtotal()))
        return f"#{self.number} {self.customer}: {pluralize(count, 'item')}, {price}"


def reserve_all(order, inventory):
    """Reserve every line, or none when one is short."""
    done = []
    for line in order.lines:
        item = inventory.items.get(line["code"])
        if item is None or item.quantity - item.reserved < line["quantity"]:
            for other, count in done:
                other.release(count)
            return False
        item.reserve(line["quantity"])
        done.append((item, line["quantity"]))
    return True


def pick_list(orders):
    """How many of each item are to be fetched for all paid orders."""
    counts = {}
    for order in orders:
        if order.state != "paid":
            continue
        for line in order.lines:
            counts[line["code"]] = counts.get(line["code"], 0) + line["quantity"]
    return sorted(counts.items())


def split_parcels(lines, capacity):
    """Pack lines into parcels that hold a number of items each."""
    parcels = []
    current = []
    free = capacity
    for code, quantity in lines:
        while quantity > 0:
            packed = min(quantity, free)
            current.append((code, packed))
            quantity -= packed
            free -= packed
            if free == 0:
                parcels.append(current)
                current = []
                free = capacity
    if current:
        parcels.append(current)
    return parcels


def repeat_customers(orders, minimum=2):
    """Customers with at least a number of orders that were not cancelled."""
    counts = {}
    for order in orders:
        if order.state == "cancelled":
            continue
        counts[order.customer] = counts.get(order.customer, 0) + 1
    return sorted(name for name, count in counts.items() if count >= minimum)
