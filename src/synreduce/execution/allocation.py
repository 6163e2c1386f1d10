"""How long the job that this process belongs to may go on."""

from __future__ import annotations

import logging
import os
import shutil
import subprocess
import time
from collections.abc import Mapping
from datetime import datetime

logger = logging.getLogger(__name__)

_MARGIN_S = 30.0
_MARGIN_SHARE = 0.02
_ANSWER_WITHIN_S = 20.0


def allocation_end(environment: Mapping[str, str] | None = None) -> float | None:
    """Find out when Slurm will end the job.

    Parameters
    ----------
    environment : mapping of str to str, optional
        Default: that of this process.

    Returns
    -------
    float or None
        s since 1970; None outside Slurm, without a limit, or if nobody knows.
    """
    variables = os.environ if environment is None else environment
    known = variables.get("SLURM_JOB_END_TIME", "")
    if known.isdigit():
        return float(known)
    job = variables.get("SLURM_JOB_ID", "")
    # Snakemake's plugin hands on the number of the job alone: ask the controller, once.
    return _asked(job) if job.isdigit() and shutil.which("squeue") else None


def _asked(job: str) -> float | None:
    command = ["squeue", "--noheader", "--job", job, "--format=%e"]
    try:
        answer = subprocess.run(  # noqa: S603 (a number is all that is not literal)
            command, capture_output=True, text=True, check=True, timeout=_ANSWER_WITHIN_S
        )
        return datetime.fromisoformat(answer.stdout.strip()).timestamp()  # local time, as printed
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        logger.info("Slurm does not say when job %s ends (%s)", job, error)
        return None


def stopping_time(end: float | None, now: float | None = None) -> float | None:
    """Leave time before the end of a job to bring its work to safety.

    Parameters
    ----------
    end : float or None
        When the job ends, s since 1970; None: never.
    now : float, optional
        Default: the present time.

    Returns
    -------
    float or None
        2 % of what is left, and at least 30 s, before the end.

    Examples
    --------
    >>> stopping_time(1000.0, now=0.0), stopping_time(10000.0, now=0.0), stopping_time(None)
    (970.0, 9800.0, None)
    """
    if end is None:
        return None
    left = end - (time.time() if now is None else now)
    return end - max(_MARGIN_S, _MARGIN_SHARE * left)
