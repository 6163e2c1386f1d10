"""Small simulation folders whose content is known."""

import gzip
from pathlib import Path

import numpy as np
import pytest

HEADING = (
    "# synapse type\tsynapse ID\tsoma distance\tsection ID\tsection pt ID\tdendrite label"
    "\tactivation times\n"
)
ROWS = (
    "L5tt_C2\t0\t0.0\t0\t3\tSoma\t3.5,10.25,\n"
    "L5tt_C2\t7\t50.0\t12\t4\tDendrite\t19.75,\n"
    "VPM_C2\t1\t1499.99\t40\t9\tApicalDendrite\t0.0,\n"
    "INH\t4\t120.5\t13\t2\tDendrite\t7.125,\n"
)


def voltage_text(n_trials: int, start: float = 0.0, n_samples: int = 801) -> str:
    """Traces at -70 mV with one spike at ``start + 5 + trial`` ms."""
    lines = ["\t".join(["t", *(f"Vm run {k:02d}" for k in range(n_trials))])]
    for sample in range(n_samples):
        time = start + 0.025 * sample
        values = [
            30.0 if abs(time - (start + 5 + trial)) < 1e-6 else -70.0 for trial in range(n_trials)
        ]
        lines.append("\t".join(f"{value:.6g}" for value in [round(time, 3), *values]))
    return "\n".join(lines) + "\n"


@pytest.fixture
def run_folder(tmp_path):
    """Build ``<tmp>/root/batch/20240101-0000_77`` with two trials, and return the root."""
    root = tmp_path / "root"
    folder = root / "batch" / "20240101-0000_77"
    folder.mkdir(parents=True)
    for number in (0, 3):
        (folder / f"simulation_run{number:04d}_synapses.csv").write_text(HEADING + ROWS)
    (folder / "77_vm_all_traces.csv").write_text(voltage_text(2))
    return root


@pytest.fixture
def trial_folder(run_folder) -> Path:
    """Return the folder with the files of `run_folder`."""
    return run_folder / "batch" / "20240101-0000_77"


@pytest.fixture
def compress():
    """Return a function that replaces a file by its gzip."""

    def replace(path: Path) -> Path:
        packed = path.with_name(f"{path.name}.gz")
        packed.write_bytes(gzip.compress(path.read_bytes()))
        path.unlink()
        return packed

    return replace


@pytest.fixture
def save_counts(tmp_path):
    """Return a function that writes an array and its spike table as in the published archive."""

    def save(array: np.ndarray, spikes: str | None = None, name: str = "C2") -> Path:
        path = tmp_path / f"model_1__binned_synapse_activations_spatiotemporal_EI__{name}.npz"
        np.savez_compressed(path, arr_0=array)
        if spikes is not None:
            (tmp_path / f"model_1__spike_times_MCM__{name}.csv").write_text(spikes)
        return path

    return save
