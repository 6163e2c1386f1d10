"""Published arrays: streamed from compressed files, exactly, in little memory."""

import subprocess
import sys
import zipfile

import numpy as np
import pytest

from synreduce.database import check_database, open_database
from synreduce.errors import ConfigurationError, DataError
from synreduce.importers import ImportOptions, run_import

N_TRIALS, N_MS, N_BINS = 11, 45, 7


def table(n_trials=N_TRIALS):
    rows = "".join(f"{trial},{20 + trial},\n" for trial in range(n_trials))
    return f",0,1\n{rows}"


@pytest.fixture
def counts():
    generator = np.random.default_rng(1)
    return generator.poisson(0.4, (2, N_BINS, N_TRIALS, N_MS))


def stored(path):
    with open_database(path) as database:
        counts = database.counts()
        return np.stack([counts["EXC"], counts["INH"]]).transpose(0, 3, 1, 2)


@pytest.mark.parametrize("dtype", ["u1", "i1", "<i4", ">i8", "u8", "<f8", ">f8", "f4", "f2", "?"])
@pytest.mark.parametrize("fortran", [False, True])
def test_any_numeric_type_and_order(counts, save_counts, tmp_path, dtype, fortran):
    array = (counts > 0 if dtype == "?" else counts).astype(dtype)
    source = save_counts(np.asfortranarray(array) if fortran else array, table())
    report = run_import("counts", [source], tmp_path / "db.h5")
    np.testing.assert_array_equal(stored(tmp_path / "db.h5"), array.astype(int))
    assert dict(report.n_activations) == {
        "EXC": int(array[0].astype(int).sum()),
        "INH": int(array[1].astype(int).sum()),
    }
    assert any("float16" in note for note in report.notes) == (dtype == "f2")


def test_spikes_edges_ids_and_end(counts, save_counts, tmp_path):
    source = save_counts(counts, table())
    run_import("counts", [source], tmp_path / "db.h5")
    with open_database(tmp_path / "db.h5") as database:
        spikes = [database.spike_times.of(trial).tolist() for trial in range(N_TRIALS)]
        assert spikes == [[20.0 + trial] for trial in range(N_TRIALS)]
        assert database.trial_ids[3] == "3"
        assert database.duration_ms == N_MS
        np.testing.assert_array_equal(database.distance_edges, np.arange(N_BINS + 1) * 50.0)
    assert not check_database(tmp_path / "db.h5", deep=True)


@pytest.mark.parametrize("largest", [255, 256, 65535, 65536, 2**31])
def test_large_counts_are_kept(counts, save_counts, tmp_path, largest):
    counts[1, 4, 9, 33] = largest
    source = save_counts(counts.astype(float), table())
    run_import("counts", [source], tmp_path / "db.h5")
    np.testing.assert_array_equal(stored(tmp_path / "db.h5"), counts)


@pytest.mark.parametrize("fortran", [False, True])
def test_record_can_be_cut_with_account(counts, save_counts, tmp_path, fortran):
    source = save_counts(np.asfortranarray(counts) if fortran else counts, table())
    options = ImportOptions(duration_ms=25.0)
    report = run_import("counts", [source], tmp_path / "db.h5", options)
    np.testing.assert_array_equal(stored(tmp_path / "db.h5"), counts[..., :25])
    assert report.dropped == {
        "activations at or after the end of the record": int(counts[..., 25:].sum()),
        "spikes at or after the end of the record": 6,
    }


def test_empty_end_is_noted(counts, save_counts, tmp_path):
    counts[..., 35:] = 0
    counts[0, 0, 0, 34] = 1
    report = run_import("counts", [save_counts(counts, table())], tmp_path / "db.h5")
    assert any("duration_ms: 35 cuts the empty end" in note for note in report.notes)


def test_table_with_and_without_index_and_other_columns(counts, save_counts, tmp_path):
    source = save_counts(counts)
    rows = "".join(f"{20 + trial},x\n" for trial in range(N_TRIALS))
    spikes = tmp_path / "spikes.csv"
    spikes.write_text(f"0,whisker\n{rows}")
    report = run_import("counts", [source, spikes], tmp_path / "db.h5")
    assert report.n_spikes == N_TRIALS
    with open_database(tmp_path / "db.h5") as database:
        assert database.trial_ids[3] == "000003"
    single = "0\n" + "".join("\n" if trial % 2 else f"{trial}.5\n" for trial in range(N_TRIALS))
    spikes.write_text(single)
    report = run_import("counts", [source, spikes], tmp_path / "db.h5")
    assert report.n_spikes == 6


def test_npy_is_accepted_with_a_warning(counts, tmp_path):
    np.save(tmp_path / "counts.npy", counts)
    options = ImportOptions(spike_times="none")
    report = run_import("counts", [tmp_path / "counts.npy"], tmp_path / "db.h5", options)
    np.testing.assert_array_equal(stored(tmp_path / "db.h5"), counts)
    assert any("no checksum" in note for note in report.notes)


def test_memory_holds_a_few_planes_and_not_the_array(tmp_path):
    """288 MB of float64 grow the process by far less."""
    source, shape = tmp_path / "large.npz", (2, 30, 1500, 400)
    plane = np.zeros(shape[2:])
    plane[::50, ::7] = 3
    with (
        zipfile.ZipFile(source, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open("arr_0.npy", "w", force_zip64=True) as file,
    ):
        header = {"descr": "<f8", "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(file, header)
        for _ in range(60):
            file.write(plane.tobytes())
    program = (
        "import resource, sys\n"
        "from pathlib import Path\n"
        "from synreduce.importers import ImportOptions, run_import\n"
        "import synreduce.importers.counts\n"
        "used = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "before, options = used(), ImportOptions(spike_times='none')\n"
        "report = run_import('counts', [Path(sys.argv[1])], Path(sys.argv[2]), options)\n"
        "print(sum(report.n_activations.values()), used() - before)\n"
    )
    arguments = [sys.executable, "-c", program, str(source), str(tmp_path / "db.h5")]
    done = subprocess.run(arguments, capture_output=True, text=True, check=True)
    total, grown_kb = map(int, done.stdout.split())
    assert total == int(60 * plane.sum())
    assert grown_kb < 120_000


def raw_npz(path, member, data, compress=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", compress) as archive:
        archive.writestr(member, data)


def header(shape, descr="<f8"):
    text = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode()


def flip(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0x10
    path.write_bytes(data)


def at_3_ms(value):
    return lambda path, counts: np.savez(path, arr_0=np.where(np.arange(N_MS) == 3, value, counts))


def cut(path, counts):
    np.savez_compressed(path, arr_0=counts)
    path.write_bytes(path.read_bytes()[:-200])


def flipped(path, counts):
    np.savez_compressed(path, arr_0=counts)
    flip(path)


def flipped_plain(path, counts):
    np.savez(path, arr_0=counts)
    flip(path)


DAMAGES = {
    "objects": lambda path, _: np.savez(path, arr_0=np.array([{"a": 1}], dtype=object)),
    "text": lambda path, _: path.write_text("0,1,2\n"),
    "empty": lambda path, _: path.write_bytes(b""),
    "cut": cut,
    "flipped": flipped,
    "flipped plain": flipped_plain,
    "lying": lambda path, _: raw_npz(path, "arr_0.npy", header((2**45,)) + b"\0" * 128),
    "longer": lambda path, _: raw_npz(path, "arr_0.npy", header((2, 1, 1, 1)) + b"\0" * 17),
    "bomb": lambda path, _: raw_npz(path, "arr_0.npy", header((2, 1, 1, 2**19)) + bytes(2**23)),
    "no header": lambda path, _: raw_npz(path, "arr_0.npy", b"PK but no array"),
    "evil header": lambda path, _: raw_npz(path, "arr_0.npy", header("__import__('os')")),
    "several": lambda path, counts: np.savez(path, a=counts, b=counts),
    "complex": lambda path, counts: np.savez(path, arr_0=counts.astype(complex)),
    "strings": lambda path, counts: np.savez(path, arr_0=counts.astype("U3")),
    "axes": lambda path, counts: np.savez(path, arr_0=counts[0]),
    "groups": lambda path, counts: np.savez(path, arr_0=counts[:1]),
    "half": lambda path, counts: np.savez(path, arr_0=np.where(counts == 1, 0.5, counts)),
    "negative": at_3_ms(-1),
    "nan": at_3_ms(np.nan),
    "overflow": at_3_ms(2.0**40),
}


@pytest.mark.parametrize(
    ("kind", "code", "what"),
    [
        ("objects", "python-objects", "Python objects; refused (could run code)"),
        ("text", "not-npz", "not an npz or npy file (starts with b'0,1,2"),
        ("empty", "empty-file", "0 bytes"),
        ("cut", "damaged-file", "cut or damaged"),
        ("flipped", "damaged-file", "cut or damaged"),
        ("flipped plain", "damaged-file", "Bad CRC-32"),
        ("lying", "wrong-size", "needs 281,474,976,710,656 bytes, the file has 128"),
        ("longer", "wrong-size", "the file has 17"),
        ("bomb", "too-large", "unpacks to 8.4 MB from"),
        ("no header", "not-npy", "no NumPy array header"),
        ("evil header", "not-npy", "no NumPy array header"),
        ("several", "no-array", "has no array 'arr_0' but a, b"),
        ("complex", "not-numbers", "complex128"),
        ("strings", "not-numbers", "<U3"),
        ("axes", "wrong-shape", "expected (2, distance bins, trials, ms)"),
        ("groups", "wrong-shape", "(1, 7, 11, 45)"),
        ("half", "not-a-count", "0.5 is no count"),
        ("negative", "not-a-count", "group 0, distance bin 0, trial 0, ms 3: -1 is no count"),
        ("nan", "not-a-count", "group 0, distance bin 0, trial 0, ms 3: nan is no count"),
        ("overflow", "not-a-count", "1099511627776.0 is no count"),
    ],
)
def test_damaged_arrays_are_named_and_nothing_is_written(counts, tmp_path, kind, code, what):
    source, output = tmp_path / "in" / "counts.npz", tmp_path / "out" / "db.h5"
    source.parent.mkdir()
    DAMAGES[kind](source, counts)
    options = ImportOptions(spike_times="none", max_array_bytes=2**20)
    with pytest.raises(DataError) as raised:
        run_import("counts", [source], output, options)
    (problem,) = raised.value.problems
    assert problem.code == code
    assert what in str(problem)
    assert str(source) in problem.where
    assert not (output.parent.exists() and list(output.parent.iterdir()))


@pytest.mark.parametrize("fortran", [False, True])
def test_bad_value_is_located(counts, save_counts, tmp_path, fortran):
    array = counts.astype(float)
    array[1, 4, 9, 33] = 0.25
    source = save_counts(np.asfortranarray(array) if fortran else array, table())
    with pytest.raises(DataError, match=r"group 1, distance bin 4, trial 9, ms 33: 0\.25 is no"):
        run_import("counts", [source], tmp_path / "db.h5")


def test_array_and_table_are_reported_together(counts, save_counts, tmp_path):
    source = save_counts(counts[:, :, :, :0], ",0\n0,1.0\n1,abc\n")
    with pytest.raises(DataError) as raised:
        run_import("counts", [source], tmp_path / "db.h5")
    assert [problem.code for problem in raised.value.problems] == ["wrong-shape", "bad-value"]


def test_number_of_trials_must_agree(counts, save_counts, tmp_path):
    with pytest.raises(DataError, match=r"10 rows, but .* has 11 trials"):
        run_import("counts", [save_counts(counts, table(10))], tmp_path / "db.h5")


def test_exactly_one_array_and_one_table(counts, save_counts, tmp_path):
    first, second = save_counts(counts, table()), save_counts(counts, table(), name="B1")
    with pytest.raises(ConfigurationError, match="2 arrays"):
        run_import("counts", [first, second], tmp_path / "db.h5")
    with pytest.raises(ConfigurationError, match="0 arrays"):
        run_import("counts", [tmp_path / "spikes.csv"], tmp_path / "db.h5")
    renamed = first.rename(tmp_path / "renamed.npz")
    with pytest.raises(ConfigurationError, match="0 tables of spike times"):
        run_import("counts", [renamed], tmp_path / "db.h5")
