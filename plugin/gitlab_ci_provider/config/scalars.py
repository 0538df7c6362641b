"""Plain YAML scalars as Ruby's Psych reads them: YAML 1.1 with Psych's own habits.

Source: Psych's ScalarScanner. `yes` and `on` are booleans, `0777` is octal, `12:30:45` counts in
sixties, `1_000` and `1,000` are integers, `1e3` and `0o17` are text. Dates and times are refused:
GitLab's loader does not permit those classes.
"""

from __future__ import annotations

import math
import re
from functools import lru_cache

Scalar = None | bool | int | float | str

_WORDY = re.compile(r"^[^\d.:-]?(?:[^\W\d_]|[_\s!@#$%^&*(){}<>|/\\~;=])+", re.I)
_TIME = re.compile(
    r"^-?\d{4}-\d{1,2}-\d{1,2}(?:[Tt]|\s+)\d{1,2}:\d\d:\d\d(?:\.\d*)?"
    r"(?:\s*(?:Z|[-+]\d{1,2}:?(?:\d\d)?))?$"
)
_DATE = re.compile(r"^(\d{4})-(1[012]|0\d|\d)-([12]\d|3[01]|0\d|\d)$")
_SIXTIES = re.compile(r"^[-+]?[0-9][0-9_]*(:[0-5]?[0-9]){1,2}(\.[0-9_]*)?$")
_FLOAT = re.compile(r"^[-+]?(?:[0-9][0-9_,]*)?\.[0-9]*(?:[eE][+-][0-9]+)?$")
_INTEGER = re.compile(
    r"^(?P<sign>[-+]?)(?:0b_*(?P<two>[01][01_]*)|0_*(?P<eight>[0-7][0-7_]*)"
    r"|(?P<ten>0|[1-9](?:[0-9]|,[0-9]|_[0-9])*)|0x_*(?P<sixteen>[0-9a-fA-F][0-9a-fA-F_]*))$"
)
_SYMBOL = re.compile(r"""^:(?:["'](?P<quoted>.*)["']$|(?P<plain>.+))""", re.DOTALL)
"""A Ruby symbol; GitLab treats symbols as texts."""

MAX_DIGITS = 1000
"""Longer numbers stay texts: Python reads numbers of any length, but slowly."""

_BASES = {"two": 2, "eight": 8, "ten": 10, "sixteen": 16}
_WORDS: dict[str, Scalar] = {
    "~": None, "null": None,
    "yes": True, "true": True, "on": True,
    "no": False, "false": False, "off": False,
}  # fmt: skip
_SPECIAL_FLOATS = {
    ".inf": float("inf"), "+.inf": float("inf"), "-.inf": float("-inf"), ".nan": float("nan"),
}  # fmt: skip


class DisallowedClassError(ValueError):
    """A scalar that Psych would turn into an object that GitLab does not permit."""


@lru_cache(maxsize=8192)
def resolve(text: str) -> Scalar:
    """Read an unquoted scalar.

    Raises:
        DisallowedClassError: it is a date or a time.
    """
    if not text:
        return None
    if _WORDY.match(text):
        return text if len(text) > 5 else _WORDS.get(text.lower(), text)
    if _TIME.match(text):
        raise DisallowedClassError("Tried to load unspecified class: Time")
    if _is_date(text):
        raise DisallowedClassError("Tried to load unspecified class: Date")
    if text.lower() in _SPECIAL_FLOATS:
        return _SPECIAL_FLOATS[text.lower()]
    return _number(text)


def to_ruby_text(value: Scalar) -> str:
    """Write a scalar as Ruby's `to_s` does; this is how numbers become variables."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return _float_text(value)
    return str(value)


def _float_text(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    text = repr(value).replace("inf", "Infinity")
    mantissa, exponent, power = text.partition("e")
    if exponent and "." not in mantissa:
        return f"{mantissa}.0e{power}"
    return text


def _is_date(text: str) -> bool:
    found = _DATE.match(text)
    if not found:
        return False
    from datetime import date

    try:
        date(*(int(part) for part in found.groups()))
    except ValueError:
        return False
    return True


def _number(text: str) -> Scalar:
    if len(text) > MAX_DIGITS:
        return text
    symbol = _SYMBOL.match(text)
    if symbol:
        return symbol.group("quoted") or symbol.group("plain") or text
    found = _INTEGER.match(text)
    if found:
        return _integer(found)
    if _SIXTIES.match(text):
        return _sixties(text)
    if _FLOAT.match(text) and text.strip("+-") != ".":
        return float(text.replace(",", "").replace("_", ""))
    return text


def _integer(found: re.Match[str]) -> int:
    for name, base in _BASES.items():
        digits = found.group(name)
        if digits is not None:
            number = int(digits.replace("_", "").replace(",", "") or "0", base)
            return -number if found.group("sign") == "-" else number
    return 0


def _sixties(text: str) -> int | float:
    """Add up as Psych does: the first part always counts as hours, also in `12:30`."""
    fraction = "." in text
    total: int | float = 0
    for position, part in enumerate(text.replace("_", "").split(":")):
        value = float(part) if fraction else int(part)
        total += value * 60 ** abs(position - 2)
    return total
