"""`synreduce profile install`: the profile where Snakemake looks, never over one that is there."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from snakemake.cli import get_profile_dir

from synreduce.cli.main import main

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def profile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    return tmp_path / "snakemake" / "slurm" / "config.yaml"


def test_snakemake_finds_the_installed_profile(
    profile: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["profile", "install"]) == 0
    monkeypatch.chdir(tmp_path)
    assert get_profile_dir("slurm") == (profile.parent, profile)
    assert profile.read_bytes() == (ROOT / "slurm" / "config.yaml").read_bytes()


def test_a_profile_that_is_there_stays_unless_forced(
    profile: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    profile.parent.mkdir(parents=True)
    profile.write_text("jobs: 3\n", encoding="utf-8")
    assert main(["profile", "install"]) == 2
    assert "--force" in capsys.readouterr().err
    assert profile.read_text(encoding="utf-8") == "jobs: 3\n"
    assert main(["profile", "install", "--force"]) == 0
    assert "executor: slurm" in profile.read_text(encoding="utf-8")


def test_the_profile_holds_literal_values_only() -> None:
    text = (ROOT / "slurm" / "config.yaml").read_text(encoding="utf-8")
    profile = yaml.safe_load(text)
    assert "__use_yte__" not in profile
    resources = profile["default-resources"].values()
    assert all(isinstance(value, int | bool) for value in resources)
    assert not [line for line in text.splitlines() if "?" in line and "#" not in line]
