"""Prices, discounts and taxes."""

from stockroom.money import apply_percentage

TAX_RATES = {"standard": 19, "reduced": 7, "none": 0}


def tier_discount(quantity, tiers):
    """The percentage of the highest tier that a quantity reaches."""
    best = 0
    for minimum, percent in tiers:
        if quantity >= minimum and percent > best:
            best = percent
    return best


def line_price(unit_price, quantity, tiers=()):
    """Price of a number of equal items after the tier's discount."""
    gross = unit_price * quantity
    percent = tier_discount(quantity, tiers)
    discount = apply_percentage(gross, percent)
    return gross - discount


def with_tax(net, kind="standard"):
    """Add value added tax to a net amount."""
    rate = TAX_RATES.get(kind)
    if rate is None:
        raise ValueError("unknown kind of tax: " + kind)
    tax = apply_percentage(net, rate)
    return net + tax


def coupon_value(coupon, subtotal):
    """What a coupon takes off a subtotal."""
    if subtotal < coupon.get("minimum", 0):
        return 0
    if coupon["kind"] == "percent":
        value = apply_percentage(subtotal, coupon["value"])
    else:
        value = coupon["value"]
    return min(value, subtotal)


def best_coupon(coupons, subtotal):
    """The coupon that takes off most, or none."""
    best = None
    best_value = 0
    for coupon in coupons:
        value = coupon_value(coupon, subtotal)
        if value > best_value:
            best = coupon
            best_value = value
    return best


def shipping_cost(weight, distance, express=False):
    """Cents for sending a parcel of grams over kilometres."""
    base = 390 if weight <= 2000 else 690
    if distance > 500:
        base += 250
    if express:
        base *= 2
    return base


def margin(cost, price):
    """Share of the price that is earned, in percent."""
    if price == 0:
        return 0.0
    earned = price - cost
    return round(earned * 100 / price, 1)


def round_to_step(cents, step=5):
    """Round an amount to the nearest coin."""
    lower = cents - cents % step
    if cents - lower < step / 2:
        return lower
    return lower + step
