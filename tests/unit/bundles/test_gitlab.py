"""The DAG bundle that has a GitLab looked at."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from gitlab_ci_provider.bundles import gitlab
from gitlab_ci_provider.exceptions import StateError


@pytest.mark.parametrize(("code", "looks"), [(0, 1), (1, 2)])
def test_a_look_that_has_failed_is_repeated_within_a_minute(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, looks: int
):
    """However long the others are apart: webhooks tell of changes, but GitLab was away."""
    monkeypatch.setenv("AIRFLOW__GITLAB_CI__HOME", str(tmp_path / "home"))
    looked, clock = tmp_path / "looked", [1000.0]
    monkeypatch.setattr(gitlab, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    program = f"open({str(looked)!r}, 'a').write('x'); raise SystemExit({code})"
    monkeypatch.setattr(gitlab, "_COMMAND", (sys.executable, "-c", program))
    bundle = gitlab.GitLabDagBundle(name="b", groups=["g"], sync_interval=3600)

    for seconds in (0, 59, 61):
        clock[0] = 1000.0 + seconds
        with pytest.raises(StateError, match="were not found yet"):
            bundle.refresh()
        assert bundle._sync is not None
        bundle._sync.wait()

    assert looked.read_text() == "x" * looks
