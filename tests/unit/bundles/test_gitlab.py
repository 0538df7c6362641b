"""The DAG bundle that has a GitLab looked at."""

from __future__ import annotations

import signal
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


def test_a_look_that_hangs_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A server that keeps a connection open and sends nothing would stop all looks for ever."""
    monkeypatch.setenv("AIRFLOW__GITLAB_CI__HOME", str(tmp_path / "home"))
    clock = [1000.0]
    monkeypatch.setattr(gitlab, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    hanging = (sys.executable, "-c", "import signal; signal.pause()")
    monkeypatch.setattr(gitlab, "_COMMAND", hanging)
    bundle, looks = gitlab.GitLabDagBundle(name="b", groups=["g"]), []

    for hours in (0, 3, 5):
        clock[0] = 1000.0 + hours * 3600
        with pytest.raises(StateError, match="were not found yet"):
            bundle.refresh()
        looks.append(bundle._sync)

    first, same, other = looks
    assert first is same is not other
    assert first is not None
    assert first.returncode == -signal.SIGKILL
    assert other is not None
    other.kill()
    other.wait()
