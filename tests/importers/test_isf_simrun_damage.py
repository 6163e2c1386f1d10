"""Damaged simulation folders: one clear message each, nothing written, good again when mended."""

import gzip
import os
import shutil

import numpy as np
import pytest

from synreduce.database import open_database
from synreduce.errors import DataError
from synreduce.importers import ImportOptions, run_import

RUN = "simulation_run0003_synapses.csv"
VOLTAGE = "77_vm_all_traces.csv"


def edit(file, old, new):
    def damage(folder):
        path = folder / file
        text = path.read_bytes()
        assert old in text
        path.write_bytes(text.replace(old, new, 1))

    return damage


def rewrite(file, change):
    def damage(folder):
        path = folder / file
        path.write_bytes(change(path.read_bytes()))

    return damage


def rename(file, name):
    return lambda folder: (folder / file).rename(folder / name)


def fifo(folder):
    (folder / RUN).unlink()
    os.mkfifo(folder / RUN)


def link_outside(folder):
    target = folder.parents[2] / "elsewhere.csv"
    (folder / RUN).rename(target)
    (folder / RUN).symlink_to(target)


def same_run_twice(folder):
    shutil.copy(folder / RUN, folder / "simulation_run0000003_synapses.csv")


def cut_gzip(folder):
    packed = gzip.compress((folder / RUN).read_bytes())
    (folder / f"{RUN}.gz").write_bytes(packed[:-9])
    (folder / RUN).unlink()


# damage, code, where it is (after the folder), what the message says
DAMAGES = {
    "empty": (rewrite(RUN, lambda _: b""), "empty-file", RUN, "0 bytes"),
    "header only": (
        rewrite(RUN, lambda text: text[: text.index(b"\n") + 1]),
        "no-rows",
        RUN,
        "allow_silent_trials",
    ),
    "no header": (
        rewrite(RUN, lambda text: text[text.index(b"\n") + 1 :]),
        "no-heading",
        f"{RUN}:1",
        "no heading",
    ),
    "cut line": (rewrite(RUN, lambda t: t[:-22]), "cut-file", f"{RUN}:5", "file was cut"),
    "cut in the times": (rewrite(RUN, lambda t: t[:-4]), "cut-file", f"{RUN}:5", "no line end"),
    "fields": (edit(RUN, b"\t7\t50.0", b"\t50.0"), "wrong-fields", f"{RUN}:3", "6 fields"),
    "blank line": (edit(RUN, b"\nVPM", b"\n\nVPM"), "wrong-fields", f"{RUN}:4", "1 fields"),
    "decimal comma": (
        edit(RUN, b"120.5", b"120,5"),
        "bad-value",
        f"{RUN}:5 soma distance",
        "Fix: decimal point",
    ),
    "text in times": (
        edit(RUN, b"10.25", b"abc"),
        "bad-value",
        f"{RUN}:2 activation times, 2nd value",
        "'abc'",
    ),
    "hole in times": (
        edit(RUN, b"10.25,", b"10.25,,12.0,"),
        "bad-value",
        f"{RUN}:2 activation times, 3rd value",
        "''",
    ),
    "float id": (edit(RUN, b"\t7\t", b"\t7.0\t"), "bad-value", f"{RUN}:3 synapse ID", "'7.0'"),
    "nan time": (
        edit(RUN, b"10.25", b"nan"),
        "bad-value",
        f"{RUN}:2 activation times",
        "time: nan ms",
    ),
    "inf distance": (
        edit(RUN, b"\t120.5", b"\tinf"),
        "bad-value",
        f"{RUN}:5 soma distance",
        "inf",
    ),
    "negative distance": (
        edit(RUN, b"\t120.5", b"\t-3.2"),
        "bad-value",
        f"{RUN}:5 soma distance",
        "-3.2. Fix: correct it, or on_negative_distance: drop",
    ),
    "huge distance": (
        edit(RUN, b"\t120.5", b"\t1e9"),
        "bad-value",
        f"{RUN}:5 soma distance",
        "beyond any dendrite",
    ),
    "huge time": (
        edit(RUN, b"7.125", b"1e308"),
        "bad-value",
        f"{RUN}:5 activation times",
        "> limit 1e+09 ms",
    ),
    "400 digits": (
        edit(RUN, b"7.125", b"1" * 400),
        "bad-value",
        f"{RUN}:5 activation times",
        "time: inf ms",
    ),
    "duplicate": (
        rewrite(RUN, lambda text: text + text[text.index(b"INH") :]),
        "bad-value",
        f"{RUN}:6",
        "synapse (INH, 4) is already in row 5",
    ),
    "unknown type": (
        edit(RUN, b"VPM_C2", b"VPMX_C2"),
        "unknown-type",
        f"{RUN}:4 synapse type",
        "'VPMX_C2' (1 rows)",
    ),
    "two columns": (
        edit(RUN, b"VPM_C2", b"VPM_C2_C3"),
        "unknown-type",
        f"{RUN}:4 synapse type",
        "split at its underscore",
    ),
    "moved synapse": (
        edit(RUN, b"\t120.5", b"\t410.7"),
        "wiring-differs",
        f"{RUN}:5 soma distance",
        "synapse (INH, 4) lies at 410.7 um, but at 120.5 um",
    ),
    "columns": (
        edit(RUN, b"soma distance", b"distance"),
        "wrong-columns",
        f"{RUN}:1",
        "columns missing: soma distance",
    ),
    "semicolons": (
        rewrite(RUN, lambda text: text.replace(b"\t", b";")),
        "wrong-separator",
        f"{RUN}:1",
        "separator looks like ';'",
    ),
    "quotes": (
        edit(RUN, b"VPM_C2", b'"VPM_C2"'),
        "unknown-type",
        f"{RUN}:4 synapse type",
        '"VPM_C2"',
    ),
    "not utf-8": (edit(RUN, b"VPM", b"VP\xff"), "not-utf8", f"{RUN}:4", "0xff is not UTF-8"),
    "utf-16": (
        rewrite(RUN, lambda text: text.decode().encode("utf-16")),
        "no-heading",
        f"{RUN}:1",
        "no heading",
    ),
    "gzip as csv": (
        rewrite(RUN, gzip.compress),
        "wrong-compression",
        RUN,
        "starts with gzip magic. Fix: rename to .csv.gz",
    ),
    "csv as gzip": (rename(RUN, f"{RUN}.gz"), "wrong-compression", f"{RUN}.gz", "not gzip"),
    "cut gzip": (cut_gzip, "cut-file", f"{RUN}.gz", "gzip data end early"),
    "fifo": (fifo, "not-a-file", RUN, "FIFO"),
    "outside link": (link_outside, "outside-link", RUN, "elsewhere.csv"),
    "same run": (same_run_twice, "duplicate-trial", "", "run 3 is given twice"),
    "no number": (
        rename(RUN, "simulation_synapses.csv"),
        "no-run-number",
        "simulation_synapses.csv",
        "no run number",
    ),
    "missing trial": (
        lambda folder: (folder / RUN).unlink(),
        "trial-count",
        VOLTAGE,
        "2 traces for 1 synapse files",
    ),
    "voltage empty": (rewrite(VOLTAGE, lambda _: b""), "empty-file", VOLTAGE, "0 bytes"),
    "voltage cut": (rewrite(VOLTAGE, lambda t: t[:-3]), "cut-file", f"{VOLTAGE}:802", "cut"),
    "voltage gap": (
        edit(VOLTAGE, b"\n12.05\t-70\t-70\n12.075\t-70\t-70", b""),
        "time-axis",
        f"{VOLTAGE}:484",
        "t jumps from 12.025 to 12.1",
    ),
    "voltage repeats": (
        edit(VOLTAGE, b"\n12.05\t", b"\n12.025\t"),
        "time-axis",
        f"{VOLTAGE}:484",
        "t jumps from 12.025 to 12.025",
    ),
    "voltage nan": (
        edit(VOLTAGE, b"12.05\t-70\t-70", b"12.05\t-70\tnan"),
        "bad-value",
        f"{VOLTAGE}:484 trace 1",
        "nan is no voltage",
    ),
    "voltage comma": (
        edit(VOLTAGE, b"12.05\t-70\t-70", b"12.05\t-70,5\t-70"),
        "bad-value",
        f"{VOLTAGE}:484 Vm run 00",
        "Fix: decimal point",
    ),
    "voltage fields": (
        edit(VOLTAGE, b"12.05\t-70\t-70", b"12.05\t-70"),
        "wrong-fields",
        f"{VOLTAGE}:484",
        "2 fields, expected 3",
    ),
    "voltage separator": (
        rewrite(VOLTAGE, lambda text: text.replace(b"\t", b",")),
        "no-heading",
        f"{VOLTAGE}:1",
        "start with 't' and a tab",
    ),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_damage_is_named_and_nothing_is_written(run_folder, trial_folder, tmp_path, name):
    damage, code, where, what = DAMAGES[name]
    output = tmp_path / "out" / "db.h5"
    backup = shutil.copytree(trial_folder, tmp_path / "backup")
    damage(trial_folder)
    with pytest.raises(DataError) as raised:
        run_import("isf-simrun", [run_folder], output)
    messages = [str(problem) for problem in raised.value.problems]
    expected = f"ERROR {code} {trial_folder / where if where else trial_folder}"
    assert any(message.startswith(expected) and what in message for message in messages), messages
    assert len(messages) <= 2
    assert not output.exists()
    assert not (output.parent.exists() and list(output.parent.iterdir()))
    shutil.rmtree(trial_folder)
    backup.rename(trial_folder)
    assert run_import("isf-simrun", [run_folder], output).n_trials == 2


def test_all_broken_files_are_reported_together(run_folder, trial_folder, tmp_path):
    for number in range(4, 10):
        text = (trial_folder / RUN).read_text().replace("10.25", "x" * number)
        (trial_folder / f"simulation_run{number:04d}_synapses.csv").write_text(text)
    other = shutil.copytree(trial_folder, trial_folder.with_name("other_1"))
    (other / VOLTAGE).write_bytes(b"")
    with pytest.raises(DataError) as raised:
        run_import("isf-simrun", [run_folder], tmp_path / "db.h5")
    text = "\n".join(str(problem) for problem in raised.value.problems)
    assert text.count("activation times, 2nd value") == 12
    assert "2 traces for 8 synapse files" in text
    assert f"{other / VOLTAGE}: 0 bytes" in text
    assert not list(tmp_path.glob("db.h5*"))


def test_former_database_survives_a_refused_import(run_folder, trial_folder, tmp_path):
    output = tmp_path / "db.h5"
    run_import("isf-simrun", [run_folder], output)
    before = output.read_bytes()
    (trial_folder / RUN).write_bytes(b"")
    with pytest.raises(DataError):
        run_import("isf-simrun", [run_folder], output)
    assert output.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["db.h5"]


def test_header_only_is_a_silent_trial_when_allowed(run_folder, trial_folder, tmp_path):
    path = trial_folder / RUN
    path.write_text(path.read_text().partition("\n")[0] + "\n")
    options = ImportOptions(allow_silent_trials=True)
    run_import("isf-simrun", [run_folder], tmp_path / "db.h5", options)
    with open_database(tmp_path / "db.h5") as database:
        counts = database.counts(distance_edges=np.arange(31) * 50.0)
        assert database.n_trials == 2
        assert counts["EXC"][1].sum() == counts["INH"][1].sum() == 0
        assert database.spike_times.of(1).tolist() == [6.0]


def test_unsorted_times_are_accepted_with_a_count(run_folder, trial_folder, tmp_path):
    edit(RUN, b"3.5,10.25,", b"10.25,3.5,")(trial_folder)
    report = run_import("isf-simrun", [run_folder], tmp_path / "db.h5")
    assert any("1 synapse rows do not ascend" in note for note in report.notes)


def test_columns_are_read_by_name(run_folder, trial_folder, tmp_path):
    rows = [line.split("\t") for line in (trial_folder / RUN).read_text().splitlines()]
    rows[0][0] = rows[0][0].removeprefix("# ")
    swapped = [[row[i] for i in (2, 5, 0, 1, 6, 3, 4)] for row in rows]
    text = "# " + "\n".join("\t".join(row) for row in swapped) + "\n"
    (trial_folder / RUN).write_text(text)
    report = run_import("isf-simrun", [run_folder], tmp_path / "db.h5")
    assert dict(report.n_activations) == {"EXC": 8, "INH": 2}


def test_unequal_records_are_refused_until_a_duration_is_given(run_folder, trial_folder, tmp_path):
    other = shutil.copytree(trial_folder, trial_folder.with_name("zz_1"))
    lines = (other / VOLTAGE).read_text().splitlines(keepends=True)
    (other / VOLTAGE).write_text("".join(lines[:-40]))
    with pytest.raises(DataError, match=r"end at 19 ms, those of the first folder at 20 ms"):
        run_import("isf-simrun", [run_folder], tmp_path / "db.h5")
    options = ImportOptions(duration_ms=19.0, on_out_of_range="drop")
    report = run_import("isf-simrun", [run_folder], tmp_path / "db.h5", options)
    assert report.n_trials == 4
    assert report.dropped == {"activations at or after the end of the record": 4}
