"""Choices that the registries of strategies and solvers offer, as pydantic unions.

A new strategy or solver appears here, in the schema and in the documentation by its line in the
registry.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar, cast

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    create_model,
    model_validator,
)

from synreduce.configuration.fields import Count, Name, Plain, Section
from synreduce.solvers import SOLVERS
from synreduce.strategies import STRATEGIES


class ChoiceSettings(Section):
    """A choice from a registry."""

    kind: str
    name: Name
    """Name in results. Default: the kind."""

    @model_validator(mode="before")
    @classmethod
    def _named_after_kind(cls, values: Plain) -> Plain:
        if isinstance(values, dict) and not values.get("name"):
            return {**values, "name": values.get("kind")}
        return values


class StrategySettings(ChoiceSettings):
    """Which terms the score of a sample has."""


class SolverSettings(ChoiceSettings):
    """How the parameters of a strategy are found."""

    restarts: Count = 1
    """Number of starts at most; the best by its score on training samples is kept."""


class _WithoutSource(BaseModel):
    """A class made here has no source; looking through all modules for it takes half a second."""

    model_config = ConfigDict(use_attribute_docstrings=False)


SettingsT = TypeVar("SettingsT", bound=ChoiceSettings)


def options_class(entry: type[Any]) -> type[BaseModel]:
    """Find the options model of a strategy or solver.

    Parameters
    ----------
    entry : type
        Class from a registry.

    Returns
    -------
    type of pydantic.BaseModel
    """
    options: type[BaseModel] = entry.Options
    return options


def settings_classes(
    base: type[SettingsT], registry: Mapping[str, type[Any]]
) -> dict[str, type[SettingsT]]:
    """Make one section per entry of a registry: shared keys and the entry's own options.

    Parameters
    ----------
    base : type of ChoiceSettings
        Shared keys.
    registry : mapping of str to type
        Kind to class.

    Returns
    -------
    dict of str to type of ChoiceSettings
        Kind to section. Its instances are instances of the entry's options, too.
    """
    classes: dict[str, type[SettingsT]] = {}
    for kind, entry in registry.items():
        options = options_class(entry)
        # The options come after the shared keys, so that these keep their strict types.
        bases = cast("tuple[type[SettingsT], ...]", (base, options, _WithoutSource))
        tag: Any = Literal[kind]
        classes[kind] = create_model(
            options.__name__.replace("Options", "Settings"),
            __base__=bases,
            __doc__=options.__doc__,
            kind=(tag, Field(description=_first_line(entry))),
        )
    return classes


def _first_line(entry: type[Any]) -> str:
    return (entry.__doc__ or "").strip().partition("\n")[0]


def _short_form(value: Plain) -> Plain:
    return {"kind": value} if isinstance(value, str) else value


STRATEGY_SETTINGS = settings_classes(StrategySettings, STRATEGIES)
SOLVER_SETTINGS = settings_classes(SolverSettings, SOLVERS)

if TYPE_CHECKING:
    from synreduce.solvers import SolverOptions
    from synreduce.strategies import StrategyOptions

    class StrategyChoice(StrategySettings, StrategyOptions):
        """Section of a strategy: shared keys and its own options."""

    class SolverChoice(SolverSettings, SolverOptions):
        """Section of a solver: shared keys and its own options."""

else:

    def _choice(classes: Mapping[str, type[ChoiceSettings]]) -> Plain:
        union = Annotated[reduce(or_, classes.values()), Field(discriminator="kind")]
        return Annotated[
            union, BeforeValidator(_short_form, json_schema_input_type=union | Literal[*classes])
        ]

    StrategyChoice = _choice(STRATEGY_SETTINGS)
    SolverChoice = _choice(SOLVER_SETTINGS)
