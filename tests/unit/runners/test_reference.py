"""What is published about the file of runners."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[3]


def test_schema_and_reference_page_are_fresh():
    """Both are made from the dataclasses that the file is read into; `.ci/runners` writes them."""
    done = subprocess.run(
        [ROOT / ".ci" / "runners", "--check"], capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stdout) == (0, "")


def test_the_schema_refuses_unknown_options():
    """An editor marks what `gitlab-dags runners check` would refuse."""
    schema = json.loads((ROOT / "docs" / "reference" / "runners.schema.json").read_text("utf-8"))
    runner = schema["properties"]["runners"]["items"]

    assert runner["additionalProperties"] is False
    assert runner["properties"]["security"]["additionalProperties"] is False
    assert runner["properties"]["tags"]["oneOf"][1] == {"type": "string"}
