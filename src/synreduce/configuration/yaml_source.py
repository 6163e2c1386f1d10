"""Read YAML that people wrote: plain data only, with the line of every value.

Tags, duplicate keys, several documents, deep or recursive structures and numbers that YAML reads
otherwise than people do are refused. Nothing in the file can run code.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from synreduce.configuration.fields import Plain
from synreduce.errors import ConfigurationError, Problem

KeyPath = tuple[str | int, ...]

_LARGEST_FILE = 2**20
_DEEPEST = 30
_OCTAL = re.compile(r"[-+]?0[0-7_]+")
_SEXAGESIMAL = re.compile(r"[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?")
_CODE_KEYS = frozenset({"__use_yte__", "__definitions__", "__variables__"})


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
    problems : list of (path, Problem)
        Mistakes that leave the rest of the file readable.
    """

    name: str
    data: dict[str, Plain] = field(default_factory=dict)
    lines: dict[KeyPath, int] = field(default_factory=dict)
    texts: dict[KeyPath, str] = field(default_factory=dict)
    problems: list[tuple[KeyPath, Problem]] = field(default_factory=list)

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
        _refuse_syntax(error, name)
    except yaml.YAMLError as error:
        _refuse("bad-yaml", name, f"not YAML: {error}")
    if root is None or (isinstance(root, ScalarNode) and root.value == ""):
        _refuse("empty", name, "empty; required: run, databases, chunks", _EXAMPLES)
    if not isinstance(root, MappingNode):
        _refuse("bad-yaml", name, "no 'key: value' lines at the top level", _EXAMPLES)
    source = Source(name)
    source.data = _Reader(source).value(root, ())
    return source


_EXAMPLES = "start from config/examples/example.yaml"


def _refuse(code: str, where: str, what: str, fix: str = "") -> NoReturn:
    raise ConfigurationError(Problem(code, where, what, fix))


def _text(path: Path, name: str) -> str:
    if not path.exists():
        fix = "give --config or --configfile with the path of a configuration"
        _refuse("missing-file", name, "not found", fix)
    if not path.is_file():
        _refuse("not-a-file", name, "is a folder or device, not a file")
    size = path.stat().st_size
    if size > _LARGEST_FILE:
        _refuse("too-large", name, f"{size:,} bytes; a configuration has at most 1 MiB")
    try:
        payload = path.read_bytes()
    except OSError as error:
        _refuse("unreadable", name, str(error.strerror or error))
    try:
        return payload.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        what = f"byte 0x{payload[error.start]:02x} at offset {error.start} is not UTF-8"
        _refuse("not-utf8", name, what, "save the file as UTF-8")


def _refuse_syntax(error: yaml.MarkedYAMLError, name: str) -> NoReturn:
    mark = error.problem_mark or error.context_mark
    place = f"{name}:{mark.line + 1}:{mark.column + 1}" if mark else name
    words = [word for word in (error.context, error.problem) if word]
    if error.context_mark and mark and error.context_mark.line != mark.line:
        words[0] = f"{words[0]} that starts in line {error.context_mark.line + 1}"
    fix = "use spaces for indentation" if "\\t" in (error.problem or "") else ""
    _refuse("bad-yaml", place, ", ".join(words), fix)


def _check_events(text: str, name: str) -> None:
    """Refuse what plain data never needs, before anything is built from it."""
    depth = documents = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        place = f"{name}:{event.start_mark.line + 1}" if event.start_mark else name
        tag = getattr(event, "tag", None)
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            _refuse("alias", place, "anchors and aliases are not allowed", "write it out")
        if tag is not None:
            _refuse("tag", place, f"tag '{tag}' is not allowed", "remove it")
        if isinstance(event, yaml.DocumentStartEvent):
            documents += 1
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > _DEEPEST:
            _refuse("too-deep", place, f"nested deeper than {_DEEPEST} levels")
        if documents > 1:
            _refuse("bad-yaml", place, "a second document starts here", "remove '---'")


class _Reader:
    """Turns nodes into plain values and remembers where they stood."""

    def __init__(self, source: Source) -> None:
        self.source = source

    def value(self, node: Node, path: KeyPath) -> Plain:
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
            here = (*path, key)
            self.source.lines[here] = line
            if key in _CODE_KEYS:
                self._problem("code", here, f"'{key}' would run code; refused", "remove it")
            elif key in first:
                what = f"'{key}' given twice (line {first[key]} and {line})"
                self._problem("duplicate-key", here, what, "remove one")
            else:
                first[key] = line
                yield key, child

    def _scalar(self, node: Node, path: KeyPath) -> Plain:
        text = str(node.value)
        kind = node.tag.rpartition(":")[2]
        self.source.texts[path] = text
        if kind == "null":
            return None
        if kind == "bool":
            return text.lower() in {"yes", "true", "on"}
        if kind in {"int", "float"}:
            return self._number(node, kind, path)
        return text

    def _number(self, node: Node, kind: str, path: KeyPath) -> Plain:
        text = str(node.value)
        constructor = yaml.constructor.SafeConstructor()
        try:
            number = getattr(constructor, f"construct_yaml_{kind}")(node)
        except ValueError:
            self._problem("bad-number", path, f"'{text[:60]}' cannot be read as a number")
            return text
        if _SEXAGESIMAL.fullmatch(text):
            what = f"'{text}' would be read as {number} (base 60)"
            self._problem("ambiguous-number", path, what, f'write "{text}" in quotes')
        elif _OCTAL.fullmatch(text):
            what = f"'{text}' would be read as {number} (octal)"
            plain = text.lstrip("+-0_") or "0"
            self._problem("ambiguous-number", path, what, f"write {plain}")
        return number

    def _problem(self, code: str, path: KeyPath, what: str, fix: str = "") -> None:
        problem = Problem(code, self.source.where(path), what, fix)
        self.source.problems.append((path or ("",), problem))
