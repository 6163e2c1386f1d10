"""Files that are no plain YAML are refused without running anything."""

import os
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synreduce.configuration import configuration_from_text, load_configuration
from synreduce.configuration.yaml_source import parse
from synreduce.errors import ConfigurationError

SOUND = """\
run: test
databases: [wt.h5]
chunks: {temporal: [{start_ms: 258, stop_ms: 259}]}
"""


def _problem(path):
    with pytest.raises(ConfigurationError) as caught:
        load_configuration(path)
    (problem,) = caught.value.problems
    assert problem.where.startswith(str(path))
    return problem


@pytest.mark.parametrize(
    ("content", "code", "words"),
    [
        (b"", "empty", "empty; required: run, databases, chunks"),
        (b"# only a comment\n\n", "empty", "empty"),
        (b"---\n", "empty", "empty"),
        (b"- a\n- b\n", "bad-yaml", "top level"),
        (b"just text", "bad-yaml", "top level"),
        (b"run: [a, b\nseed: 1\n", "bad-yaml", "flow sequence"),
        (b"run: a\n\tseed: 1\n", "bad-yaml", "'\\t'"),
        (b"run: a\nseed: 1: 2\n", "bad-yaml", "mapping values are not allowed"),
        (b"\xff\xfer\x00u\x00n\x00", "not-utf8", "byte 0xff at offset 0 is not UTF-8"),
        (b"run: caf\xe9\n", "not-utf8", "byte 0xe9 at offset 8"),
        (b"run: a\x00b\n", "bad-yaml", "special characters"),
        (b"run: a\n---\nrun: b\n", "bad-yaml", "second document"),
        (b"run: !!python/object/apply:os.system ['touch marker']\n", "tag", "not allowed"),
        (b"run: !!str 3\n", "tag", "not allowed"),
        (b"run: !include secret.yaml\n", "tag", "not allowed"),
        (b"a: &a [1, 1]\nb: [*a, *a]\n", "alias", "anchors and aliases"),
        (b"<<: *a\n", "alias", "anchors and aliases"),
        (b"run: " + b"[" * 4000, "too-deep", "nested deeper"),
        (b"run: " + b"{a: " * 4000, "too-deep", "nested deeper"),
        (b"#" * (2**20 + 1), "too-large", "at most 1 MiB"),
    ],
)
def test_refused_files(content, code, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "config.yaml"
    path.write_bytes(content)
    problem = _problem(path)
    assert problem.code == code
    assert words in problem.what
    assert [entry.name for entry in tmp_path.iterdir()] == ["config.yaml"]


def test_syntax_errors_name_line_and_column(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text("run: a\nseed: 1: 2\n", encoding="utf-8")
    assert _problem(path).where == f"{path}:2:8"


def test_files_that_are_not_there_or_no_files(tmp_path):
    assert _problem(tmp_path / "config.yaml").what == "not found"
    assert "folder or device" in _problem(tmp_path).what
    os.mkfifo(tmp_path / "pipe.yaml")
    assert "folder or device" in _problem(tmp_path / "pipe.yaml").what


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_unreadable_files_are_named(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text(SOUND, encoding="utf-8")
    path.chmod(0)
    assert _problem(path).code == "unreadable"


def test_a_byte_order_mark_and_windows_line_ends_do_no_harm(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + SOUND.replace("\n", "\r\n").encode())
    assert load_configuration(path).run == "test"


def test_duplicate_keys_are_named_with_both_lines():
    with pytest.raises(ConfigurationError) as caught:
        configuration_from_text(SOUND + "seed: 1\nseed: 2\n", "c.yaml")
    (problem,) = caught.value.problems
    assert str(problem).startswith(
        "ERROR duplicate-key c.yaml:5 seed: 'seed' given twice (line 4 and 5)"
    )


def test_keys_are_text_whatever_yaml_thinks_of_them():
    text = SOUND + "input: {grouping: {map: {no: other, 1: one, 2024-01-01: date}}}\n"
    groups = configuration_from_text(text).input.grouping.map
    assert groups == {"no": "other", "1": "one", "2024-01-01": "date"}


def test_keys_of_lists_or_sections_are_refused():
    with pytest.raises(ConfigurationError, match="a key must be one word"):
        configuration_from_text(SOUND + "? [a, b]\n: 1\n")


def test_numbers_too_long_to_be_meant_are_refused():
    with pytest.raises(ConfigurationError, match="cannot be read as a number"):
        configuration_from_text(SOUND + f"seed: {'9' * 5000}\n")


def test_control_characters_do_not_reach_the_terminal():
    with pytest.raises(ConfigurationError) as caught:
        configuration_from_text(SOUND + '"\\e[31mred": 1\n')
    assert "\x1b" not in str(caught.value)


@given(text=st.text(max_size=60))
@settings(max_examples=60, deadline=None)
def test_any_text_is_read_or_refused(text):
    with suppress(ConfigurationError):
        assert isinstance(parse(text, "config.yaml").data, dict)
