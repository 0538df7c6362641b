"""Arguments of a command to its options and operands, as Docker's command line reads them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from gitlab_ci_provider.docker_builds.words import Word, said


@dataclass(frozen=True, slots=True)
class Grammar:
    """The options of a command.

    Attributes:
        valued: those that have a value.
        switches: those that have none.
        short: the long name of each option of one letter.
    """

    valued: Collection[str]
    switches: Collection[str]
    short: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Arguments:
    """What the arguments of one command say.

    Attributes:
        options: names with their values, in order; a switch has None.
        operands: all other words.
        problem: why they are not understood; empty when they are.
    """

    options: list[tuple[str, Word | None]] = field(default_factory=list)
    operands: list[Word] = field(default_factory=list)
    problem: str = ""

    def values(self, name: str) -> list[Word]:
        """List the values of an option."""
        return [value for option, value in self.options if option == name and value is not None]

    def has(self, name: str) -> bool:
        """Return whether an option is given."""
        return any(option == name for option, _ in self.options)


def read_arguments(
    words: Collection[Word], grammar: Grammar, *, leading: bool = False
) -> Arguments:
    """Read the words after a command's name.

    Args:
        words: all of them.
        grammar: the options of the command.
        leading: options end at the first operand.
    """
    found = Arguments()
    waiting = list(words)
    while waiting and not found.problem and not (leading and found.operands):
        word = waiting.pop(0)
        if word.source == "--":
            break
        name, value = _split(word, grammar)
        if not name:
            found.operands.append(word)
        elif name in grammar.switches and value is None:
            found.options.append((name, None))
        elif name in grammar.switches and value is not None and value.literal in ("true", "false"):
            found.options += [(name, None)] if value.literal == "true" else []
        elif name not in grammar.valued:
            found.problem = f"the option `{name}` has no counterpart"
        elif value is None and not waiting:
            found.problem = f"the option `{name}` has no value"
        else:
            found.options.append((name, value if value is not None else waiting.pop(0)))
    found.operands += waiting
    return found


def _split(word: Word, grammar: Grammar) -> tuple[str, Word | None]:
    """Return the option that a word names, and the value that it brings along."""
    if word.literal is not None and word.source != word.literal:
        word = said(word.literal)  # the same without its quotes
    text = word.source
    if text.startswith("--"):
        name, equals, _ = text.partition("=")
        return name, word.after(name + equals) if equals else None
    if not text.startswith("-") or text == "-":
        return "", None
    name = grammar.short.get(text[1:2], text[:2])
    rest = text[2:]
    if not rest:
        return name, None
    if name in grammar.valued:
        return name, word.after(text[: 3 if rest[0] == "=" else 2])
    return text, None  # several switches in one: not written in practice
