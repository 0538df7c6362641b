"""Where the state is: the one decision about folder or object store."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from gitlab_ci_provider.exceptions import SettingsError
from gitlab_ci_provider.records.copies import CopiedStore
from gitlab_ci_provider.records.folder import FolderStore
from gitlab_ci_provider.settings import home_settings
from gitlab_ci_provider.state import open_copies, open_records, open_state


def test_by_default_it_is_in_the_home_folder(tmp_path: Path):
    """DAG files read the same place."""
    settings = home_settings(tmp_path)

    assert open_records(settings) == FolderStore(tmp_path / "state")
    assert open_copies(settings).records == FolderStore(tmp_path / "state")


def test_a_connection_puts_it_into_an_object_store(tmp_path: Path):
    """Then a machine keeps copies, and opening twice uses the same client."""
    settings = replace(home_settings(tmp_path), state_conn_id="store")
    records = open_records(settings)

    assert isinstance(records, CopiedStore)
    assert records.copies == open_copies(settings).records == FolderStore(tmp_path / "copies")
    assert open_records(settings) is records


def test_a_missing_connection_is_named(tmp_path: Path):
    """With the setting that names it, and where commands look for it."""
    settings = replace(home_settings(tmp_path), state_conn_id="nowhere")

    with pytest.raises(SettingsError, match=r"'nowhere', which .* state_conn_id.* environment"):
        open_state(settings).installation.name()
