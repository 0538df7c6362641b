"""Names of time zones."""

from __future__ import annotations

import pytest

from gitlab_ci_provider.gitlab_api import time_zones
from gitlab_ci_provider.gitlab_api.time_zones import time_zone


@pytest.mark.parametrize(
    ("name", "zone"),
    [
        ("UTC", "UTC"),
        ("Europe/Berlin", "Europe/Berlin"),
        ("Berlin", "Europe/Berlin"),
        ("Istanbul", "Europe/Istanbul"),
        ("Buenos Aires", "America/Argentina/Buenos_Aires"),
        ("Hong Kong", "Asia/Hong_Kong"),
        ("Eastern Time (US & Canada)", "America/New_York"),
        ("Samoa", "Pacific/Apia"),
        ("Atlantis", None),
        ("../../etc/passwd", None),
        ("/etc/passwd", None),
        ("", None),
    ],
)
def test_names_of_rails_and_of_the_database_are_understood(name: str, zone: str | None):
    """Whatever else it is, it is not a zone."""
    assert time_zone(name) == zone


def test_each_region_has_a_zone():
    """The table names zones that exist."""
    assert [name for name in time_zones._REGIONS if time_zone(name) is None] == []
