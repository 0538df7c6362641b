"""Which files of a working copy an archive gets."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gitlab_ci_provider.storage.members import find_members


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A working copy next to a file that is none of the job's business."""
    root = tmp_path / "project"
    for name in ("dist/app.js", "dist/css/a.css", "dist/css/b.css", "src/main.c", ".env"):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    (tmp_path / "secret").write_text("secret")
    return root


@pytest.mark.parametrize(
    ("pattern", "paths"),
    [
        ("dist", ["dist", "dist/app.js", "dist/css", "dist/css/a.css", "dist/css/b.css"]),
        ("dist/", ["dist", "dist/app.js", "dist/css", "dist/css/a.css", "dist/css/b.css"]),
        ("./dist/css", ["dist/css", "dist/css/a.css", "dist/css/b.css"]),
        ("dist/*", ["dist/app.js", "dist/css", "dist/css/a.css", "dist/css/b.css"]),
        ("**/*.css", ["dist/css/a.css", "dist/css/b.css"]),
        ("*/*.c", ["src/main.c"]),
        ("{src,dist}/*.{c,js}", ["dist/app.js", "src/main.c"]),
        (".env", [".env"]),
        ("dist/css/[ab].css", ["dist/css/a.css", "dist/css/b.css"]),
    ],
)
def test_finds_what_a_pattern_names(project: Path, pattern: str, paths: list[str]):
    """A folder that matches is taken with all that is in it."""
    assert list(find_members(project, [pattern]).paths) == paths


def test_dot_takes_everything(project: Path):
    """`.` is the whole project."""
    assert len(find_members(project, ["."]).paths) == 8


def test_absolute_paths_below_the_project_are_its_own(project: Path):
    """`$CI_PROJECT_DIR/dist` is what people write."""
    assert "dist/app.js" in find_members(project, [f"{project}/dist"]).paths


def test_tells_how_many_matched(project: Path):
    """In the runner's words, folders counted."""
    found = find_members(project, ["dist/"])

    assert found.findings == ("dist/: found 5 matching artifact files and directories",)
    assert found.warnings == ()


def test_tells_when_nothing_matched(project: Path):
    """A warning, not an error."""
    found = find_members(project, ["build/"])

    assert found.paths == ()
    assert found.warnings[0].startswith("build/: no matching files. Ensure that")


@pytest.mark.parametrize("pattern", ["../secret", "..", "/etc/passwd", "dist/../../secret", "/"])
def test_nothing_outside_the_project(project: Path, pattern: str):
    """Such a pattern is warned about and finds nothing."""
    found = find_members(project, [pattern])

    assert found.paths == ()
    assert len(found.warnings) == 1


@pytest.mark.parametrize("pattern", ["link/secret", "link/*", "link/**", "l*/secret", "**/secret"])
def test_links_do_not_lead_outside(project: Path, pattern: str):
    """The project may hold a link to anywhere; nothing behind it is taken."""
    (project / "link").symlink_to(project.parent)

    assert "secret" not in " ".join(find_members(project, [pattern]).paths)


def test_links_are_taken_as_links(project: Path):
    """Also those to folders and to nowhere."""
    (project / "dist" / "current").symlink_to("css")
    (project / "dist" / "dangling").symlink_to("missing")

    found = find_members(project, ["dist"]).paths

    assert {"dist/current", "dist/dangling"} < set(found)
    assert "dist/current/a.css" not in found


def test_a_link_inside_the_project_may_be_named(project: Path):
    """`current/a.css` is found although `current` is a link."""
    (project / "current").symlink_to("dist/css")

    assert find_members(project, ["current/a.css"]).paths == ("current/a.css",)
    assert find_members(project, ["current/*"]).paths == ("current/a.css", "current/b.css")


def test_exclude_leaves_out_and_tells(project: Path):
    """Exclude is by file: `dir/**/*` for all that lies in a folder."""
    found = find_members(project, ["dist"], exclude=["**/*.css"])

    assert found.paths == ("dist", "dist/app.js", "dist/css")
    assert found.findings[1:] == ("**/*.css: excluded 2 files",)


def test_excluding_a_folder_leaves_its_files(project: Path):
    """As with GitLab: `exclude: dist/css` means the folder's own entry only."""
    found = find_members(project, ["dist"], exclude=["dist/css"]).paths

    assert "dist/css/a.css" in found
    assert "dist/css" not in found


def test_untracked_files_are_added(project: Path):
    """Beside the paths, each once."""
    found = find_members(project, ["src"], untracked=["src/main.c", ".env", "new/"])

    assert found.paths == (".env", "new", "src", "src/main.c")
    assert found.findings[-1] == "untracked: found 3 files"


def test_no_untracked_files_are_told_about(project: Path):
    """As the runner does."""
    assert find_members(project, [], untracked=[]).warnings == ("untracked: no files",)


def test_a_wrong_pattern_is_told_about(project: Path):
    """The others are used all the same."""
    found = find_members(project, ["[dist", "src"])

    assert found.warnings == ("[dist: '[' is never closed",)
    assert found.paths == ("src", "src/main.c")


def test_an_empty_pattern_is_told_about(project: Path):
    """A variable without a value must not mean the whole project."""
    found = find_members(project, [""])

    assert found.paths == ()
    assert found.warnings == ("No matching files. Path is empty.",)


def test_walks_no_deeper_than_it_must(project: Path):
    """A pattern for the first level does not read a folder below it, readable or not."""
    if os.geteuid() == 0:
        pytest.skip("root may read every folder")
    (project / "dist" / "css").chmod(0)

    assert find_members(project, ["dist/*.js"]).paths == ("dist/app.js",)
