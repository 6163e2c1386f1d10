"""Read YAML that people wrote: plain data only, with the line of every value.

Tags, duplicate keys, several documents, deep or recursive structures and numbers that YAML reads
otherwise than people do are refused. Nothing in the file can run code.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from synreduce.errors import ConfigurationError, Problem

KeyPath = tuple[str | int, ...]

_LARGEST_FILE = 2**20
_DEEPEST = 30
_OCTAL = re.compile(r"[-+]?0[0-7_]+")
_SEXAGESIMAL = re.compile(r"[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?")
_RESERVED_KEYS = {"__use_yte__": "would run code", "__definitions__": "would run code"}


@dataclass
class Source:
    """A configuration as written.

    Parameters
    ----------
    name : str
        Name of the file, for messages.
    data : dict
        Plain values.
    lines : dict of tuple to int
        Line of each key, from the path to it.
    texts : dict of tuple to str
        Each scalar as it was written.
    """

    name: str
    data: dict[str, Any] = field(default_factory=dict)
    lines: dict[KeyPath, int] = field(default_factory=dict)
    texts: dict[KeyPath, str] = field(default_factory=dict)

    def line(self, path: KeyPath) -> int:
        """Find the line of a value, or else of the nearest section around it.

        Parameters
        ----------
        path : tuple of str and int

        Returns
        -------
        int
            Counted from 1; 0 if there is none.
        """
        around = (path[:length] for length in range(len(path), 0, -1))
        return next((self.lines[part] for part in around if part in self.lines), 0)

    def where(self, path: KeyPath) -> str:
        """Say where a value stands: file, line and key.

        Parameters
        ----------
        path : tuple of str and int
            Keys and positions from the root. Without a line of its own, that of its parent.

        Returns
        -------
        str
        """
        line = self.line(path)
        place = f"{self.name}:{line}" if line else self.name
        return f"{place} {dotted(path)}".rstrip()


def dotted(path: KeyPath) -> str:
    """Write a path of keys as people do.

    Parameters
    ----------
    path : tuple of str and int

    Returns
    -------
    str

    Examples
    --------
    >>> dotted(("solvers", 0, "restarts"))
    'solvers[0].restarts'
    """
    text = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in path)
    return text.removeprefix(".")


def read_source(path: Path) -> Source:
    """Read a configuration file.

    Parameters
    ----------
    path : Path

    Returns
    -------
    Source

    Raises
    ------
    ConfigurationError
        If the file is missing, no regular file, too large, not UTF-8, or no plain YAML.
    """
    name = str(path)
    return parse(_text(path, name), name)


def parse(text: str, name: str) -> Source:
    """Read YAML text.

    Parameters
    ----------
    text : str
    name : str
        Name for messages.

    Returns
    -------
    Source

    Raises
    ------
    ConfigurationError
        If it is no plain YAML with a mapping at its root.
    """
    try:
        _check_events(text, name)
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        raise _syntax_error(error, name) from error
    except yaml.YAMLError as error:
        raise _refused("bad-yaml", name, f"not YAML: {error}") from error
    if root is None:
        raise _refused("empty", name, "empty; required: run, databases, chunks", _EXAMPLES)
    if not isinstance(root, MappingNode):
        raise _refused("bad-yaml", name, "no 'key: value' lines at the top level", _EXAMPLES)
    reader = _Reader(Source(name))
    reader.source.data = reader.value(root, ())
    if reader.problems:
        raise ConfigurationError(reader.problems)
    return reader.source


_EXAMPLES = "start from config/examples/example.yaml"


def _refused(code: str, where: str, what: str, fix: str = "") -> ConfigurationError:
    return ConfigurationError(Problem(code, where, what, fix))


def _text(path: Path, name: str) -> str:
    if not path.exists():
        fix = "give --config or --configfile with the path of a configuration"
        raise _refused("missing-file", name, "not found", fix)
    if not path.is_file():
        raise _refused("not-a-file", name, "is a folder or device, not a file")
    size = path.stat().st_size
    if size > _LARGEST_FILE:
        raise _refused("too-large", name, f"{size:,} bytes; a configuration has at most 1 MiB")
    try:
        payload = path.read_bytes()
    except OSError as error:
        raise _refused("unreadable", name, str(error.strerror or error)) from error
    try:
        return payload.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        what = f"byte 0x{payload[error.start]:02x} at offset {error.start} is not UTF-8"
        raise _refused("not-utf8", name, what, "save the file as UTF-8") from error


def _syntax_error(error: yaml.MarkedYAMLError, name: str) -> ConfigurationError:
    mark = error.problem_mark or error.context_mark
    place = f"{name}:{mark.line + 1}:{mark.column + 1}" if mark else name
    words = [word for word in (error.context, error.problem) if word]
    if error.context_mark and mark and error.context_mark.line != mark.line:
        words[0] = f"{words[0]} that starts in line {error.context_mark.line + 1}"
    fix = "use spaces for indentation" if "\\t" in (error.problem or "") else ""
    return _refused("bad-yaml", place, ", ".join(words), fix)


def _check_events(text: str, name: str) -> None:
    """Refuse what plain data never needs, before anything is built from it."""
    depth = documents = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        place = f"{name}:{event.start_mark.line + 1}"
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise _refused("alias", place, "anchors and aliases are not allowed", "write it out")
        if getattr(event, "tag", None) is not None:
            raise _refused("tag", place, f"tag '{event.tag}' is not allowed", "remove it")
        if isinstance(event, yaml.DocumentStartEvent):
            documents += 1
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > _DEEPEST:
            raise _refused("too-deep", place, f"nested deeper than {_DEEPEST} levels")
        if documents > 1:
            raise _refused("bad-yaml", place, "a second document starts here", "remove '---'")


class _Reader:
    """Turns nodes into plain values and remembers where they stood."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.problems: list[Problem] = []

    def value(self, node: Node, path: KeyPath) -> Any:
        self.source.lines.setdefault(path, node.start_mark.line + 1)
        if isinstance(node, MappingNode):
            return {key: self.value(child, (*path, key)) for key, child in self._items(node, path)}
        if isinstance(node, SequenceNode):
            return [self.value(child, (*path, n)) for n, child in enumerate(node.value)]
        return self._scalar(node, path)

    def _items(self, node: MappingNode, path: KeyPath) -> Iterator[tuple[str, Node]]:
        first: dict[str, int] = {}
        for key_node, child in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, ScalarNode):
                self._problem("bad-key", path, "a key must be one word")
                continue
            key = str(key_node.value)
            if key in _RESERVED_KEYS:
                self._problem("code", (*path, key), f"'{key}' {_RESERVED_KEYS[key]}; refused", line)
            elif key in first:
                what = f"'{key}' given twice (line {first[key]} and {line})"
                self._problem("duplicate-key", (*path, key), what, line)
            else:
                first[key] = line
                self.source.lines[*path, key] = line
                yield key, child

    def _scalar(self, node: ScalarNode, path: KeyPath) -> Any:
        text = str(node.value)
        kind = node.tag.rpartition(":")[2]
        self.source.texts[path] = text
        if kind == "null":
            return None
        if kind == "bool":
            return text.lower() in {"yes", "true", "on"}
        if kind in {"int", "float"}:
            return self._number(node, kind, text, path)
        return text

    def _number(self, node: ScalarNode, kind: str, text: str, path: KeyPath) -> Any:
        constructor = yaml.constructor.SafeConstructor()
        number = getattr(constructor, f"construct_yaml_{kind}")(node)
        if _OCTAL.fullmatch(text) or _SEXAGESIMAL.fullmatch(text):
            system = "base 60" if ":" in text else "octal"
            what = f"'{text}' would be read as {number} ({system})"
            plain = text.lstrip("+-0_") or "0"
            fix = f'write "{text}" in quotes for text' if ":" in text else f"write {plain}"
            self._problem("ambiguous-number", path, what, fix=fix)
        return number

    def _problem(
        self, code: str, path: KeyPath, what: str, line: int | None = None, fix: str = ""
    ) -> None:
        where = self.source.where(path)
        if line is not None:
            where = f"{self.source.name}:{line} {dotted(path)}"
        self.problems.append(Problem(code, where, what, fix))
