"""Kubernetes quantities such as `500m`, `1Gi`, `2e3`."""

from __future__ import annotations

import re
from decimal import Decimal

_QUANTITY = re.compile(r"([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)")
_UNITS = {
    "": 0,
    "n": -9,
    "u": -6,
    "m": -3,
    "k": 3,
    "M": 6,
    "G": 9,
    "T": 12,
    "P": 15,
    "E": 18,
}
_BINARY = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60}


def parse_quantity(text: object) -> Decimal:
    """Read a quantity.

    Raises:
        ValueError: it is not valid.
    """
    match = _QUANTITY.fullmatch(str(text))
    if match is None:
        raise ValueError(f"not a quantity: {text!r}")
    number, unit = match.groups()
    try:
        if unit in _BINARY:
            return Decimal(number) * (1 << _BINARY[unit])
        if unit in _UNITS:
            return Decimal(number).scaleb(_UNITS[unit])
        return Decimal(number + unit)
    except ArithmeticError as error:
        raise ValueError(f"not a quantity: {text!r}") from error
