"""The reference of the command line agrees with the parser."""

from pathlib import Path

import pytest

from synreduce.cli.main import build_parser
from synreduce.cli.reference import PAGE, command_reference, main
from synreduce.importers.registry import IMPORTERS

ROOT = Path(__file__).resolve().parents[2]
# The contract of the command line: these words reach users' scripts and may not change.
COMMANDS = ("example", "import", "check", "inspect", "plan", "fit", "status", "plot")


def test_the_page_in_the_repository_is_up_to_date():
    page = (ROOT / PAGE).read_text(encoding="utf-8")
    assert page == command_reference(), "run python -m synreduce.cli.reference"


def test_the_page_is_written_where_it_is_kept(tmp_path):
    main(str(tmp_path))
    assert (tmp_path / PAGE).read_text(encoding="utf-8") == command_reference()


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_and_every_flag_of_its_help_is_on_the_page(command, capsys):
    with pytest.raises(SystemExit):
        build_parser().parse_args([command, "--help"])
    help_text = capsys.readouterr().out
    section = command_reference().split(f"## `synreduce {command}`\n")[1].split("\n## ")[0]
    flags = {word.strip("[],") for word in help_text.split() if word.strip("[],").startswith("--")}
    for flag in flags - {"--help"}:
        assert flag in section
    assert "\n" + "synreduce " + command in section


def test_every_format_is_on_the_page():
    for name in IMPORTERS:
        assert f"| `{name}` |" in command_reference()


def test_the_page_does_not_depend_on_the_width_of_the_terminal(monkeypatch):
    wide = command_reference()
    monkeypatch.setenv("COLUMNS", "40")
    assert command_reference() == wide
