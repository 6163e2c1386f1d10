"""The merged file: what is in it, who can read it, and that damage is seen."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest

from synreduce.errors import ArtefactError, DataError, InputError
from synreduce.result import STATUS_MEANINGS, verify_result, write_merged
from synreduce.result.schema import DIMENSIONS
from synreduce.result.schema_table import variable_table
from synreduce.result.schema_variables import VARIABLES

READERS = {
    "h5py": """
import h5py
with h5py.File(path) as file:
    report = {
        "kernel": float(file["kernel"][0, 0, 0, 0, 5]),
        "dimensions": [axis[0].name.strip("/") for axis in file["kernel"].dims],
        "groups": list(file["group"].asstr()[...]),
    }
""",
    "xarray": """
import xarray
with xarray.open_dataset(path, engine="h5netcdf") as dataset:
    report = {
        "kernel": float(dataset["kernel"][0, 0, 0, 0, 5]),
        "dimensions": list(dataset["kernel"].dims),
        "groups": dataset["group"].values.tolist(),
    }
with xarray.open_datatree(path, engine="h5netcdf") as tree:
    assert int(tree["provenance/complete"]) == 0
""",
    "netCDF4": """
import netCDF4
with netCDF4.Dataset(path) as dataset:
    report = {
        "kernel": float(dataset["kernel"][0, 0, 0, 0, 5]),
        "dimensions": list(dataset["kernel"].dimensions),
        "groups": dataset["group"][:].tolist(),
    }
    assert int(dataset["provenance"]["complete"][...]) == 0
""",
}


@pytest.fixture
def content(make_content):
    return make_content()


@pytest.fixture
def merged(content, tmp_path):
    path = tmp_path / "merged.h5"
    write_merged(path, content)
    return path


@pytest.mark.parametrize("reader", READERS)
def test_other_programs_read_it_without_plugins_or_warnings(reader, merged, content):
    program = (
        f"import sys, json\npath = sys.argv[1]\n{READERS[reader]}\n"
        "assert not any(name.startswith(('synreduce', 'hdf5plugin')) for name in sys.modules)\n"
        "print(json.dumps(report))"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program, str(merged)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert json.loads(done.stdout) == {
        "kernel": content.variables["kernel"][0, 0, 0, 0, 5],
        "dimensions": ["split", "temporal", "group", "soma_distance", "lag"],
        "groups": ["EXC", "INH"],
    }


def test_every_variable_says_what_it_is(merged):
    with h5py.File(merged) as file:
        for name, item in file.items():
            if isinstance(item, h5py.Group):
                continue
            assert item.attrs["long_name"], name
            assert item.attrs["units"], name
            if not item.is_scale:
                assert all(len(axis) == 1 for axis in item.dims), f"{name}: an axis has no scale"
                filters = {item.compression, "shuffle" if item.shuffle else None}
                assert filters <= {None, "gzip", "shuffle"}
        assert file.attrs["Conventions"].startswith("CF-")
        for name in ("title", "schema_name", "schema_version", "software", "software_version"):
            assert file.attrs[name]


def test_flags_carry_their_meanings(merged, content):
    with h5py.File(merged) as file:
        status = file["status"]
        assert status.dtype == np.int8
        assert tuple(status.attrs["flag_meanings"].split()) == STATUS_MEANINGS
        assert status.attrs["flag_values"].tolist() == list(range(len(STATUS_MEANINGS)))
        assert file["solver"].attrs["flag_meanings"] == "cobyla newton"
        np.testing.assert_array_equal(status[...], content.variables["status"])


def test_contract_variables_exist_even_if_not_computed(make_content, tmp_path):
    content = make_content()
    variables = {
        name: values
        for name, values in content.variables.items()
        if name not in ("spatial_filter_se", "heterogeneity_q", "n_evaluations")
    }
    write_merged(tmp_path / "m.h5", replace(content, variables=variables))
    with h5py.File(tmp_path / "m.h5") as file:
        assert np.isnan(file["spatial_filter_se"][...]).all()
        assert np.isnan(file["heterogeneity_q"][...]).all()
        assert (file["n_evaluations"][...] == 0).all()


def test_same_content_gives_the_same_bytes_in_any_order(make_content, tmp_path):
    content = make_content()
    turned = replace(
        content,
        coordinates=dict(reversed(content.coordinates.items())),
        variables=dict(reversed(content.variables.items())),
        provenance=replace(
            content.provenance, seeds=dict(reversed(content.provenance.seeds.items()))
        ),
    )
    assert write_merged(tmp_path / "a.h5", content) == write_merged(tmp_path / "b.h5", turned)
    assert (tmp_path / "a.h5").read_bytes() == (tmp_path / "b.h5").read_bytes()


def test_same_content_gives_the_same_bytes_in_another_process(merged, tmp_path):
    program = (
        "import sys; sys.path.insert(0, sys.argv[2]);"
        "from example_content import example_content; from synreduce.result import write_merged;"
        "write_merged(sys.argv[1], example_content())"
    )
    other = tmp_path / "other.h5"
    command = [sys.executable, "-c", program, str(other), str(Path(__file__).parent)]
    subprocess.run(command, check=True)
    assert other.read_bytes() == merged.read_bytes()


def test_one_other_number_gives_another_digest(make_content, tmp_path):
    content = make_content()
    first = write_merged(tmp_path / "a.h5", content)
    kernel = content.variables["kernel"].copy()
    kernel[0, 0, 0, 0, 0] = np.nextafter(kernel[0, 0, 0, 0, 0], 9.0)
    changed = replace(content, variables={**content.variables, "kernel": kernel})
    assert write_merged(tmp_path / "b.h5", changed) != first


@pytest.mark.parametrize(
    ("name", "values", "code"),
    [
        ("kernal", np.zeros(3), "unknown-variable"),
        ("kernel", np.zeros((2, 2)), "wrong-shape"),
        ("intercept", np.zeros((2, 3, 2), dtype=complex), "wrong-type"),
        ("n_samples", np.zeros((2, 3, 2)), "wrong-type"),
        ("status", np.full((2, 3, 2), 9), "bad-flag"),
    ],
)
def test_content_beyond_the_schema_is_refused_and_nothing_is_written(
    make_content, tmp_path, name, values, code
):
    content = make_content(**{name: values})
    with pytest.raises(ArtefactError) as caught:
        write_merged(tmp_path / "m.h5", content)
    assert code in [problem.code for problem in caught.value.problems]
    assert list(tmp_path.iterdir()) == []


def test_all_problems_are_told_at_once(make_content, tmp_path):
    content = make_content(kernal=np.zeros(1), auroc=np.zeros(1))
    coordinates = {**content.coordinates, "split": ("a", "a")}
    with pytest.raises(ArtefactError) as caught:
        write_merged(tmp_path / "m.h5", replace(content, coordinates=coordinates))
    codes = {problem.code for problem in caught.value.problems}
    assert codes == {"unknown-variable", "wrong-shape", "repeated-label"}
    assert "did you mean 'kernel'" in str(caught.value)


def test_a_refused_result_leaves_the_former_one(merged, make_content):
    before = merged.read_bytes()
    with pytest.raises(ArtefactError):
        write_merged(merged, make_content(kernel=np.zeros(1)))
    assert merged.read_bytes() == before


def test_bit_flips_never_go_unseen(merged):
    image = merged.read_bytes()
    with h5py.File(merged) as file:
        expected = {name: file[name][...] for name in ("kernel", "status", "group_sign")}
    rng = np.random.default_rng(1)
    for position in rng.integers(0, len(image), 60):
        damaged = bytearray(image)
        damaged[position] ^= 1 << int(rng.integers(8))
        merged.write_bytes(damaged)
        try:
            verify_result(merged)
        except InputError:
            continue
        # the flip hit a place without meaning: the numbers are still right
        with h5py.File(merged) as file:
            for name, values in expected.items():
                np.testing.assert_array_equal(file[name][...], values)


def test_changed_number_is_seen(merged):
    with h5py.File(merged, "r+") as file:
        file["auroc"][0, 0, 0, 0, 0] = 0.999
    with pytest.raises(ArtefactError, match=r"merged\.h5"):
        verify_result(merged)


def test_another_file_is_no_result(tmp_path):
    (tmp_path / "m.h5").write_text("<html>")
    with pytest.raises(DataError, match="not HDF5"):
        verify_result(tmp_path / "m.h5")


def test_schema_names_are_unique_and_dimensions_known():
    names = [entry.name for entry in (*DIMENSIONS, *VARIABLES)]
    assert len(set(names)) == len(names)
    known = {entry.name for entry in DIMENSIONS}
    assert all(set(entry.dimensions) <= known for entry in VARIABLES)


def test_contract_variables_are_required():
    contract = (
        "spatial_filter temporal_filter spatial_filter_se temporal_filter_se spatial_weight "
        "temporal_weight intercept kernel consensus_kernel heterogeneity_q heterogeneity_i2 "
        "nonlinearity isi_penalty auroc log_loss bits_per_spike brier average_precision status "
        "n_samples n_positive n_evaluations condition"
    )
    required = {entry.name for entry in VARIABLES if entry.required}
    assert set(contract.split()) <= required


def test_the_written_specification_lists_every_variable():
    page = Path(__file__).parents[2] / "docs" / "reference" / "merged-file.md"
    assert variable_table() in page.read_text(encoding="utf-8"), (
        "docs/reference/merged-file.md differs from the schema; put there the output of\n"
        "python -c 'import synreduce.result.schema_table as s; print(s.variable_table())'"
    )
