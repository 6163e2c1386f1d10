"""These tests need the Slurm of start.sh; `make slurm` starts it, runs them and stops it."""

import os

collect_ignore_glob = [] if os.environ.get("SYNREDUCE_SLURM") else ["test_*.py"]
