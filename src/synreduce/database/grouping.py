"""Which group an activation belongs to."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from synreduce.database.model import ActivationEvents, Group, IntArray
from synreduce.database.names import NameTable, SynapseTypeTable
from synreduce.errors import DataError, Problem
from synreduce.suggestions import did_you_mean

TYPE_CRITERIA = ("group", "cell_type", "presynaptic_column", "synapse_type")
CRITERIA = (*TYPE_CRITERIA, "dendrite_label", "proximity")
PROXIMAL_UM = 500.0
UNKNOWN = "unknown"
_NO_LABEL = "\0unknown label"


@dataclass(frozen=True)
class Grouping:
    """A rule that says which group an activation belongs to.

    Parameters
    ----------
    by : str or sequence of str, default: "group"
        ``group``, ``cell_type``, ``presynaptic_column``, ``synapse_type``, ``dendrite_label`` or
        ``proximity`` (``prox`` below 500 um of soma distance, else ``dist``). Several are joined
        by ``_``: ``("group", "proximity")`` gives ``EXC_prox``, ``EXC_dist``, ...
    map : mapping of str to str, optional
        From categories, or regular expressions that match them wholly, to names of groups. The
        first that matches counts.
    signs : mapping of str to int, optional
        Sign of a group. By default the sign that all its synapse types have; else +1.
    unmatched : {"refuse", "drop"}
        What happens to a category that no entry of `map` matches.

    Examples
    --------
    >>> Grouping(by="cell_type", map={"VPM": "thalamus", "L.*": "cortex"}).by
    'cell_type'
    """

    by: str | Sequence[str] = "group"
    map: Mapping[str, str] | None = None
    signs: Mapping[str, int] | None = None
    unmatched: str = "refuse"

    @property
    def criteria(self) -> tuple[str, ...]:
        """All criteria, in order."""
        return (self.by,) if isinstance(self.by, str) else tuple(self.by)


@dataclass(frozen=True)
class Assignment:
    """A grouping applied to the tables of one database.

    Parameters
    ----------
    groups : tuple of Group
        The resulting groups, whether they occur or not.
    table : ndarray of int64, shape (n_type_categories, n_labels or 1, 2 or 1)
        Position of the group, -1 for none.
    by_type : ndarray of int64, shape (n_types,)
        Category of every synapse type.
    uses_label, uses_proximity : bool
        Whether label and distance matter.
    drops_unknown_label : bool
        Whether activations without a label are left out instead of refused.
    """

    groups: tuple[Group, ...]
    table: IntArray
    by_type: IntArray
    uses_label: bool
    uses_proximity: bool
    drops_unknown_label: bool

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of events that are needed."""
        needed = ("time", "soma_distance", "synapse_type")
        return (*needed, "dendrite_label") if self.uses_label else needed

    def of(self, events: ActivationEvents) -> IntArray:
        """Return the position of the group of every event, -1 for none.

        Parameters
        ----------
        events : ActivationEvents
            With the columns that are needed.

        Returns
        -------
        ndarray of int64, shape (n_events,)

        Raises
        ------
        DataError
            If labels are needed and unknown.
        """
        if not self.uses_label and not self.uses_proximity:
            per_type: IntArray = self.table[:, 0, 0][self.by_type]
            of_events: IntArray = per_type[events.synapse_type]
            return of_events
        label: IntArray | int = 0
        if self.uses_label:
            if events.dendrite_label is None:
                what = "grouping by dendrite label, but the database has no labels"
                raise DataError(Problem("no-labels", "grouping", what))
            label = events.dendrite_label.astype(np.int64)
            if not self.drops_unknown_label and (label < 0).any():
                what = f"{int((label < 0).sum()):,} activations have no dendrite label"
                raise DataError(Problem("no-labels", "grouping", what, "set unmatched to drop"))
            # -1, unknown, is the last entry of the table
        far: npt.NDArray[Any] | int = 0
        if self.uses_proximity:
            far = (events.soma_distance >= PROXIMAL_UM).astype(np.int64)
        category: IntArray = self.table[self.by_type[events.synapse_type], label, far]
        return category


def assign(
    grouping: Grouping,
    groups: Sequence[Group],
    types: SynapseTypeTable,
    labels: NameTable,
) -> Assignment:
    """Apply a grouping to the tables of a database.

    Parameters
    ----------
    grouping : Grouping
        The rule.
    groups : sequence of Group
        Groups of the database.
    types : SynapseTypeTable
        Types of the database.
    labels : NameTable
        Dendrite labels of the database.

    Returns
    -------
    Assignment

    Raises
    ------
    DataError
        For unknown criteria, categories that no entry of the map matches, or bad signs.
    """
    criteria = grouping.criteria
    unknown = [name for name in criteria if name not in CRITERIA]
    if unknown or not criteria:
        hint = did_you_mean(unknown[0], CRITERIA) if unknown else f"known: {', '.join(CRITERIA)}"
        raise DataError(Problem("unknown-grouping", "grouping", f"by '{grouping.by}'", hint))
    type_names = [name for name in criteria if name in TYPE_CRITERIA]
    by_type, type_categories = _type_categories(type_names, groups, types)
    uses_label, uses_proximity = "dendrite_label" in criteria, "proximity" in criteria
    label_names = (*labels.names, _NO_LABEL) if uses_label else ("",)
    near_far = ("prox", "dist") if uses_proximity else ("",)
    names: list[str | None] = []
    for category, label, near in itertools.product(type_categories, label_names, near_far):
        texts = dict(zip(type_names, category, strict=True))
        texts |= {"dendrite_label": label, "proximity": near}
        known = not uses_label or label is not _NO_LABEL
        names.append("_".join(texts[name] for name in criteria) if known else None)
    final = _mapped(grouping, names)
    order = list(dict.fromkeys(name for name in final if name is not None))
    if grouping.map is not None:
        order = list(dict.fromkeys(grouping.map.values()))
    position = {name: index for index, name in enumerate(order)}
    shape = (len(type_categories), len(label_names), len(near_far))
    table = np.array([position.get(name or "", -1) for name in final], np.int64).reshape(shape)
    sign_of = {group.name: group.sign for group in groups}
    members = [(sign_of[kind.group], table[by_type[code]]) for code, kind in enumerate(types)]
    if criteria == ("group",):
        members += [(group.sign, table[index]) for index, group in enumerate(groups)]
    signs = _signs(grouping, order, members)
    found = tuple(Group(name, sign) for name, sign in zip(order, signs, strict=True))
    dropping = grouping.unmatched == "drop"
    return Assignment(found, table, by_type, uses_label, uses_proximity, dropping)


def _type_categories(
    criteria: Sequence[str], groups: Sequence[Group], types: SynapseTypeTable
) -> tuple[IntArray, list[tuple[str, ...]]]:
    attribute = {
        "group": "group",
        "cell_type": "cell_type",
        "presynaptic_column": "column",
        "synapse_type": "name",
    }
    of_type = [
        tuple(getattr(kind, attribute[name]) or UNKNOWN for name in criteria) for kind in types
    ]
    rank = {group.name: index for index, group in enumerate(groups)}

    def position_of(category: tuple[str, ...]) -> list[tuple[int, str]]:
        pairs = zip(criteria, category, strict=True)
        return [(rank[text] if name == "group" else 0, text) for name, text in pairs]

    categories = sorted(set(of_type), key=position_of)
    if tuple(criteria) == ("group",):
        categories = [(group.name,) for group in groups]
    if not criteria:
        categories = [()]
    position = {category: index for index, category in enumerate(categories)}
    return np.array([position[category] for category in of_type], np.int64), categories


def _mapped(grouping: Grouping, names: Sequence[str | None]) -> list[str | None]:
    if grouping.map is None:
        return list(names)
    try:
        patterns = [(re.compile(key), group) for key, group in grouping.map.items()]
    except re.error as error:
        what = f"'{error.pattern!r}' is no regular expression ({error})"
        raise DataError(Problem("bad-pattern", "grouping.map", what)) from error
    found: list[str | None] = []
    left = []
    for name in names:
        target = grouping.map.get(name) if name is not None else None
        if target is None and name is not None:
            target = next((group for key, group in patterns if key.fullmatch(name)), None)
            if target is None:
                left.append(name)
        found.append(target)
    if left and grouping.unmatched != "drop":
        what = f"no entry matches {', '.join(sorted(left)[:10])}"
        what += f" and {len(left) - 10} more" if len(left) > 10 else ""
        fix = "add them to the map, or set unmatched to drop"
        raise DataError(Problem("unmatched-category", "grouping.map", what, fix))
    return found


def _signs(
    grouping: Grouping, order: Sequence[str], members: Sequence[tuple[int, IntArray]]
) -> list[int]:
    """Give every group the sign that all its members have, unless another is wanted."""
    given = dict(grouping.signs or {})
    unknown = sorted(set(given) - set(order))
    if unknown:
        hint = did_you_mean(unknown[0], order)
        raise DataError(Problem("unknown-group", "grouping.signs", f"'{unknown[0]}'", hint))
    found: list[set[int]] = [set() for _ in order]
    for sign, positions in members:
        for position in np.unique(positions[positions >= 0]):
            found[position].add(sign)
    return [
        given.get(name, own.pop() if len(own) == 1 else 1)
        for name, own in zip(order, found, strict=True)
    ]
