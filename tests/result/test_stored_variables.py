"""Variables read by name and label say what xarray says of the same file."""

import h5py
import numpy as np
import pytest
import xarray as xr

from synreduce.result import write_merged
from synreduce.result.stored_variables import StoredVariables


@pytest.fixture(scope="module")
def path(make_content, tmp_path_factory):
    path = tmp_path_factory.mktemp("stored") / "m.h5"
    write_merged(path, make_content(n_windows=3))
    return path


def test_values_sizes_and_labels_are_those_of_xarray(path):
    with h5py.File(path) as file, xr.open_dataset(path, engine="h5netcdf") as dataset:
        stored = StoredVariables(file)
        assert {name: stored.sizes[name] for name in dataset.sizes} == dict(dataset.sizes)
        assert stored.labels("temporal") == dataset["temporal"].to_numpy().tolist()
        assert "auroc" in stored
        assert "nothing" not in stored
        assert stored.attribute("title") == dataset.attrs["title"]
        for name, variable in dataset.data_vars.items():
            if variable.dtype.kind in "iuf":
                np.testing.assert_array_equal(stored.values(str(name)), variable)


def test_labels_and_positions_select_along_any_dimension(path):
    with h5py.File(path) as file, xr.open_dataset(path, engine="h5netcdf") as dataset:
        found = StoredVariables(file).values("auroc", subset="test", level="merged", temporal=1)
        expected = dataset["auroc"].sel(subset="test", level="merged").isel(temporal=1)
        np.testing.assert_array_equal(found, expected)
