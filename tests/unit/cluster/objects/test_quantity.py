"""Kubernetes quantities."""

from __future__ import annotations

from decimal import Decimal

import pytest

from gitlab_ci_cluster.objects.quantity import parse_quantity


@pytest.mark.parametrize(
    ("text", "amount"),
    [("1", 1), ("500m", "0.5"), ("1Ki", 1024), ("1.5Gi", 1610612736), ("2e3", 2000), ("1k", 1000)],
)
def test_quantities(text: str, amount: float | str):
    """Decimal, binary and exponent suffixes."""
    assert parse_quantity(text) == Decimal(amount)


@pytest.mark.parametrize("text", ["", "x", "1x", "1.1.1", "Mi", "1 Mi"])
def test_what_is_no_quantity_is_refused(text: str):
    """Nothing is guessed."""
    with pytest.raises(ValueError, match="not a quantity"):
        parse_quantity(text)
