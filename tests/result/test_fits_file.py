"""Fits on disk come back as they were, are what they claim to be, and do not hold durations."""

import math
from dataclasses import fields, replace

import h5py
import numpy as np
import pytest

from synreduce.errors import ArtefactError, InputError
from synreduce.evaluation import ScoreRow
from synreduce.result import (
    ArtefactIdentity,
    StoredFit,
    fits_are_current,
    read_fits,
    write_fits,
)
from synreduce.result.fits_file import seconds_path
from synreduce.solvers.records import BiasCorrected, FitResult

IDENTITY = ArtefactIdentity("d0000-1500/t0258-0259", "a" * 64, "b" * 64, "0.1.0")


def score(subset, value):
    return ScoreRow(
        "chunk", "d0000-1500", "t0258-0259", "spatiotemporal", "newton", "", "random", subset,
        0, "auroc", value, 100, 7, "ok", 100, value - 0.1, math.nan,
    )  # fmt: skip


def symmetric(rng, size):
    root = rng.random((size, size))
    return root + root.T


def fit(restart=0, split="random", **changed):
    rng = np.random.default_rng(restart)
    result = FitResult(
        parameters={"EXC": (rng.random((1, 2)), rng.random((1, 3))), "a/b .": (rng.random((2, 2)),
                    rng.random((2, 3)))},
        vector=rng.random(10), theta=rng.random(12), intercept=-3.1, objective=0.2,
        n_evaluations=41, n_iterations=9, status="ok", message="converged \x1b é", seconds=1.25,
        trace=rng.random(9), covariance=symmetric(rng, 12),
        bias_corrected=BiasCorrected(rng.random(12), (symmetric(rng, 6), symmetric(rng, 6))),
        condition=4200.0,
        effective_degrees_of_freedom=25.5,
    )  # fmt: skip
    stored = StoredFit.of(
        result,
        strategy="spatiotemporal",
        solver="newton",
        split=split,
        restart=restart,
        scores=[score("train", 0.95), score("test", float("nan"))],
        curves={"ridge": np.array([1e-3, 1.0])},
    )
    return replace(stored, **changed)


def assert_equal(found, expected):
    for entry in fields(StoredFit):
        left, right = getattr(found, entry.name), getattr(expected, entry.name)
        if entry.name == "factors":
            assert list(left) == list(right)
            for term in right:
                for a, b in zip(left[term], right[term], strict=True):
                    np.testing.assert_array_equal(a, b)
        elif entry.name == "bias_corrected" and right is not None:
            np.testing.assert_array_equal(left.theta, right.theta)
            np.testing.assert_equal(left.covariance, right.covariance)
        elif entry.name == "curves":
            np.testing.assert_equal(dict(left), dict(right))
        elif entry.name == "scores":
            by_subset = sorted(right, key=lambda row: row.subset)
            assert repr(list(left)) == repr(by_subset)
        else:
            np.testing.assert_equal(left, right)


@pytest.fixture
def path(tmp_path):
    target = tmp_path / "fits.h5"
    write_fits(
        target,
        IDENTITY,
        [fit(1), fit(0), fit(0, split="blocks", covariance=None, bias_corrected=None)],
    )
    return target


def test_fits_come_back_as_they_were_in_order(path):
    found = read_fits(path, IDENTITY)
    keys = [(stored.split, stored.restart) for stored in found]
    assert keys == [("blocks", 0), ("random", 0), ("random", 1)]
    assert_equal(found[2], fit(1))
    assert_equal(found[0], fit(0, split="blocks", covariance=None, bias_corrected=None))


def test_fits_of_one_split_can_be_read_alone(path):
    (found,) = read_fits(path, IDENTITY, split="blocks")
    assert_equal(found, fit(0, split="blocks", covariance=None, bias_corrected=None))
    assert read_fits(path, IDENTITY, split="absent") == []


def test_failed_fit_is_kept_with_its_reason(tmp_path):
    failed = fit(status="one_class", message="no spike", theta=np.full(12, np.nan), scores=())
    write_fits(tmp_path / "fits.h5", IDENTITY, [failed])
    (found,) = read_fits(tmp_path / "fits.h5")
    assert (found.status, found.message, found.scores) == ("one_class", "no spike", ())
    assert np.isnan(found.theta).all()


def test_durations_are_beside_the_file_so_that_its_bytes_repeat(path, tmp_path):
    other = tmp_path / "other.h5"
    slow = [fit(0, seconds=99.0), fit(1, seconds=98.0)]
    slow.append(fit(0, split="blocks", covariance=None, bias_corrected=None, seconds=97.0))
    write_fits(other, IDENTITY, slow)
    assert other.read_bytes() == path.read_bytes()
    assert [stored.seconds for stored in read_fits(other)] == [97.0, 99.0, 98.0]
    seconds_path(other).unlink()
    assert all(math.isnan(stored.seconds) for stored in read_fits(other))


def test_fits_of_another_chunk_or_run_are_refused(path):
    swapped = replace(IDENTITY, chunk="d0000-1500/t0300-0301")
    assert fits_are_current(path, IDENTITY)
    assert not fits_are_current(path, swapped)
    with pytest.raises(ArtefactError) as caught:
        read_fits(path, swapped)
    assert "t0300-0301" in str(caught.value)
    assert "t0258-0259" in str(caught.value)


def test_two_fits_with_one_name_are_refused(tmp_path):
    with pytest.raises(ValueError, match="two fits"):
        write_fits(tmp_path / "fits.h5", IDENTITY, [fit(0), fit(0)])


def test_changed_weight_is_found_before_it_is_used(path):
    with h5py.File(path, "r+") as file:
        file["fit00000/theta"][0] += 1e-9
    with pytest.raises(ArtefactError):
        read_fits(path, IDENTITY)


def test_bit_flips_never_go_unseen(path):
    image = path.read_bytes()
    expected = read_fits(path)
    rng = np.random.default_rng(0)
    # The first are two bytes from which HDF5 does not return.
    for position in (2056, 2057, *rng.integers(0, len(image), 300)):
        damaged = bytearray(image)
        damaged[position] ^= 1 << int(rng.integers(8))
        path.write_bytes(damaged)
        try:
            found = read_fits(path, IDENTITY)
        except InputError:
            continue
        for left, right in zip(found, expected, strict=True):
            assert_equal(left, right)


def test_missing_file_is_not_current(tmp_path):
    assert not fits_are_current(tmp_path / "fits.h5", IDENTITY)
