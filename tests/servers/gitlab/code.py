"""The repository through the API, read with git: branches, tags, commits, trees and files."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

from servers.gitlab.call import REPORTER, Answer, Call, Refusal, route
from servers.gitlab.pages import Keyset, page
from servers.gitlab.world import Project

_FIELDS = "%H%x00%P%x00%s%x00%B%x00%an%x00%ae%x00%aI%x00%cn%x00%ce%x00%cI"
_TREE = Keyset("", "page_token", lambda entry: entry["path"])
_MOST_DIFFS = 1000
_BRANCHES = Keyset("", "page_token", lambda branch: branch["name"])


def _repository(call: Call) -> Project:
    """Find the project; its code is for reporters unless it is public."""
    project = call.project()
    return call.project(0 if project.visibility == "public" else REPORTER)


def resolve(project: Project, ref: str) -> str | None:
    """Return the commit of a ref; None when there is no such ref."""
    if not ref or ref.startswith("-"):
        return None
    found = project.git("rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}")
    return found.decode().strip() if found else None


def _commit(call: Call, project: Project, sha: str) -> dict[str, Any]:
    said = project.git("log", "-1", f"--format={_FIELDS}", sha) or b""
    parts = said.decode().rstrip("\n").split("\0")
    sha, parents, title, message, author, author_email, authored, name, email, committed = parts
    return {
        "id": sha,
        "short_id": sha[:8],
        "parent_ids": parents.split(),
        "title": title,
        "message": message,
        "author_name": author,
        "author_email": author_email,
        "authored_date": authored,
        "committer_name": name,
        "committer_email": email,
        "committed_date": committed,
        "created_at": committed,
        "web_url": f"{call.base.removesuffix('/api/v4')}/{project.path}/-/commit/{sha}",
    }


def _needed(project: Project, ref: str, what: str) -> str:
    sha = resolve(project, ref)
    if sha is None:
        raise Refusal(404, {"message": f"404 {what} Not Found"})
    return sha


@route("GET", "/projects/:id/repository/commits/:sha", "read_repository")
def commit(call: Call) -> Any:
    """Describe the commit of a sha, branch or tag."""
    project = _repository(call)
    return _commit(call, project, _needed(project, call.place["sha"], "Commit"))


@route("GET", "/projects/:id/repository/commits", "read_repository")
def commits(call: Call) -> Answer:
    """List the commits of a ref."""
    project = _repository(call)
    sha = _needed(project, call.query.get("ref_name") or project.default_branch, "Commit")
    options = ["--first-parent"] if call.flag("first_parent") else []
    path = ["--", call.query["path"]] if call.query.get("path") else []
    listed = (project.git("rev-list", *options, sha, *path) or b"").decode().split()
    return page(call, [_commit(call, project, one) for one in listed])


@route("GET", "/projects/:id/repository/branches", "read_repository")
def branches(call: Call) -> Answer:
    """List branches by name."""
    project = _repository(call)
    names = _names(project, "refs/heads")
    return page(call, [_branch(call, project, name) for name in names], _BRANCHES)


@route("GET", "/projects/:id/repository/branches/:branch", "read_repository")
def branch(call: Call) -> Any:
    """Describe one."""
    project = _repository(call)
    if call.place["branch"] not in _names(project, "refs/heads"):
        raise Refusal(404, {"message": "404 Branch Not Found"})
    return _branch(call, project, call.place["branch"])


@route("GET", "/projects/:id/repository/tags", "read_repository")
def tags(call: Call) -> Answer:
    """List tags."""
    project = _repository(call)
    found = [_tag(call, project, name) for name in _names(project, "refs/tags")]
    return page(call, found)


@route("GET", "/projects/:id/repository/tags/:tag", "read_repository")
def tag(call: Call) -> Any:
    """Describe one."""
    project = _repository(call)
    if call.place["tag"] not in _names(project, "refs/tags"):
        raise Refusal(404, {"message": "404 Tag Not Found"})
    return _tag(call, project, call.place["tag"])


@route("GET", "/projects/:id/repository/merge_base", "read_repository")
def merge_base(call: Call) -> Any:
    """Describe the newest common ancestor of commits."""
    project = _repository(call)
    refs = call.query.get("refs[]", "").split(",")
    unknown = [ref for ref in refs if resolve(project, ref) is None]
    if len(refs) < 2 or unknown:
        raise Refusal(400, {"message": f"Could not find refs: {', '.join(unknown)}"})
    found = project.git("merge-base", *refs)
    if found is None:
        raise Refusal(404, {"message": "404 Merge Base Not Found"})
    return _commit(call, project, found.decode().strip())


@route("GET", "/projects/:id/repository/compare", "read_repository")
def compare(call: Call) -> Any:
    """List the files that differ between two commits; a list that is too long is cut."""
    project = _repository(call)
    first, last = (_needed(project, call.query[name], "Commit") for name in ("from", "to"))
    dots = ".." if call.flag("straight") else "..."
    options = ["diff", "--name-status", "-M", "-z", f"{first}{dots}{last}"]
    diffs = [*_diffs((project.git(*options) or b"").decode().split("\0"))]
    return {
        "commit": _commit(call, project, last),
        "commits": [],
        "diffs": diffs[:_MOST_DIFFS],
        "compare_timeout": len(diffs) > _MOST_DIFFS,
        "compare_same_ref": first == last,
    }


def _diffs(fields: list[str]) -> Iterator[dict[str, Any]]:
    left = iter(fields)
    for status in left:
        if not status:
            return
        old = next(left)
        new = next(left) if status[0] in "RC" else old
        yield {
            "old_path": old,
            "new_path": new,
            "new_file": status == "A",
            "renamed_file": status[0] == "R",
            "deleted_file": status == "D",
            "diff": "",
        }


@route("GET", "/projects/:id/repository/tree", "read_repository")
def tree(call: Call) -> Answer:
    """List the files of a commit."""
    project = _repository(call)
    sha = _needed(project, call.query.get("ref") or project.default_branch, "Tree")
    options = ["-r", "-t"] if call.flag("recursive") else []
    path = [f"{call.query['path']}/"] if call.query.get("path") else []
    listed = project.git("ls-tree", "-z", *options, sha, *path) or b""
    entries = [entry.partition("\t") for entry in listed.decode().split("\0") if entry]
    return page(call, [_entry(about.split(), path) for about, _, path in entries], _TREE)


@route("GET", "/projects/:id/repository/files/:file/raw", "read_repository")
def raw(call: Call) -> Answer:
    """Give a file's bytes."""
    return Answer(_blob(call), headers={"Content-Type": "text/plain"})


@route("GET", "/projects/:id/repository/files/:file", "read_repository")
def file(call: Call) -> Any:
    """Describe a file, with its contents."""
    data, path = _blob(call), call.place["file"]
    return {
        "file_name": path.rpartition("/")[2],
        "file_path": path,
        "size": len(data),
        "encoding": "base64",
        "content": base64.b64encode(data).decode(),
        "ref": call.query["ref"],
    }


def _blob(call: Call) -> bytes:
    project = _repository(call)
    sha = _needed(project, call.query.get("ref") or project.default_branch, "File")
    data = project.git("cat-file", "blob", f"{sha}:{call.place['file']}")
    if data is None:
        raise Refusal(404, {"message": "404 File Not Found"})
    return data


def _entry(about: list[str], path: str) -> dict[str, str]:
    mode, kind, sha = about
    return {"id": sha, "name": path.rpartition("/")[2], "type": kind, "path": path, "mode": mode}


def _branch(call: Call, project: Project, name: str) -> dict[str, Any]:
    return {
        "name": name,
        "commit": _commit(call, project, f"refs/heads/{name}"),
        "merged": False,
        "protected": name in project.protected,
        "default": name == project.default_branch,
        "can_push": True,
    }


def _tag(call: Call, project: Project, name: str) -> dict[str, Any]:
    about = f"refs/tags/{name}"
    found = _commit(call, project, f"{about}^{{commit}}")
    said = project.git(
        "for-each-ref", "--format=%(objecttype)%00%(objectname)%00%(contents)", about
    )
    kind, target, message = (said or b"").decode().split("\0")
    return {
        "name": name,
        "commit": found,
        "target": target,
        "message": message.strip() if kind == "tag" else "",
        "protected": False,
    }


def _names(project: Project, where: str) -> list[str]:
    listed = project.git("for-each-ref", "--format=%(refname:lstrip=2)", where) or b""
    return listed.decode().split()
