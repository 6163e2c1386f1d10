"""What the types of single values cannot say: values that do not go together."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence

from synreduce.configuration.choices import ChoiceSettings
from synreduce.configuration.findings import Finding
from synreduce.configuration.grid_checks import (
    number_of_chunks,
    spatial_ranges,
    targets_reach_the_data,
    temporal_ranges,
)
from synreduce.configuration.model import Configuration
from synreduce.configuration.paths import unset_variables
from synreduce.solvers import SOLVERS
from synreduce.strategies import STRATEGIES
from synreduce.suggestions import did_you_mean

Check = Callable[[Configuration], Iterator[Finding]]


def databases(configuration: Configuration) -> Iterator[Finding]:
    """Find an id or path used twice, and variables that are not set."""
    first_id: dict[str, str] = {}
    first_path: dict[str, str] = {}
    for position, database in enumerate(configuration.databases):
        key = ("databases", position)
        if database.id in first_id:
            what = f"id '{database.id}' is used by {first_id[database.id]} and {database.path}"
            yield Finding("duplicate-id", (*key, "id"), what, "set distinct ids")
        place = os.path.realpath(database.file)
        if place in first_path:
            what = f"'{first_path[place]}' and '{database.id}' are the same file {place}"
            yield Finding("duplicate-database", (*key, "path"), what, "remove one")
        first_id.setdefault(database.id, database.path)
        first_path.setdefault(place, database.id)
        for variable in unset_variables(database.path):
            what = f"${variable} is not set"
            yield Finding("unset-variable", (*key, "path"), what, f"export {variable}=...")
        if any(char in database.path for char in "*?["):
            what = f"'{database.path}' is a pattern; patterns are not expanded"
            yield Finding("pattern", (*key, "path"), what, "list every database")


def strategy_names(configuration: Configuration) -> Iterator[Finding]:
    """Find strategies that results could not tell apart."""
    return _repeated_names("strategies", configuration.strategies)


def solver_names(configuration: Configuration) -> Iterator[Finding]:
    """Find solvers that results could not tell apart."""
    return _repeated_names("solvers", configuration.solvers)


def _repeated_names(section: str, entries: Sequence[ChoiceSettings]) -> Iterator[Finding]:
    seen: set[str] = set()
    for position, entry in enumerate(entries):
        if entry.name in seen:
            what = f"name '{entry.name}' is used twice"
            fix = "give each entry a 'name' of its own"
            yield Finding("duplicate-name", (section, position, "name"), what, fix)
        seen.add(entry.name)


def split_names(configuration: Configuration) -> Iterator[Finding]:
    """Find splits, with their repeats and folds, that results could not tell apart."""
    seen: set[str] = set()
    for position, split in enumerate(configuration.splits):
        for name in split.definitions():
            if name in seen:
                what = f"two splits would be named '{name}'"
                path = ("splits", position, "name")
                yield Finding("duplicate-name", path, what, "give each split a name of its own")
            seen.add(name)


def distance_bins(configuration: Configuration) -> Iterator[Finding]:
    """Find bins that do not fill the range of soma distances."""
    settings = configuration.input
    bins = settings.distance_max_um / settings.distance_bin_um
    if abs(bins - round(bins)) > 1e-9 or round(bins) < 1:
        what = (
            f"{settings.distance_max_um:g} um / bins of {settings.distance_bin_um:g} um leaves "
            f"{settings.distance_max_um % settings.distance_bin_um:g} um"
        )
        whole = max(1, round(bins)) * settings.distance_bin_um
        yield Finding("partial-bin", ("input", "distance_max_um"), what, f"use {whole:g}")


def grouping(configuration: Configuration) -> Iterator[Finding]:
    """Find patterns that are no regular expressions, and signs of groups that do not exist."""
    settings = configuration.input.grouping
    for pattern in settings.map:
        try:
            re.compile(pattern)
        except re.error as error:
            path = ("input", "grouping", "map", pattern)
            what = f"'{pattern}' is no regular expression: {error}"
            yield Finding(
                "bad-pattern", path, what, "write \\ before signs that stand for themselves"
            )
    names = set(settings.map.values())
    for name in settings.signs:
        if names and name not in names:
            path = ("input", "grouping", "signs", name)
            what = f"no entry of map makes the group '{name}'"
            yield Finding("unknown-group", path, what, did_you_mean(name, names))


def solvers_fit_strategies(configuration: Configuration) -> Iterator[Finding]:
    """Find solvers that need what a strategy does not offer."""
    for position, solver in enumerate(configuration.solvers):
        for strategy in configuration.strategies:
            missing = SOLVERS[solver.kind].needs - STRATEGIES[strategy.kind].provides
            if missing:
                what = (
                    f"solver '{solver.kind}' needs {', '.join(sorted(missing))}, which strategy "
                    f"'{strategy.kind}' does not offer"
                )
                yield Finding("incompatible", ("solvers", position, "kind"), what, "use cobyla")


def engine_settings(configuration: Configuration) -> Iterator[Finding]:
    """Find engines that would not use what else is set."""
    resources = configuration.resources
    if resources.nodes > 1 and resources.engine == "local":
        what = f"{resources.nodes} nodes, but the engine 'local' uses one"
        yield Finding("one-node-engine", ("resources", "nodes"), what, "set engine: srun or mpi")
    if resources.nodes == 1 and resources.engine == "srun":
        fix = "set nodes: 2 or more, or engine: local"
        yield Finding("one-node-engine", ("resources", "engine"), "srun for a single node", fix)
    if resources.scheduler is not None and resources.engine != "local":
        what = f"workers are those of the scheduler, and the engine is '{resources.engine}'"
        yield Finding("two-engines", ("resources", "scheduler"), what, "remove scheduler or engine")


CHECKS: tuple[tuple[frozenset[str], Check], ...] = (
    (frozenset({"databases"}), databases),
    (frozenset({"strategies"}), strategy_names),
    (frozenset({"solvers"}), solver_names),
    (frozenset({"splits"}), split_names),
    (frozenset({"input"}), distance_bins),
    (frozenset({"input"}), grouping),
    (frozenset({"strategies", "solvers"}), solvers_fit_strategies),
    (frozenset({"input", "chunks"}), spatial_ranges),
    (frozenset({"chunks"}), temporal_ranges),
    (frozenset({"chunks", "window"}), targets_reach_the_data),
    (frozenset({"chunks"}), number_of_chunks),
    (frozenset({"resources"}), engine_settings),
)
"""Sections that a check reads, and the check."""


def findings(configuration: Configuration, sections: Iterable[str]) -> list[Finding]:
    """Run all checks that read nothing but given sections.

    Parameters
    ----------
    configuration : Configuration
    sections : iterable of str
        Keys of the root whose values are as the user wrote them.

    Returns
    -------
    list of Finding
    """
    known = frozenset(sections)
    return [
        finding for needed, check in CHECKS if needed <= known for finding in check(configuration)
    ]
