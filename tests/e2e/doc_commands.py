"""The commands that the documentation shows at a prompt, and why some of them run in no test."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
_BLOCK = re.compile(r"^ *```console\n(.*?)^ *```", re.DOTALL | re.MULTILINE)
_HEREDOC = re.compile(r"<<'?(\w+)'?$")


@dataclass(frozen=True)
class Session:
    """The commands of a page, run one after another in one shell.

    Attributes:
        page: from the root of this repository.
        folder: where they run; from the sandbox, or an absolute path.
        before: what the page expects its reader to have done.
        stands_for: what the reader puts in place of the names on the page.
        fails: commands that are shown because they fail.
    """

    page: str
    folder: str = "shop"
    before: str = ""
    stands_for: dict[str, str] = field(default_factory=dict)
    fails: tuple[str, ...] = ()


SERVED = {"https://git.example.com/group/project.git": "file://$SANDBOX/project"}
GITLAB = {"https://gitlab.example.com": "$GITLAB", '"gitlab.example.com"': "\"'$GITLAB'\""}
"""`$GITLAB` is the address of a stand-in, which has the projects that pages name."""

OTHER_AIRFLOW = """read -r URL USER PASSWORD <<<"$(python -c 'from pathlib import Path
from gitlab_ci_provider.local.home import Home
from gitlab_ci_provider.local.stack.state import read_state
state = read_state(Home(Path.home() / ".local/state/gitlab-dags"))
print(state.url, state.user, state.password)')"
export GITLAB_DAGS_AIRFLOW_USER=$USER GITLAB_DAGS_AIRFLOW_PASSWORD=$PASSWORD"""
"""Takes the reader's stack for an Airflow elsewhere."""

ADDRESS = {
    "export GITLAB_DAGS_AIRFLOW_URL=https://airflow.example.com GITLAB_DAGS_AIRFLOW_TOKEN=...": (
        f"{OTHER_AIRFLOW} GITLAB_DAGS_AIRFLOW_URL=$URL"
    )
}
CONFIGURED = "export AIRFLOW__GITLAB_CI__HOME=~/.local/state/gitlab-dags/gitlab_ci"
"""What that Airflow's `airflow.cfg` says."""

KUBECONFIG = "export KUBECONFIG=~/.local/state/gitlab-dags/cluster/kubeconfig"

SESSIONS = (
    Session(
        "docs/how-to/private-repositories.md",
        before="unset AIRFLOW_CONN_GITLAB_DEFAULT",
        stands_for={**GITLAB, "group/project.git": "group/private.git"},
    ),
    Session("docs/tutorial/first-pipeline.md", str(ROOT), fails=("gitlab-dags run . --var FAIL",)),
    Session("README.md", "readme", stands_for=SERVED),
    Session("docs/index.md", "readme"),
    Session("docs/how-to/add-repositories.md", stands_for={**SERVED, "/srv/gitlab-ci": "../srv"}),
    Session(
        "docs/how-to/define-variables.md",
        before="gitlab-dags up ~/src/deployment",
        stands_for=GITLAB,
    ),
    Session("docs/how-to/docker-in-docker.md", "docker"),
    Session("docs/how-to/downstream.md"),
    Session("docs/how-to/images.md"),
    Session(
        "docs/explanation/embedded-cluster.md",
        before="trap 'kill $CLUSTER' EXIT",
        stands_for={
            "--dir ~/cluster": (
                "--dir ~/cluster & CLUSTER=$!\n"
                "until test -f ~/cluster/kubeconfig || ! kill -0 $CLUSTER; do sleep 0.2; done"
            ),
            " --watch": "",
        },
    ),
    Session("docs/how-to/lint.md", stands_for=GITLAB),
    Session(
        "docs/how-to/move-from-gitlab-runner.md",
        ".",
        stands_for={
            **ADDRESS,
            **GITLAB,
            "gitlab-dags sync": f"{CONFIGURED}\ngitlab-dags sync",
            "/shared/gitlab_ci": (
                "~/.local/state/gitlab-dags/gitlab_ci --dag-files ~/.local/state/gitlab-dags/dags"
            ),
        },
    ),
    Session("docs/how-to/move-from-gitlab-ci-local.md"),
    Session(
        "docs/how-to/play-manual-jobs.md",
        before="gitlab-dags up ../project && gitlab-dags trigger local/project --wait",
        stands_for={
            "group/project": "local/project",
            # The line before has played the job.
            "gitlab-dags play local/project deploy --input": (
                "gitlab-dags trigger local/project --wait && "
                "gitlab-dags play local/project deploy --input"
            ),
        },
    ),
    Session(
        "docs/how-to/resource-groups.md",
        before=KUBECONFIG,
        stands_for={
            "group-project": "local-project",
            "resource-group-3f1c...": "$(kubectl get cm -o name | grep -m 1 resource-group)",
            "configmap $": "$",
        },
    ),
    Session(
        "docs/how-to/run-any-commit.md",
        before=f"gitlab-dags up ../project && {OTHER_AIRFLOW}",
        stands_for={
            "group/project": "local/project",
            "3f2a9c14b5d8e7f60a1b2c3d4e5f60718293a4b5": "$(git -C ../project rev-parse v1.1.0)",
            "https://airflow.example.com": "$URL",
            "/shared/gitlab_ci": "~/.local/state/gitlab-dags/gitlab_ci",
        },
    ),
    Session(
        "docs/how-to/real-cluster.md",
        str(ROOT),
        before="export AIRFLOW_HOME=$SANDBOX/airflow && mkdir -p $AIRFLOW_HOME/dags",
        stands_for={
            **SERVED,
            "export GITLAB_DAGS_AIRFLOW_URL=https://airflow.example.com "
            "GITLAB_DAGS_AIRFLOW_USER=admin GITLAB_DAGS_AIRFLOW_PASSWORD=PASSWORD": (
                f"{OTHER_AIRFLOW} GITLAB_DAGS_AIRFLOW_URL=$URL"
            ),
            "/etc/airflow/kubeconfig": "~/.local/state/gitlab-dags/cluster/kubeconfig",
            "--namespace gitlab-ci": "--namespace default",
            "/srv/gitlab-ci": "~/.local/state/gitlab-dags/gitlab_ci",
        },
    ),
    Session("docs/how-to/runners.md"),
    Session("docs/how-to/several-machines.md"),
    Session("docs/how-to/trigger-tokens.md"),
    Session(
        "docs/how-to/webhooks.md",
        before='export AIRFLOW_CONN_GITLAB_DEFAULT="$CONNECTION"',
        stands_for={"GROUP_OR_PROJECT": "group"},
    ),
    Session("docs/reference/variables.md", "wordcount"),
    Session(
        "docs/reference/cli.md",
        before="mkdir -p ~/.config/fish/completions && gitlab-dags runners import config.toml >new",
        stands_for={
            **ADDRESS,
            "runners check FILE": "runners check new",
            "CONFIG_TOML > FILE": "config.toml",
        },
    ),
    Session(
        "docs/how-to/run-locally.md",
        stands_for={
            "GITLAB_DAGS_HOME=/tmp/second gitlab-dags up . --port 8090": (
                'GITLAB_DAGS_HOME=../second gitlab-dags up . --port "$FREE_PORT" && '
                "GITLAB_DAGS_HOME=../second gitlab-dags down"
            )
        },
    ),
)
"""In this order: the first one starts the stack, the last one stops it."""

CLUSTER = "tests/integration/images/test_real_cluster_howto.py types it, on a real Kubernetes"
COMPOSE = "tests/integration/images/test_compose.py types it, with Podman"
HELM = "needs Helm and its chart; tests/architecture/test_deployments.py checks what is given to it"
IMAGES = "tests/integration/images builds from these files, with Podman"
REGISTRY = "needs a registry, or images from one"
AIRFLOW = "tests/integration/airflow/test_doc_commands.py gives it to Airflow"
LONG = "takes long, and is a step of CI or a benchmark itself"
LEFT_OUT = (
    ("README.md", "make (demo|test)", "tests/e2e/test_demo.py runs the demo; this is a test"),
    ("docs/tutorial/first-pipeline.md", "make setup", "installs from a registry, as CI does"),
    ("docs/tutorial/first-pipeline.md", "gitlab-dags down", "the next pages use the stack"),
    ("README.md", "gitlab-dags down", "the next pages use the stack"),
    ("CONTRIBUTING.md", ".*", LONG),
    ("docs/benchmarks.md", ".*", LONG),
    ("docs/how-to/new-airflow.md", ".*", LONG),
    ("docs/how-to/release.md", ".*", "changes this repository and its origin"),
    ("docs/explanation/inside-the-pod.md", ".*", "needs the pod of a job that runs"),
    ("docs/how-to/build-images.md", "airflow ", AIRFLOW),
    ("docs/how-to/build-images.md", "cosign |skopeo ", REGISTRY),
    ("docs/how-to/cancel.md", ".*", AIRFLOW),
    ("docs/how-to/compose.md", ".*", COMPOSE),
    ("docs/how-to/connect-gitlab.md", ".*", AIRFLOW),
    ("docs/how-to/define-variables.md", "airflow ", AIRFLOW),
    ("docs/how-to/helm.md", ".*", HELM),
    ("docs/how-to/images.md", ".*--runtime podman", REGISTRY),
    ("docs/how-to/play-manual-jobs.md", "curl ", "tests/e2e/test_manual.py makes these requests"),
    ("docs/how-to/private-repositories.md", "airflow ", AIRFLOW),
    ("docs/how-to/provider-images.md", ".*", IMAGES),
    ("docs/how-to/real-cluster.md", "airflow ", AIRFLOW),
    ("docs/how-to/real-cluster.md", "(kubectl|read_secret|until|server=|cat|docker)", CLUSTER),
    ("docs/how-to/report-to-gitlab.md", ".*", AIRFLOW),
    ("docs/how-to/resource-groups.md", "airflow ", AIRFLOW),
    ("docs/how-to/runners.md", "airflow ", AIRFLOW),
    ("docs/how-to/s3.md", ".*", AIRFLOW),
    ("docs/how-to/trigger-tokens.md", "airflow ", AIRFLOW),
    ("docs/how-to/trigger-tokens.md", "curl ", "tests/e2e/test_gitlab_bundle.py asks so"),
    ("docs/reference/cli.md", ".*completion zsh", "needs zsh; tests/unit/cli/test_completion.py"),
    ("docs/reference/variables.md", "airflow ", AIRFLOW),
)  # fmt: skip
"""Page, pattern of the beginning of a command, reason."""


def commands(page: Path) -> Iterator[str]:
    """Yield the commands of a page, with their here-documents and without what they print."""
    for block in _BLOCK.findall(page.read_text("utf-8")):
        lines = iter(block.splitlines())
        for line in lines:
            if not line.lstrip().startswith("$ "):
                continue
            command = line.lstrip()[2:]
            while command.endswith("\\"):
                command = f"{command[:-1]} {next(lines).strip()}"
            if end := _HEREDOC.search(command):
                for text in lines:
                    command += f"\n{text}"
                    if text.strip() == end[1]:
                        break
            yield command


def reason(page: str, command: str) -> str:
    """Say why a command runs in no test; empty for one that does."""
    found = (why for place, start, why in LEFT_OUT if place == page and re.match(start, command))
    return next(found, "")


def script(session: Session) -> str:
    """Write the shell script of a session; it ends with 1 at the first command that surprises."""
    lines = ["shopt -s expand_aliases", session.before or ":"]
    for command in commands(ROOT / session.page):
        if reason(session.page, command):
            continue
        for name, real in session.stands_for.items():
            command = command.replace(name, real)  # noqa: PLW2901 - as the reader does
        wrong = "-eq" if command.startswith(session.fails or ("\0",)) else "-ne"
        shown = command.splitlines()[0].replace("'", "'\\''")
        lines += [f"echo '$ {shown}'", command, f"[ $? {wrong} 0 ] && echo surprised && exit 1"]
    return "\n".join([*lines, "exit 0", ""])
