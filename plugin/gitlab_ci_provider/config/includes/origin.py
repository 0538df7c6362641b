"""A location to its text: which project, which file, and GitLab's words when it is not there."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from gitlab_ci_provider.config.includes.fetcher import Elsewhere, FileFetcher, ProjectFiles
from gitlab_ci_provider.config.includes.locations import Location
from gitlab_ci_provider.exceptions import SourceError
from gitlab_ci_provider.model.context import PipelineContext
from gitlab_ci_provider.model.nearest import nearest
from gitlab_ci_provider.model.pipeline import Included
from gitlab_ci_provider.model.quoted import hide_credentials, quoted

_YAML = re.compile(r".+\.(yml|yaml)$", re.IGNORECASE)
_OTHER_PROJECT = re.compile(r"^(?P<file>.+\.ya?ml)@(?P<project>[^:]+)(?::(?P<ref>.+))?$")
_TEMPLATE = ".gitlab-ci.yml"
_COMPONENT = re.compile(r"^(?P<host>[^/]+)/(?P<project>.+)/(?P<name>[^/@]+)@(?P<version>[^@]+)$")


_WHERE = (
    "Pass the GitLab server with --gitlab-url (and $GITLAB_TOKEN), allow hosts of remote files "
    "with --allow-remote, or copy the file into the repository."
)


_ALONE = "A remote file or template belongs to no project: include it with `project` instead."


class IncludeError(Exception):
    """A file cannot be included; the message is GitLab's where GitLab has one."""

    def __init__(self, code: str, message: str, hint: str | None = None):
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint


@dataclass(frozen=True, slots=True)
class Origin:
    """A file that was read.

    Attributes:
        name: how diagnostics call it: its path, with project or address when from elsewhere.
        shown: how GitLab calls it in messages about its content.
        files: where its own local includes are; `NO_PROJECT` when it can have none.
        component: what it may know about itself, when it is a component.
        key: tells it apart from others, whatever is hidden in its names.
        lock: which state of it was read, when it is from outside the repository.
    """

    name: str
    shown: str
    content: bytes
    files: FileFetcher
    component: Mapping[str, object] = field(default_factory=dict)
    lock: Included | None = None
    key: str = ""

    def without_secrets(self, hide: Callable[[str], str]) -> Origin:
        """Hide secrets in its names, which the pipeline keeps."""
        lock = self.lock and replace(
            self.lock, file=hide(self.lock.file), asked=hide(self.lock.asked)
        )
        return replace(self, name=hide(self.name), shown=hide(self.shown), lock=lock, key=self.name)


def _meant(path: str, files: FileFetcher) -> str | None:
    """Suggest a file for a path that does not exist: often it is relative to the including one."""
    known = files.paths()
    below = next((name for name in known if name.endswith(f"/{path}")), None)
    close = below or nearest(path, (name for name in known if _YAML.match(name)), 0.75)
    return f"Did you mean '{close}'? Paths begin at the root of the repository." if close else None


class NoProject:
    """The files next to a remote file or a template: there are none. A `FileFetcher`."""

    def read(self, path: str) -> bytes | None:
        """Find nothing."""

    def paths(self) -> Sequence[str]:
        """List nothing."""
        return ()


NO_PROJECT = NoProject()


@dataclass(frozen=True, slots=True)
class Finder:
    """Reads locations; `elsewhere` is None when there is nothing but the repository."""

    context: PipelineContext
    own: FileFetcher
    elsewhere: Elsewhere | None = None

    def find(self, location: Location, files: FileFetcher) -> Origin:
        """Read a location as seen from a file among `files`.

        Raises:
            IncludeError: it cannot be included.
        """
        try:
            return self._find(location, files)
        except SourceError as error:
            raise IncludeError("include-unreadable", str(error)) from error
        except (OSError, ValueError) as error:  # impossible in a path, argument or request
            words = f"`{quoted(location.path)}` cannot be read: {error}"
            raise IncludeError("include-unreadable", words) from error

    def _find(self, location: Location, files: FileFetcher) -> Origin:
        name = location.path.rpartition("/")[2]
        if location.kind != "component" and not _YAML.match(name):
            words = f"Included file `{location.path}` does not have YAML extension!"
            raise IncludeError("include-extension", words)
        if location.kind == "local":
            return self._local(location.path, files)
        if location.kind == "component":
            return self._component(location.path)
        if location.kind == "project":
            return self._project(location)
        if location.kind == "remote":
            return self._remote(location)
        return self._template(location.path)

    def _local(self, path: str, files: FileFetcher) -> Origin:
        if files is NO_PROJECT:
            words = f"Local file `{path}` does not have project!"
            raise IncludeError("include-missing", words, _ALONE)
        content = files.read(path)
        if content is None:
            words = f"Local file `{path}` does not exist!"
            hint = _meant(path, files) if files is self.own else None  # names of no other project
            raise IncludeError("include-missing", words, hint)
        if not content.strip():
            raise IncludeError("include-empty", f"Local file `{path}` is empty!")
        return Origin(path, path, content, files)

    def _project(self, location: Location) -> Origin:
        project, path = location.project or "", location.path.lstrip("/")
        found = self._outside(f"project: {project}:{path}").project(project, location.ref)
        if found is None:
            words = (
                f"Project `{project}` not found or access denied! Make sure any includes in the "
                "pipeline configuration are correctly defined."
            )
            raise IncludeError("include-project", words)
        content = found.files.read(path)
        if content is None:
            words = f"Project `{project}` file `{path}` does not exist!"
            raise IncludeError("include-missing", words)
        if not content.strip():
            raise IncludeError("include-empty", f"Project `{project}` file `{path}` is empty!")
        file = f"{project}:{path}"
        lock = Included(file=file, sha=found.sha, asked=location.ref or "", version=found.version)
        return Origin(file, path, content, found.files, lock=lock)

    def _remote(self, location: Location) -> Origin:
        url = location.path
        content = self._outside(f"remote: {url}").remote(url)
        if location.integrity is not None and not _intact(content, location.integrity):
            words = f"Remote file `{url}` integrity check failed."
            raise IncludeError("include-integrity", words)
        lock = Included(file=hide_credentials(url), sha=_digest(content))
        return Origin(url, url, content, NO_PROJECT, lock=lock)

    def _template(self, name: str) -> Origin:
        if not name.endswith(_TEMPLATE):
            words = f"Template file `{name}` is not a valid location!"
            raise IncludeError("include-missing", words)
        content = self._outside(f"template: {name}").template(name)
        if content is None:
            words = f"Included file `{name}` is empty or does not exist!"
            raise IncludeError("include-missing", words)
        lock = Included(file=f"template:{name}", sha=_digest(content))
        return Origin(f"template:{name}", name, content, NO_PROJECT, lock=lock)

    def _component(self, address: str) -> Origin:
        found = _COMPONENT.match(address)
        if found is None:
            raise IncludeError("include-component", f"Component '{address}' - invalid address")
        project, name, version = found["project"], found["name"], found["version"]
        source = self._component_project(project, version, name)
        for path in (f"templates/{name}.yml", f"templates/{name}/template.yml"):
            content = source.files.read(path) if source else None
            if source is not None and content is not None:
                about = {
                    "name": name,
                    "sha": source.sha,
                    "version": source.version,
                    "reference": version,
                }
                lock = Included(
                    file=f"{project}:{path}", sha=source.sha, asked=version, version=source.version
                )
                return Origin(f"{address}:{path}", address, content, source.files, about, lock)
        raise IncludeError("include-component", f"Component '{address}' - content not found")

    def _component_project(self, project: str, version: str, name: str) -> ProjectFiles | None:
        ref = self.context.ref
        if project == self.context.project.path and version in (ref.sha, ref.name):
            return ProjectFiles(self.own, ref.sha)
        return self._outside(f"component: {project}/{name}").project(project, version)

    def _outside(self, what: str) -> Elsewhere:
        if self.elsewhere is None:
            words = f"include:{what} is outside of this repository and cannot be read here"
            raise IncludeError("include-unavailable", words, _WHERE)
        return self.elsewhere


def main_elsewhere(path: str) -> bytes | None:
    """Return the main file of a project whose configuration is elsewhere; None when it is not.

    GitLab's setting for that is `FILE@GROUP/PROJECT`, the same with `:REF`, or a URL. As there, the
    main file then consists of an `include`.
    """
    if path.startswith(("http://", "https://")):
        return json.dumps({"include": [{"remote": path}]}).encode()
    found = _OTHER_PROJECT.match(path)
    if found is None:
        return None
    place = {name: text for name, text in found.groupdict().items() if text}
    return json.dumps({"include": [place]}).encode()


def _digest(content: bytes) -> str:
    import hashlib  # importing OpenSSL is slow, and few files need it

    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _intact(content: bytes, integrity: str) -> bool:
    import base64
    import hashlib  # importing OpenSSL is slow, and few files need it

    digest = base64.b64encode(hashlib.sha256(content).digest()).decode()
    return integrity == f"sha256-{digest}"
