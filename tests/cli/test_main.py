"""The command line: fast help, one clear message, exit codes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from synreduce.cli.main import build_parser, main
from synreduce.importers.options import ImportOptions
from synreduce.importers.registry import IMPORTERS

COMMANDS = ("example", "import", "check", "inspect", "plan", "fit", "status", "plot")


def test_help_loads_no_numerical_library() -> None:
    code = (
        "import sys; from synreduce.cli.main import build_parser; build_parser().format_help();"
        "print(sorted({'numpy', 'h5py', 'pydantic', 'pandas', 'dask'} & set(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_help_names_every_command() -> None:
    text = build_parser().format_help()
    assert all(name in text for name in COMMANDS)


@pytest.mark.parametrize("name", sorted(IMPORTERS))
def test_every_format_is_offered(name: str) -> None:
    parsed = build_parser().parse_args(["import", name, "a", "-o", "b.h5"])
    assert parsed.format == name


def test_import_flags_become_options() -> None:
    from synreduce.cli.options import read_dataclass_options

    parsed = build_parser().parse_args(
        [
            *("import", "isf-simrun", "a", "-o", "b.h5", "--l1-excitatory"),
            *("--type-map", "L5tt=EXC", "--type-map", "^VPM.*=EXC", "--duration-ms", "345"),
            *("--trial-windows-ms", "0,300", "300,600"),
        ]
    )
    assert read_dataclass_options(parsed, ImportOptions) == ImportOptions(
        type_map={"L5tt": "EXC", "^VPM.*": "EXC"},
        l1_excitatory=True,
        duration_ms=345.0,
        trial_windows_ms=((0.0, 300.0), (300.0, 600.0)),
    )


def test_options_not_given_keep_their_defaults() -> None:
    from synreduce.cli.options import read_dataclass_options

    parsed = build_parser().parse_args(["import", "sonata", "a", "-o", "b.h5"])
    assert read_dataclass_options(parsed, ImportOptions) == ImportOptions()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["inspect", "missing.h5"], "missing.h5"),
        (["check", "missing.h5"], "missing.h5"),
        (["plan", "--config", "missing.yaml"], "missing.yaml"),
        (["plot", "missing.h5", "-o", "figures"], "missing.h5"),
        (["status", "results/none"], "results/none"),
        (["import", "isf-simrun", "missing", "-o", "x.h5"], "missing"),
    ],
)
def test_a_missing_file_gives_one_message_and_status_two(
    arguments: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert message in captured.err
    assert captured.err.startswith("ERROR ")
    assert "Traceback" not in captured.err
    assert list(tmp_path.iterdir()) == []


def test_a_text_file_is_no_database(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "page.h5"
    path.write_text("<html>not a database</html>")
    assert main(["inspect", str(path)]) == 2
    assert "page.h5" in capsys.readouterr().err
