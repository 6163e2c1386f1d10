"""Write the reference of the command line from its parser.

``python -m synreduce.cli.reference`` in the root of the repository.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from synreduce.cli.main import build_parser
from synreduce.importers.options import ImportOptions
from synreduce.importers.registry import IMPORTERS

PAGE = "docs/reference/commands.md"

_HEAD = """# Commands

All commands with their options. This page is generated from the parser by
`python -m synreduce.cli.reference`; do not edit it. `synreduce COMMAND --help` says the same.
"""


def command_reference() -> str:
    """Describe all commands in Markdown.

    Returns
    -------
    str
        The page `docs/reference/commands.md`.
    """
    parser = build_parser()
    parts = [_HEAD, "```text\nsynreduce [--verbose] COMMAND ...\n```\n", _table(parser)]
    parts.append("\n".join(_exit_statuses(parser.epilog or "")))
    for name, summary, command in _commands(parser):
        parts.append(f"## `synreduce {name}`\n\n{_sentence(summary)}\n")
        parts.append(f"```text\n{_usage(name, command)}\n```\n")
        if name == "import":
            parts.append(_formats())
        parts.append(_table(command))
    return "\n".join(part for part in parts if part).rstrip("\n") + "\n"


def _actions(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    # argparse has no public way to list what was added.
    return parser._actions  # noqa: SLF001


def _commands(
    parser: argparse.ArgumentParser,
) -> Iterator[tuple[str, str, argparse.ArgumentParser]]:
    for action in _actions(parser):
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001 (its only name)
            for choice in action._choices_actions:  # noqa: SLF001 (holds the help texts)
                yield choice.dest, choice.help or "", action.choices[choice.dest]


def _described(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    return [
        action
        for action in _actions(parser)
        if not isinstance(action, argparse._SubParsersAction | argparse._HelpAction)  # noqa: SLF001
    ]


def _value(action: argparse.Action) -> str:
    if action.nargs == 0:
        return ""
    if action.metavar is None and action.choices is not None:
        name = "|".join(str(choice) for choice in action.choices)
    else:
        name = str(action.metavar or action.dest.upper())
    return f"{name} ..." if action.nargs == "+" else name


def _written(action: argparse.Action) -> str:
    flag = action.option_strings[-1] if action.option_strings else ""
    return f"{flag} {_value(action)}".strip()


def _usage(name: str, command: argparse.ArgumentParser) -> str:
    actions = _described(command)
    positional = [_written(action) for action in actions if not action.option_strings]
    required = [_written(action) for action in actions if action.option_strings and action.required]
    optional = any(action.option_strings and not action.required for action in actions)
    return " ".join(
        ["synreduce", name, *positional, *required, *(["[OPTION ...]"] if optional else [])]
    )


def _default(action: argparse.Action) -> str:
    if action.required:
        return "required"
    default = action.default
    if default == argparse.SUPPRESS:
        default = getattr(ImportOptions(), action.dest, None)
    if default in (None, (), {}) or action.nargs == 0:
        return ""
    values = default if isinstance(default, list) else [default]
    return "`" + " ".join(str(value) for value in values) + "`"


def _table(parser: argparse.ArgumentParser) -> str:
    rows = []
    for action in _described(parser):
        flags = ", ".join(action.option_strings)
        written = f"{flags} {_value(action)}".strip().replace("|", "\\|")
        meaning = (action.help or "").replace("%%", "%").replace("|", "\\|").replace("<", "&lt;")
        rows.append(f"| `{written}` | {_default(action)} | {meaning} |")
    if not rows:
        return ""
    return "\n".join(["| argument | default | meaning |", "|---|---|---|", *rows, ""])


def _formats() -> str:
    rows = [f"| `{item.name}` | {item.summary} |" for item in IMPORTERS.values()]
    return "\n".join(["| FORMAT | sources |", "|---|---|", *rows, ""])


def _exit_statuses(epilog: str) -> Iterator[str]:
    yield "| exit status | meaning |"
    yield "|---|---|"
    for status, meaning in re.findall(r"(\d) ([^;.]+)", epilog):
        yield f"| {status} | {meaning} |"
    yield ""


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:].rstrip(".") + "."


def main(root: str = ".") -> None:
    """Write the page.

    Parameters
    ----------
    root : str, optional
        Root of the repository.
    """
    target = Path(root, PAGE)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(command_reference(), encoding="utf-8")
    sys.stdout.write(f"wrote {target}\n")


if __name__ == "__main__":
    main(*sys.argv[1:2])
