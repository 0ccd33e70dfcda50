"""Stock keeping for small warehouses."""
