"""Reads which populations excite and which inhibit from a network parameter file."""

from __future__ import annotations

import ast
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from synreduce.importers.files import read_text, refuse

_MAX_BYTES = 64 * 2**20
_GROUP_OF_RECEPTOR = {"glutamate_syn": "EXC", "gaba_syn": "INH"}


def read_network_parameters(path: Path) -> dict[str, Any]:
    """Read a network parameter file: JSON, or in older runs a Python literal.

    Parameters
    ----------
    path : Path
        ``*_network_model.param``.

    Returns
    -------
    dict
        The parameter tree. A literal is parsed, never evaluated.

    Raises
    ------
    DataError
        If the file is neither, or has no ``network``.
    """
    raw = read_text(path)
    if len(raw) > _MAX_BYTES:
        raise refuse(path, "too-large", f"{len(raw)} bytes of parameters", "check the file")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        what = f"byte {raw[error.start]:#04x} at offset {error.start} is not UTF-8"
        raise refuse(path, "not-utf8", what, "save as UTF-8") from None
    tree = _parse(path, text)
    if not isinstance(tree, dict) or not isinstance(tree.get("network"), dict):
        raise refuse(
            path, "no-network", "has no 'network' section", "give a network parameter file"
        )
    return tree


def _parse(path: Path, text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        pass  # older files are Python literals
    try:
        return ast.literal_eval(text.strip())
    except SyntaxError as error:
        what = f"neither JSON nor a Python literal ({error.msg})"
        where = f"{path}:{error.lineno or 1}"
    except (ValueError, TypeError, RecursionError, MemoryError):
        what = "holds something other than numbers, texts, lists and dictionaries"
        where = str(path)
    raise refuse(where, "bad-parameters", what, "give the file the simulation wrote")


def receptor_groups(parameters: Mapping[str, Any], where: object) -> dict[str, str]:
    """Find out from the receptors which populations excite and which inhibit.

    Parameters
    ----------
    parameters : mapping
        What `read_network_parameters` returned.
    where : object
        The file, for messages.

    Returns
    -------
    dict of str to str
        Population -> ``EXC`` (receptor ``glutamate_syn``) or ``INH`` (``gaba_syn``). Populations
        without such a receptor are not listed.

    Raises
    ------
    DataError
        If a population has both receptors.

    Examples
    --------
    >>> network = {"L1_C2": {"synapses": {"receptors": {"gaba_syn": {"weight": 1.0}}}}}
    >>> receptor_groups({"network": network}, "example.param")
    {'L1_C2': 'INH'}
    """
    groups: dict[str, str] = {}
    for population, entry in parameters["network"].items():
        synapses = entry.get("synapses") if isinstance(entry, dict) else None
        receptors = synapses.get("receptors") if isinstance(synapses, dict) else None
        if not isinstance(receptors, dict):
            continue
        found = {_GROUP_OF_RECEPTOR[name] for name in receptors if name in _GROUP_OF_RECEPTOR}
        if len(found) > 1:
            place = f"{where} network.{population}"
            what = "has receptors of both kinds, glutamate_syn and gaba_syn"
            raise refuse(place, "two-receptors", what, "set type_map")
        if found:
            groups[str(population)] = found.pop()
    return groups
