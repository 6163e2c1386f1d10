"""Decides which group a synapse type belongs to, by named rules in a fixed order."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from synreduce.errors import ConfigurationError, Problem
from synreduce.importers.options import ImportOptions

EXCITATORY, INHIBITORY = "EXC", "INH"

EXCITATORY_CELL_TYPES = frozenset(
    ("EXC", "L2", "L34", "L4py", "L4sp", "L4ss", "L5st", "L5tt", "L6cc", "L6ccinv", "L6ct", "VPM")
)
INHIBITORY_CELL_TYPES = frozenset(("INH", "L1", "L23Trans", "L45Peak", "L45Sym", "L56Trans")).union(
    f"SymLocal{number}" for number in range(1, 7)
)
_SPLIT_RULE = "a synapse type is '<cell type>_<column>' or '<cell type>', split at its underscore"


def cell_type_of(synapse_type: str) -> str:
    """Cell type of a synapse type: the text before its underscore.

    Parameters
    ----------
    synapse_type : str
        ``<cell type>_<column>`` or ``<cell type>``.

    Returns
    -------
    str

    Examples
    --------
    >>> cell_type_of("L5tt_C2"), cell_type_of("INH")
    ('L5tt', 'INH')
    """
    return synapse_type.split("_", 1)[0]


class SynapseTypeRules:
    """Which group a synapse type belongs to.

    The first rule that applies decides: the user's map (exact synapse type, then exact cell type,
    then regular expressions in their order), the option that counts L1 as excitatory, the receptor
    in the network parameter file, the default lists of cell types of rat barrel cortex.

    Parameters
    ----------
    type_map : mapping of str to str, optional
        Synapse type, cell type or regular expression -> group.
    receptors : mapping of str to str, optional
        Population -> group, from the network parameter file.
    l1_excitatory : bool, default: False
        Count cell type ``L1`` as excitatory.
    drop_types : sequence of str, optional
        Synapse types, cell types or regular expressions that are left out.

    Raises
    ------
    ConfigurationError
        For an invalid regular expression.

    Examples
    --------
    >>> rules = SynapseTypeRules(type_map={"Apical.*": "INH"})
    >>> rules.group_of("L5tt_C2"), rules.group_of("ApicalInput"), rules.group_of("Unknown_C2")
    ('EXC', 'INH', None)
    """

    def __init__(
        self,
        type_map: Mapping[str, str] | None = None,
        receptors: Mapping[str, str] | None = None,
        *,
        l1_excitatory: bool = False,
        drop_types: Sequence[str] = (),
    ) -> None:
        self.type_map = dict(type_map or {})
        self.receptors = dict(receptors or {})
        self.l1_excitatory = l1_excitatory
        self._patterns = [
            (_compiled(text, "type_map"), group) for text, group in self.type_map.items()
        ]
        self._dropped = set(drop_types)
        self._drop_patterns = [_compiled(text, "drop_types") for text in drop_types]

    @classmethod
    def from_options(
        cls, options: ImportOptions, receptors: Mapping[str, str] | None = None
    ) -> SynapseTypeRules:
        """Take the rules from the options of an import.

        Parameters
        ----------
        options : ImportOptions
            The user's choices.
        receptors : mapping of str to str, optional
            Population -> group.

        Returns
        -------
        SynapseTypeRules
        """
        return cls(
            options.type_map,
            receptors,
            l1_excitatory=options.l1_excitatory,
            drop_types=options.drop_types,
        )

    def is_dropped(self, synapse_type: str) -> bool:
        """Whether the user wants activations of this type left out.

        Parameters
        ----------
        synapse_type : str
            As in the file.

        Returns
        -------
        bool
        """
        names = {synapse_type, cell_type_of(synapse_type)}
        return bool(names & self._dropped) or any(
            pattern.fullmatch(synapse_type) for pattern in self._drop_patterns
        )

    def group_of(self, synapse_type: str) -> str | None:
        """Find the group of a synapse type.

        Parameters
        ----------
        synapse_type : str
            As in the file.

        Returns
        -------
        str or None
            None if no rule knows the type.
        """
        cell_type = cell_type_of(synapse_type)
        for name in (synapse_type, cell_type):
            if name in self.type_map:
                return self.type_map[name]
        for pattern, group in self._patterns:
            if pattern.fullmatch(synapse_type):
                return group
        if self.l1_excitatory and cell_type == "L1":
            return EXCITATORY
        if synapse_type in self.receptors:
            return self.receptors[synapse_type]
        return self._default_group(synapse_type, cell_type)

    @staticmethod
    def _default_group(synapse_type: str, cell_type: str) -> str | None:
        if synapse_type.count("_") > 1 or synapse_type.endswith("_"):
            return None
        if cell_type in EXCITATORY_CELL_TYPES:
            return EXCITATORY
        return INHIBITORY if cell_type in INHIBITORY_CELL_TYPES else None


def unknown_type(synapse_type: str, where: str, n_rows: int) -> Problem:
    """Describe a synapse type that no rule knows.

    Parameters
    ----------
    synapse_type : str
        As in the file.
    where : str
        The first place that names it.
    n_rows : int
        How many rows name it.

    Returns
    -------
    Problem
    """
    known = len(EXCITATORY_CELL_TYPES | INHIBITORY_CELL_TYPES)
    rule = "" if synapse_type.count("_") == 1 and synapse_type[-1] != "_" else f"; {_SPLIT_RULE}"
    return Problem(
        "unknown-type",
        where,
        f"synapse type '{synapse_type}' ({n_rows:,} rows) is in no map, receptor list or default "
        f"list ({known} cell types known){rule}",
        f"add '{cell_type_of(synapse_type)}' to type_map with EXC or INH, or to drop_types",
    )


def group_signs(options: ImportOptions) -> dict[str, int]:
    """List the groups of an import with their signs.

    Parameters
    ----------
    options : ImportOptions
        The user's choices.

    Returns
    -------
    dict of str to int
        EXC and INH, then the other groups of the user's map by name. A group without a given sign
        excites (+1).

    Raises
    ------
    ConfigurationError
        If a sign is not +1 or -1, or contradicts EXC or INH.

    Examples
    --------
    >>> group_signs(ImportOptions(type_map={"VPM": "thalamus"}))
    {'EXC': 1, 'INH': -1, 'thalamus': 1}
    """
    signs = {EXCITATORY: 1, INHIBITORY: -1}
    for name, sign in options.group_signs.items():
        if sign not in (-1, 1) or signs.get(name, sign) != sign:
            raise ConfigurationError(
                Problem("bad-sign", f"group_signs.{name}", f"{sign!r} is not allowed", "+1 or -1")
            )
    for name in sorted(set(options.type_map.values()) - set(signs)):
        signs[name] = options.group_signs.get(name, 1)
    return signs


def _compiled(text: str, option: str) -> re.Pattern[str]:
    try:
        return re.compile(text)
    except re.error as error:
        raise ConfigurationError(
            Problem("bad-pattern", f"{option} '{text}'", f"not a regular expression ({error})")
        ) from None
