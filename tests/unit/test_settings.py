"""The options of `[gitlab_ci]`, as airflow.cfg has them and as Airflow lists them."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from gitlab_ci_provider.exceptions import SettingsError
from gitlab_ci_provider.get_provider_info import get_provider_info
from gitlab_ci_provider.settings import SECTION, Settings, read_options


def test_texts_become_values_of_the_options_types():
    """airflow.cfg and the environment hold texts only."""
    settings = read_options(
        {"home": "/h", "dag_files": "/d", "default_timeout": "60", "always_ask": "True"}
    )

    assert settings == Settings(
        home=Path("/h"), dag_files=Path("/d"), default_timeout=60, always_ask=True
    )


@pytest.mark.parametrize("option", ["default_timeout", "always_ask"])
def test_a_wrong_value_is_refused_by_the_name_of_its_option(option: str):
    """The message leads to the line that is wrong, and does not repeat what stands there."""
    with pytest.raises(SettingsError, match=rf"at `\[{SECTION}\] {option}`") as refused:
        read_options({"home": "/h", option: "secret"})

    assert "secret" not in str(refused.value)


def test_airflow_lists_every_option_with_its_type_and_default():
    """`airflow config list` and the documentation of Airflow read the provider's metadata."""
    options = get_provider_info()["config"][SECTION]["options"]

    assert list(options) == [option.name for option in fields(Settings)]
    assert all(option["description"].endswith(".") for option in options.values())
    assert (options["always_ask"]["type"], options["always_ask"]["default"]) == ("boolean", "False")
    assert (options["home"]["type"], options["home"]["default"]) == ("string", None)
    assert (options["default_timeout"]["type"], options["default_timeout"]["default"]) == (
        "integer",
        "3600",
    )
