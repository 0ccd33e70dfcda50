from stockroom.money import allocate, format_amount, parse_amount, split_evenly


def test_parse_and_format():
    cents = parse_amount("12.3")
    assert cents == 1230
    assert format_amount(-cents) == "-€12.30"


def test_nothing_is_lost():
    shares = split_evenly(100, 3)
    assert shares == [34, 33, 33]
    assert sum(allocate(100, [1, 1, 1])) == 100
