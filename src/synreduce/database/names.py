"""Names that are stored as small whole numbers: synapse types and dendrite labels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from synreduce.errors import DataError, Problem
from synreduce.suggestions import did_you_mean


class NameTable:
    """Names that are stored as small whole numbers; grows while a database is written.

    Parameters
    ----------
    names : sequence of str
        The first names; code i is the i-th name.

    Examples
    --------
    >>> table = NameTable(["Soma"])
    >>> table.add("Dendrite"), table.add("Soma"), table.names
    (1, 0, ('Soma', 'Dendrite'))
    """

    def __init__(self, names: Sequence[str] = ()) -> None:
        self._codes: dict[str, int] = {}
        for name in names:
            self.add(name)

    @classmethod
    def of(cls, names: NameTable | Sequence[str]) -> NameTable:
        """Return a table itself, or a new one with the given names."""
        return names if isinstance(names, NameTable) else cls(names)

    def __len__(self) -> int:
        return len(self._codes)

    def __contains__(self, name: object) -> bool:
        return name in self._codes

    @property
    def names(self) -> tuple[str, ...]:
        """All names, in the order of their codes."""
        return tuple(self._codes)

    def add(self, name: str) -> int:
        """Return the code of a name, a new one if the name is new."""
        return self._codes.setdefault(name, len(self._codes))

    def code(self, name: str) -> int:
        """Return the code of a known name.

        Raises
        ------
        DataError
            If the name is unknown.
        """
        if name not in self._codes:
            hint = did_you_mean(name, self._codes)
            raise DataError(Problem("unknown-name", "table of names", f"'{name}' is unknown", hint))
        return self._codes[name]


@dataclass(frozen=True)
class SynapseType:
    """A kind of synapse.

    Parameters
    ----------
    name : str
        ``<cell type>_<column>`` or only ``<cell type>``, e.g. ``L5tt_C2``.
    group : str
        Name of its group.
    cell_type, column : str
        Of the presynaptic cell; the column is empty if unknown.
    """

    name: str
    group: str
    cell_type: str
    column: str


class SynapseTypeTable:
    """Synapse types, their groups and codes; grows while a database is written.

    Parameters
    ----------
    types : sequence of SynapseType
        The first types; code i is the i-th type.

    Examples
    --------
    >>> table = SynapseTypeTable()
    >>> table.add("L5tt_C2", "EXC"), table.add("INH", "INH")
    (0, 1)
    >>> table[0].cell_type, table[0].column, table[1].cell_type, table[1].column
    ('L5tt', 'C2', 'INH', '')
    """

    def __init__(self, types: Sequence[SynapseType] = ()) -> None:
        self._types: list[SynapseType] = []
        self._names = NameTable()
        for kind in types:
            self.add(kind.name, kind.group, kind.cell_type, kind.column)

    def __len__(self) -> int:
        return len(self._types)

    def __getitem__(self, code: int) -> SynapseType:
        return self._types[code]

    def __iter__(self) -> Iterator[SynapseType]:
        return iter(self._types)

    def __contains__(self, name: object) -> bool:
        return name in self._names

    @property
    def names(self) -> tuple[str, ...]:
        """All names, in the order of their codes."""
        return self._names.names

    @property
    def groups(self) -> tuple[str, ...]:
        """Group of every type, in the order of their codes."""
        return tuple(kind.group for kind in self._types)

    def code(self, name: str) -> int:
        """Return the code of a known type; raises DataError otherwise."""
        return self._names.code(name)

    def add(
        self, name: str, group: str, cell_type: str | None = None, column: str | None = None
    ) -> int:
        """Return the code of a type, a new one if the type is new.

        Parameters
        ----------
        name : str
            Of the type.
        group : str
            Name of its group.
        cell_type, column : str, optional
            By default what stands before and after the last underscore of the name.

        Returns
        -------
        int

        Raises
        ------
        DataError
            If the type is known with another group.
        """
        if name in self._names:
            code = self._names.code(name)
            known = self._types[code].group
            if known != group:
                what = f"is of group {known} and of group {group}"
                raise DataError(Problem("two-groups", f"synapse type '{name}'", what))
            return code
        before, underscore, after = name.rpartition("_")
        kind = SynapseType(
            name,
            group,
            cell_type if cell_type is not None else (before if underscore else name),
            column if column is not None else (after if underscore else ""),
        )
        self._types.append(kind)
        return self._names.add(name)
