"""Default file, schema, table and examples agree with the typed model."""

import json
from itertools import pairwise
from pathlib import Path

import jsonschema
import pytest
import yaml

from synreduce.configuration import (
    configuration_from_mapping,
    json_schema,
    load_configuration,
    reference_table_markdown,
)
from synreduce.configuration.choices import SOLVER_SETTINGS, STRATEGY_SETTINGS
from synreduce.configuration.generate import generated_files, main
from synreduce.database.grouping import CRITERIA
from synreduce.solvers import SOLVERS
from synreduce.strategies import STRATEGIES

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = sorted((ROOT / "config" / "examples").glob("*.yaml"))


@pytest.mark.parametrize("path", sorted(generated_files()))
def test_files_in_the_repository_are_up_to_date(path):
    advice = "run python -m synreduce.configuration.generate"
    assert (ROOT / path).read_text(encoding="utf-8") == generated_files()[path], advice


def test_generating_writes_all_files(tmp_path):
    main(str(tmp_path))
    for path, content in generated_files().items():
        assert (tmp_path / path).read_text(encoding="utf-8") == content


def test_the_default_file_holds_the_defaults():
    default = load_configuration(ROOT / "config" / "default.yaml")
    required = {
        "run": "my_cell",
        "databases": ["data/my_cell.h5"],
        "chunks": {"temporal": [{"start_ms": 260, "stop_ms": 261}]},
    }
    assert default == configuration_from_mapping(required)


def _keys(schema):
    for section in [schema, *schema["$defs"].values()]:
        yield from section.get("properties", {}).items()


def test_every_key_is_explained_in_the_table():
    table = reference_table_markdown()
    for key, value in _keys(json_schema()):
        rows = [line for line in table.splitlines() if line.startswith(f"| `{key}` |")]
        assert rows, key
        assert all(row.split(" | ")[-1].strip(" |") for row in rows), key
        if "description" in value:
            assert any(value["description"] in row for row in rows), key


def test_every_key_is_explained_in_the_default_file():
    lines = generated_files()["config/default.yaml"].splitlines()
    for before, line in pairwise(lines):
        if line.strip() and not line.lstrip().startswith("#"):
            assert before.lstrip().startswith("#"), line


def test_every_registered_strategy_and_solver_is_offered():
    assert set(SOLVER_SETTINGS) == set(SOLVERS)
    assert set(STRATEGY_SETTINGS) == set(STRATEGIES)
    text = json.dumps(json_schema())
    for kind in (*SOLVERS, *STRATEGIES):
        assert f'"const": "{kind}"' in text
        assert f"of kind `{kind}`" in reference_table_markdown()


@pytest.mark.parametrize("kind", sorted(SOLVERS))
def test_a_section_carries_the_options_of_its_solver(kind, sound):
    sound["solvers"] = [{"kind": kind, "name": "mine", "restarts": 2}]
    (section,) = configuration_from_mapping(sound).solvers
    solver = SOLVERS[kind](section)
    assert isinstance(section, SOLVERS[kind].Options)
    assert (solver.name, section.restarts) == ("mine", 2)


def test_groupings_are_those_of_the_database():
    by = json_schema()["$defs"]["GroupingSettings"]["properties"]["by"]
    assert set(by["anyOf"][0]["enum"]) == set(CRITERIA)


@pytest.mark.parametrize(
    "path", [*EXAMPLES, ROOT / "config" / "default.yaml"], ids=lambda p: p.name
)
def test_examples_load_and_agree_with_the_schema(path):
    configuration = load_configuration(path)
    written = yaml.safe_load(path.read_text(encoding="utf-8"))
    validator = jsonschema.Draft202012Validator(json_schema())
    assert not list(validator.iter_errors(written))
    assert not list(validator.iter_errors(yaml.safe_load(configuration.decisive_yaml())))
    first_line = path.read_text(encoding="utf-8").splitlines()[0]
    named = Path(path.parent, first_line.partition("$schema=")[2])
    assert named.resolve() == ROOT / "workflow" / "schemas" / "config.schema.json"


def test_examples_are_listed_in_the_readme():
    text = (ROOT / "config" / "README.md").read_text(encoding="utf-8")
    assert len(EXAMPLES) >= 6
    for path in EXAMPLES:
        assert f"(examples/{path.name})" in text


def test_runs_of_the_examples_do_not_collide():
    runs = [load_configuration(path).run for path in EXAMPLES]
    assert len(set(runs)) == len(runs)


@pytest.mark.parametrize(
    "damage",
    [
        {"windwo": {}},
        {"seed": "1"},
        {"window": {"width_ms": 0}},
        {"solvers": [{"kind": "newtn"}]},
        {"splits": [{"name": "x"}]},
        {"run": "a;b"},
        {"splits": [{"kind": "trials", "train_fraction": 1.0}]},
    ],
)
def test_the_schema_refuses_what_the_loader_refuses(damage, sound):
    validator = jsonschema.Draft202012Validator(json_schema())
    assert validator.is_valid(sound)
    assert not validator.is_valid({**sound, **damage})
