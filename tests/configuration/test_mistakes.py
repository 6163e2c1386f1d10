"""Mistakes in a configuration: all are reported at once, each with line, key, value and fix."""

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synreduce.configuration import configuration_from_mapping, configuration_from_text
from synreduce.errors import ConfigurationError

SOUND = """\
run: test
databases: [{id: wt, path: wt.h5}]
chunks: {temporal: [{start_ms: 258, stop_ms: 259}]}
"""


def _problems(text):
    with pytest.raises(ConfigurationError) as caught:
        configuration_from_text(text, "config.yaml")
    assert caught.value.exit_code == 2
    return caught.value.problems


def _only(text):
    (problem,) = _problems(text)
    return problem


ONE_LINE_MISTAKES = {
    "windwo: {width_ms: 80}": ("unknown-key", "windwo", "did you mean 'window'?"),
    "window: {widht_ms: 80}": ("unknown-key", "window.widht_ms", "did you mean 'width_ms'?"),
    "solvers: [{kind: newton, ridg: 1}]": (
        "unknown-key",
        "solvers[0].ridg",
        "did you mean 'ridge'?",
    ),
    "solvers: [newtn]": ("bad-value", "solvers[0].kind", "did you mean 'newton'?"),
    "strategies: [spatial]": ("bad-value", "strategies[0].kind", "spatiotemporal_raised_cosine"),
    "splits: [{name: x}]": ("missing-key", "splits[0].kind", "add 'kind:'"),
    "splits: [{kind: trials, train_fraction: 1.2}]": (
        "bad-value",
        "splits[0].train_fraction",
        "1.2: must be less than 1",
    ),
    "splits: [{kind: trials, folds: 5, repeats: 3}]": ("bad-value", "splits[0]", "not both"),
    "splits: [{kind: trials, group_by: databse}]": (
        "bad-value",
        "splits[0].group_by",
        "did you mean 'database'?",
    ),
    "splits: [{kind: trials, group_by: '(a'}]": (
        "bad-value",
        "splits[0].group_by",
        "no regular expression",
    ),
    "splits: [{kind: trials}, {kind: trials}]": (
        "duplicate-name",
        "splits[1].name",
        "two splits would be named 'random'",
    ),
    "splits: [{kind: trials, repeats: 2}, {kind: trials, name: random_2}]": (
        "duplicate-name",
        "splits[1].name",
        "'random_2'",
    ),
    "splits: []": ("bad-value", "splits", "at least 1 item"),
    "solvers: [lda, lda]": ("duplicate-name", "solvers[1].name", "a 'name' of its own"),
    "basis: {spatial: {steepness: 1e-3}}": (
        "bad-type",
        "basis.spatial.steepness",
        "'1e-3' is text, not a number. Fix: write 0.001",
    ),
    "window: {width_ms: '80'}": ("bad-type", "window.width_ms", "Fix: write 80"),
    "window: {width_ms: 80.5}": ("bad-type", "window.width_ms", "not a whole number"),
    "window: {width_ms: 080}": ("bad-type", "window.width_ms", "'080' is text"),
    "window: {width_ms: 010}": ("ambiguous-number", "window.width_ms", "read as 8 (octal)"),
    "window: {width_ms: 1:20}": ("ambiguous-number", "window.width_ms", "read as 80 (base 60)"),
    "window: 80": ("bad-type", "window", "a section of 'key: value' lines"),
    "seed: no": ("bad-type", "seed", "read as false by YAML"),
    "seed: -1": ("bad-value", "seed", "greater than or equal to 0"),
    "merge: {allow_partial: 'yes'}": ("bad-type", "merge.allow_partial", "true or false"),
    "basis: {spatial: {steepness: .nan}}": (
        "bad-value",
        "basis.spatial.steepness",
        "finite number",
    ),
    "resources: {nodes: 2}": ("one-node-engine", "resources.nodes", "set engine: srun or mpi"),
    "resources: {engine: srun}": ("one-node-engine", "resources.engine", "set nodes: 2 or more"),
    "resources: {engine: mpi, scheduler: 'tls://node1:8786'}": (
        "two-engines",
        "resources.scheduler",
        "remove scheduler or engine",
    ),
    "resources: {memory: lots}": ("bad-value", "resources.memory", 'write "500 MB"'),
    "input: {distance_bin_um: 40}": ("partial-bin", "input.distance_max_um", "leaves 20 um"),
    "input: {grouping: {map: {'L4(': L4}}}": (
        "bad-pattern",
        "input.grouping.map.L4(",
        "no regular expression",
    ),
    "input: {grouping: {map: {'L4.*': L4}, signs: {L44: -1}}}": (
        "unknown-group",
        "input.grouping.signs.L44",
        "did you mean 'L4'?",
    ),
    "input: {grouping: {signs: {INH: 0}}}": ("bad-value", "input.grouping.signs.INH", "-1"),
    "__use_yte__: true": ("code", "__use_yte__", "would run code; refused"),
}


@pytest.mark.parametrize("line", ONE_LINE_MISTAKES)
def test_one_mistake_is_one_problem_with_its_place(line):
    code, key, words = ONE_LINE_MISTAKES[line]
    problem = _only(SOUND + line)
    assert problem.code == code
    assert problem.where == f"config.yaml:4 {key}"
    assert words in str(problem)


GRID_MISTAKES = {
    "temporal: [{start_ms: 60, stop_ms: 59}]": ("empty-range", "not after"),
    "temporal: [{start_ms: 60, stop_ms: 61}]": (
        "before-data",
        "needs data from -19 ms (first target window ends at 61, window.width_ms 80)",
    ),
    "temporal: [{start_ms: 258, stop_ms: 260}, {start_ms: 259, stop_ms: 262}]": (
        "overlap",
        "[258, 260) and [259, 262) ms overlap by 1 ms",
    ),
    "temporal: [{start_ms: 258, stop_ms: 262, target_width_ms: 10}]": (
        "partial-window",
        "target windows of 10 ms every 1 ms do not fill 4 ms",
    ),
    "temporal: [{start_ms: 100, stop_ms: 110, step_ms: 4}]": ("partial-window", "do not fill"),
    "temporal: [{start_ms: 80, stop_ms: 1.0e+9}]": ("too-many-targets", "target windows"),
    "temporal: [{start_ms: 80, stop_ms: 1000080, chunk_ms: 1}]": (
        "too-many-chunks",
        "1,000,000 chunks, limit 100,000",
    ),
    "temporal: []": ("bad-value", "at least 1 item"),
    "spatial: {edges_um: [0, 500]}": ("gap", "500-1500 um is not covered"),
    "spatial: {ranges_um: [[0, 100], [150, 1500]]}": ("gap", "100-150 um is not covered"),
    "spatial: {ranges_um: [[0, 600], [500, 1500]]}": ("overlap", "overlap by 100 um"),
    "spatial: {edges_um: [0, 520, 1500]}": ("off-bin", "520 um is no edge of the bins of 50 um"),
    "spatial: {edges_um: [0, 500, 2000]}": ("beyond-bins", "ends at 1500 um"),
    "spatial: {edges_um: [0, 900, 500, 1500]}": ("empty-range", "ascending"),
    "spatial: {edges_um: [0, 1500], ranges_um: [[0, 1500]]}": ("bad-value", "not both"),
}


@pytest.mark.parametrize("line", GRID_MISTAKES)
def test_a_grid_that_makes_no_sense_is_explained(line):
    code, words = GRID_MISTAKES[line]
    rest = "" if "temporal" in line else "\n  temporal: [{start_ms: 258, stop_ms: 259}]"
    text = f"run: test\ndatabases: [wt.h5]\nchunks:\n  {line}{rest}\n"
    problem = _only(text)
    assert problem.code == code
    assert words in str(problem)
    assert problem.where.startswith(("config.yaml:4", "config.yaml:3 chunks"))


def test_allowed_gaps_are_allowed():
    text = SOUND.replace("chunks: {", "chunks: {spatial: {edges_um: [0, 500], allow_gaps: true}, ")
    assert len(configuration_from_text(text).grid().spatial) == 1


def test_the_limit_on_chunks_can_be_set():
    text = SOUND.replace("stop_ms: 259", "stop_ms: 269, chunk_ms: 1")
    assert len(configuration_from_text(text).grid().chunks) == 11
    limited = text.replace("chunks: {", "chunks: {limit: 10, ")
    assert _only(limited).what == "11 chunks, limit 10"


def test_databases_are_told_apart(tmp_path, monkeypatch):
    monkeypatch.delenv("UNSET", raising=False)
    target = tmp_path / "wt.h5"
    target.write_bytes(b"")
    (tmp_path / "link.h5").symlink_to(target)
    text = f"""\
run: test
databases:
  - {{id: wt, path: {target}}}
  - {{id: wt, path: other.h5}}
  - {{id: link, path: {tmp_path}/link.h5}}
  - {{id: gone, path: $UNSET/x.h5}}
  - {{id: many, path: 'data/*/db.h5'}}
chunks: {{temporal: [{{start_ms: 258, stop_ms: 259}}]}}
"""
    found = {(problem.code, problem.where) for problem in _problems(text)}
    assert found == {
        ("duplicate-id", "config.yaml:4 databases[1].id"),
        ("duplicate-database", "config.yaml:5 databases[2].path"),
        ("unset-variable", "config.yaml:6 databases[3].path"),
        ("pattern", "config.yaml:7 databases[4].path"),
    }


def test_all_mistakes_are_reported_at_once_in_the_order_of_lines():
    text = """\
run: a;b
databases:
  - {id: wt, path: wt.h5}
  - {id: wt, path: ko.h5}
windwo: {width_ms: 80}
window: {width_ms: 010}
chunks:
  spatial: {edges_um: [0, 500]}
  temporal: [{start_ms: 60, stop_ms: 59}]
splits: [{kind: trials, train_fraction: 1.2}]
solvers: [{kind: cobyla, restarts: 3.5}, newtn]
seed: 1
seed: 2
"""
    problems = _problems(text)
    codes = [problem.code for problem in problems]
    assert codes == [
        "bad-value",
        "duplicate-id",
        "unknown-key",
        "ambiguous-number",
        "gap",
        "empty-range",
        "bad-value",
        "bad-type",
        "bad-value",
        "duplicate-key",
    ]
    lines = [int(problem.where.split(":")[1].split(" ")[0]) for problem in problems]
    assert lines == sorted(lines)


def test_what_is_required_is_said():
    problems = _problems("seed: 1\n")
    assert [problem.where.split()[-1] for problem in problems] == ["run", "databases", "chunks"]
    assert {problem.code for problem in problems} == {"missing-key"}


def test_mappings_without_a_file_name_the_key():
    with pytest.raises(ConfigurationError, match="ERROR missing-key configuration chunks"):
        configuration_from_mapping({"run": "x", "databases": ["a.h5"]})


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)
KEYS = [
    "run", "seed", "databases", "example", "input", "window", "basis", "chunks", "splits",
    "minimum_positives", "strategies", "solvers", "merge", "resources", "other",
]  # fmt: skip


@given(values=st.dictionaries(st.sampled_from(KEYS), plain, min_size=1, max_size=5))
@settings(max_examples=80, deadline=None)
def test_any_plain_values_are_accepted_or_refused_with_reasons(values):
    base = {
        "run": "test",
        "databases": ["wt.h5"],
        "chunks": {"temporal": [{"start_ms": 258, "stop_ms": 259}]},
    }
    with suppress(ConfigurationError):
        configuration_from_mapping({**base, **values})
        return
    with pytest.raises(ConfigurationError) as caught:
        configuration_from_mapping({**base, **values})
    problems = caught.value.problems
    assert all(problem.where.startswith("configuration") and problem.what for problem in problems)
