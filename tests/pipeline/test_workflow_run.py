"""Jobs of a run read the configuration that their main process read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from synreduce.configuration import load_configuration
from synreduce.pipeline.workflow import WorkflowRun

EXAMPLES = Path(__file__).resolve().parents[2] / "config" / "examples"
DEFAULT = EXAMPLES / "example.yaml"
OTHER = EXAMPLES / "tiny.yaml"
OVERRIDE = {"run": "renamed"}


@pytest.mark.parametrize("files", [[], [str(OTHER)]], ids=["no file", "a file"])
@pytest.mark.parametrize("override", [{}, OVERRIDE], ids=["as written", "overridden"])
def test_a_job_has_the_configuration_of_its_main_process(
    files: list[str],
    override: dict[str, Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    written = [yaml.safe_load(Path(file).read_text(encoding="utf-8")) for file in files]
    given = {**(written[0] if written else {}), **override}
    main, job = (
        WorkflowRun.open(files, given, default=DEFAULT, main_process=main).configuration
        for main in (True, False)
    )
    assert job == main
    expected = load_configuration(OTHER if files else DEFAULT)
    assert job == expected.model_copy(update=override)
