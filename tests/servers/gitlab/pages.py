"""Pagination as GitLab does it: by offset with totals, or by keyset with a link to the next."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from servers.gitlab.call import Answer, Call, Refusal

_DEFAULT, _MOST = 20, 100
_WITHOUT_TOTALS = 10_000
_MAX_OFFSET = 50_000


@dataclass(frozen=True)
class Keyset:
    """How a list can be read by keyset.

    Attributes:
        order: the only `order_by` that it allows; empty when it has none.
        parameter: which names the last item of the page before.
        key: of an item.
        default: whether pages are keysets without being asked for.
    """

    order: str
    parameter: str
    key: Callable[[Any], object]


def page(call: Call, items: Sequence[Any], keyset: Keyset | None = None) -> Answer:
    """Cut the page that a call asks for out of a list."""
    size = min(_number(call, "per_page", _DEFAULT), _MOST)
    if call.query.get("pagination") != "keyset":
        return _by_offset(call, items, size)
    if keyset is None or (keyset.order and call.query.get("order_by") != keyset.order):
        words = "Keyset pagination is not yet available for this type of request"
        raise Refusal(405, {"error": words})
    last = call.query.get(keyset.parameter)
    keys = [str(keyset.key(item)) for item in items]
    start = keys.index(last) + 1 if last in keys else 0
    found = items[start : start + size]
    headers = {}
    if start + size < len(items):
        following = {**call.query, keyset.parameter: str(keyset.key(found[-1]))}
        headers["Link"] = f'<{_url(call, following)}>; rel="next"'
    return Answer(list(found), headers=headers)


def _by_offset(call: Call, items: Sequence[Any], size: int) -> Answer:
    number = _number(call, "page", 1)
    if (number - 1) * size > _MAX_OFFSET:
        words = f"Offset pagination has a maximum allowed offset of {_MAX_OFFSET}"
        raise Refusal(405, {"error": words})
    pages = max(1, -(-len(items) // size))
    headers = {"X-Page": str(number), "X-Per-Page": str(size), "X-Next-Page": "", "X-Prev-Page": ""}
    links = {"first": 1, "next": number + 1 if number < pages else 0}
    if number > 1:
        links["prev"], headers["X-Prev-Page"] = number - 1, str(number - 1)
    if links["next"]:
        headers["X-Next-Page"] = str(number + 1)
    if len(items) <= _WITHOUT_TOTALS:
        headers |= {"X-Total": str(len(items)), "X-Total-Pages": str(pages)}
        links["last"] = pages
    headers["Link"] = ", ".join(
        f'<{_url(call, {**call.query, "page": str(at), "per_page": str(size)})}>; rel="{name}"'
        for name, at in links.items()
        if at
    )
    return Answer(list(items[(number - 1) * size : number * size]), headers=headers)


def _url(call: Call, query: dict[str, str]) -> str:
    return f"{call.base}{call.path}?{urlencode(query)}"


def _number(call: Call, name: str, default: int) -> int:
    given = call.query.get(name, str(default))
    if not given.isdigit():
        raise Refusal(400, {"error": f"{name} is invalid"})
    return max(1, int(given))
