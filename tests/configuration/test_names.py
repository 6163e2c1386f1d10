"""Names that become parts of paths and commands: ordinary ones are taken, hostile ones refused."""

import pytest

from synreduce.configuration import configuration_from_mapping, configuration_from_text
from synreduce.errors import ConfigurationError

RUN_NAMED = """\
run: %s
databases: [{id: wt, path: wt.h5}]
chunks: {temporal: [{start_ms: 258, stop_ms: 259}]}
"""
HOSTILE = [
    "../../x", "/x", "a;b", "$(x)", "`x`", "a\nb", "-x", "", ".", "..", ".x", "x" * 65, "a b",
    "a/b", "é", "a\x00b", "{x}", "x\n",
]  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("place", ["run", "database", "split", "solver", "group"])
def test_hostile_names_are_refused_everywhere(name, place, sound):
    if place == "run":
        sound["run"] = name
    elif place == "database":
        sound["databases"][0]["id"] = name
    elif place == "split":
        sound["splits"] = [{"kind": "trials", "name": name}]
    elif place == "solver":
        if not name:
            pytest.skip("an empty name of a solver means its kind")
        sound["solvers"] = [{"kind": "lda", "name": name}]
    else:
        sound["input"] = {"grouping": {"map": {".*": name}}}
    with pytest.raises(ConfigurationError, match="is not allowed: only letters"):
        configuration_from_mapping(sound)


@pytest.mark.parametrize("name", ["wt", "2024-05-01", "A_b.c-d", "x" * 64, "_"])
def test_ordinary_names_are_accepted(name, sound):
    sound["run"] = name
    assert configuration_from_mapping(sound).run == name


def test_a_date_as_name_stays_text():
    assert configuration_from_text(RUN_NAMED % "2024-05-01").run == "2024-05-01"


def test_words_that_yaml_reads_as_truth_need_quotes_as_names():
    with pytest.raises(ConfigurationError) as caught:
        configuration_from_text(RUN_NAMED % "off")
    (problem,) = caught.value.problems
    assert "'off' is read as false by YAML" in problem.what
    assert problem.fix == 'write "off" in quotes'
