"""A job of the workflow: its log, its record, and its errors as one clear message."""

from __future__ import annotations

import faulthandler
import logging
import signal
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synreduce.configuration import Configuration, configuration_from_mapping
from synreduce.errors import SynreduceError
from synreduce.pipeline.paths import RunPaths
from synreduce.result import record_job
from synreduce.storage import publish_json

if TYPE_CHECKING:
    from types import FrameType

logger = logging.getLogger("synreduce")


@contextmanager
def job(
    name: str, configuration: Mapping[str, Any], log: str | Path, batch: str = "all"
) -> Iterator[Configuration]:
    """Run the body of a job; leave a log and a record whatever happens.

    Parameters
    ----------
    name : str
        Rule.
    configuration : mapping
        Validated configuration as plain values.
    log : str or Path
        Log file of the job.
    batch : str, optional
        Batch of chunks that the job works on.

    Yields
    ------
    Configuration

    Raises
    ------
    SystemExit
        With the status of the error, after its message is in the log and on stderr.
    """
    _log_to(Path(log))
    run = configuration_from_mapping(configuration)
    paths = RunPaths.of(run)
    publish_json(paths.configuration, run.model_dump(mode="json"))
    try:
        with record_job(paths.jobs, name, batch, log=str(log)) as record:
            try:
                yield run
            except Exception as error:
                record.notes["error"] = str(error)
                raise
    except SynreduceError as error:
        logger.error("%s", error)  # noqa: TRY400 (the message says it all; the traceback follows)
        logger.debug("traceback", exc_info=error)
        sys.exit(error.exit_code)
    except Exception as error:
        logger.info("traceback", exc_info=error)
        logger.error("unexpected %s: %s (see %s)", type(error).__name__, error, log)  # noqa: TRY400
        sys.exit(1)


def _log_to(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handlers: list[logging.Handler] = [
        logging.FileHandler(path, mode="w", encoding="utf-8"),
        logging.StreamHandler(),
    ]
    handlers[1].setLevel(logging.ERROR)
    logging.basicConfig(
        level=logging.INFO,
        format="%(asctime)s %(levelname)s %(message)s",
        handlers=handlers,
        force=True,
    )
    # A native crash leaves its trace in the log; the file stays open for that.
    faulthandler.enable(path.open("a", encoding="utf-8"))
    signal.signal(signal.SIGTERM, _terminated)


def _terminated(signum: int, _frame: FrameType | None) -> None:
    logger.error("ended by signal %d (time limit or cancelled); what was done is kept", signum)
    sys.exit(128 + signum)
