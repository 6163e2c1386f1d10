"""The screenful about a result."""

from dataclasses import replace

import pytest

from synreduce.result import FailedChunk, open_result, summary_lines, write_merged


@pytest.fixture(scope="module")
def lines(make_content, tmp_path_factory):
    tmp_path = tmp_path_factory.mktemp("summary")
    content = make_content(n_windows=40)
    failures = [FailedChunk(f"d/{n}", "random", "failed", "bad \x1b[2J") for n in range(9)]
    provenance = replace(content.provenance, failures=failures)
    write_merged(tmp_path / "m.h5", replace(content, provenance=provenance))
    with open_result(tmp_path / "m.h5") as result:
        return summary_lines(result)


def test_it_fits_on_a_screen(lines):
    assert len(lines) <= 40
    assert all(len(line) <= 110 for line in lines[1:])


def test_it_tells_what_a_user_asks_first(lines):
    text = "\n".join(lines)
    for expected in (
        "NOT COMPLETE",
        "EXC (excites), INH (inhibits)",
        "2 spatial x 40 temporal chunks, 2 splits",
        "159 ok, 1 one_class",
        "AUROC",
        "56,000",
        "and 4 more",
    ):
        assert expected in text


def test_names_from_files_cannot_steer_the_terminal(lines):
    assert "\x1b" not in "\n".join(lines)
