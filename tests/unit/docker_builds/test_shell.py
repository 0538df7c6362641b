import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from factories import make_job
from gitlab_ci_provider.docker_builds.rewrite import read_docker_job
from gitlab_ci_provider.docker_builds.shell import MAX_BYTES, Statement, read_shell
from gitlab_ci_provider.model.job import Script

HOSTILE = [
    "(" * 20_000,
    "$(" * 20_000,
    "`" * 20_001,
    '"$(' * 10_000 + "docker build .",
    "a=" * 20_000,
    "docker build " + "-t x " * 30_000 + ".",
    "if docker; then " * 5_000,
    "docker\x00build .",
    "docker build \ud800 .",
    "\\\n" * 50_000,
    "<<A " * 5_000,
    "docker " + "a&&" * 30_000,
    "{ " * 10_000 + "docker run x" + "; }" * 10_000,
    "docker build . " + "|| true " * 10_000,
    "[[ " * 10_000,
    "case x in " * 5_000,
    "$((" * 10_000,
    "${" * 20_000,
    *[f"{before}{sign}" for before in ("{", "{1..") for sign in "\u3000\U0001f433\U0010ffff"],
]
TOKENS = st.sampled_from(
    [
        *[
            "docker",
            "build",
            "-t",
            "$A",
            "${B}",
            ".",
            "&&",
            "||",
            "|",
            ";",
            "&",
            "(",
            ")",
            "{",
            "}",
            "if",
            "then",
            "fi",
            "do",
            "done",
        ],
        "\n",
        *["'", '"', "`", "$(", "\\", "<", "<<", ">", "*", "!"],
    ]
)


def _only(text: str) -> Statement:
    statements = read_shell(text)
    assert statements is not None
    (statement,) = statements
    return statement


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_scripts_are_read_or_refused(text: str):
    """No script crashes or hangs the reader, however deep or broken."""
    read_docker_job(make_job("job", script=Script(main=(text, "docker build ."))))


@settings(max_examples=300, deadline=None)
@given(st.lists(TOKENS, max_size=30).map(" ".join) | st.text(max_size=200))
def test_any_text_is_read_or_refused(text: str):
    """Whatever stands in a script, there is an answer."""
    found = read_docker_job(make_job("job", script=Script(main=(text, "docker build ."))))

    assert found is not None
    assert (found.rewritten is None) == bool(found.problems)


def test_a_text_that_no_person_wrote_is_not_read():
    """There is a limit of size."""
    assert read_shell("docker build .\n" * MAX_BYTES) is None


@pytest.mark.parametrize(
    ("text", "context"),
    [
        ("docker x", ""),
        ("if a; then docker x; fi", "in an `if`"),
        ("while a; do docker x; done", "in a loop"),
        ("for i in a; do docker x; done", "in a loop"),
        ("case x in a) docker x;; esac", "in a `case`"),
        ("f() { docker x; }", "in a function"),
        ("(docker x)", "in a subshell"),
        ("{ docker x; }", "in a group"),
        ("! docker x", "after `!`"),
        ("A=$(docker x)", "in `$(...)`"),
        ("echo `docker x`", "in `$(...)`"),
        ("docker x || true", "in a list with `||`"),
        ("a && b || docker x", "in a list with `||`"),
        ("docker x &", "in the background"),
        ("docker x | cat", "in a pipe"),
        ("if a; then b | docker x; fi", "in an `if`"),
    ],
)
def test_what_a_command_depends_on(text: str, context: str):
    """The outermost reason for which a command may not run, or not alone."""
    commands = [command for command in _only(text).commands if command.name == "docker"]

    assert [command.context for command in commands] == [context]


def test_steps_joined_by_and_are_statements():
    """`a && b && c` are three statements that belong together."""
    statements = read_shell("cd a && docker build . && docker push x")

    assert statements is not None
    assert [one.source for one in statements] == ["cd a", "docker build .", "docker push x"]
    assert all(one.in_list for one in statements)


def test_lines_count_from_the_text():
    """A command in a block knows its line."""
    statements = read_shell("# a\n\nif b; then\n  docker x\nfi\ndocker y")

    assert statements is not None
    assert [command.line for one in statements for command in one.commands] == [2, 3, 5]


@pytest.mark.parametrize("sign", ["é", "\u00a0", "\u3000", "\U0001f433", "\U0010ffff"])
def test_signs_beyond_ascii_are_parts_of_words(sign: str):
    """Shells know neither blanks nor names but those of ASCII, and read `{` as a sign before it."""
    (command,) = _only(f"docker build{sign} {sign}=1 '{sign}'$A").commands

    assert [word.literal for word in command.words] == ["docker", f"build{sign}", f"{sign}=1", None]
    assert command.words[3].body == f"{sign}$A"


def test_a_delimiter_beyond_ascii_is_not_understood():
    """It is compared with lines that may differ in just these signs."""
    assert read_shell("cat <<é\nà\ndocker x\né\n") is None
    assert read_shell("cat <<..\né\ndocker x\n..\n") is None


@pytest.mark.parametrize(
    "text", ['docker build "a"\\ b', "docker build\r-t x .", "docker\fbuild ."]
)
def test_what_the_grammar_loses_is_not_understood(text: str):
    """It drops a quoted blank after a string, and signs that are no blanks for shells."""
    assert read_shell(text) is None


def test_here_documents_are_read():
    """With what is expanded in them; backquotes are not seen in there, and not understood."""
    statement = _only("cat >Dockerfile <<EOF\nFROM a\nARG $B\n$(docker x)\nEOF")

    assert [command.name for command in statement.commands] == ["cat", "docker"]
    assert read_shell("cat <<EOF\n`docker x`\nEOF") is None


@pytest.mark.parametrize("text", [": ${A:=b}", ": ${A=b}", "echo $((A += 1))", "echo $((A++))"])
def test_expansions_may_set_variables(text: str):
    """What is between a build and its push must not change a name."""
    assert "A" in _only(text).sets
    assert _only("echo ${A:-b} ${A#=} $((A == 1))").sets == set()
