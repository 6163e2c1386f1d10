"""Figures show the numbers of the file, say what is missing, and repeat byte for byte."""

import subprocess
import sys
from dataclasses import replace

import matplotlib as mpl
import numpy as np
import pytest

from synreduce.errors import DataError, InputError
from synreduce.plotting import FIGURES, plot_result
from synreduce.plotting.curves import filter_curves
from synreduce.plotting.filters import draw_filters
from synreduce.plotting.kernels import draw_kernels
from synreduce.plotting.response import draw_response
from synreduce.plotting.scores import draw_scores
from synreduce.plotting.searches import draw_searches
from synreduce.plotting.style import group_colours, house_style, render
from synreduce.result import open_result, write_merged


@pytest.fixture(scope="module")
def single(make_content, tmp_path_factory):
    path = tmp_path_factory.mktemp("single") / "merged.h5"
    write_merged(path, make_content(n_windows=1, n_spatial=1, fail=False))
    return path


@pytest.fixture(scope="module")
def grid(make_content, tmp_path_factory):
    path = tmp_path_factory.mktemp("grid") / "merged.h5"
    write_merged(path, make_content(n_windows=5, n_spatial=3))
    return path


@pytest.fixture
def dataset(single):
    with open_result(single) as result:
        yield result.dataset


@pytest.fixture
def grid_dataset(grid):
    with open_result(grid) as result:
        yield result.dataset


def lines(axes):
    return {line.get_label(): line.get_xydata() for line in axes.lines}


def test_one_figure_of_each_name_and_the_settings_of_the_user_stay(single, tmp_path):
    before = dict(mpl.rcParams)
    written = plot_result(single, tmp_path / "figures")
    assert dict(mpl.rcParams) == before
    assert [path.name for path in written] == [f"{name}.png" for name in FIGURES]
    assert sorted((tmp_path / "figures").iterdir()) == sorted(written)
    assert all(path.stat().st_size > 10_000 for path in written)


@pytest.mark.parametrize("kind", ["png", "pdf", "svg"])
def test_same_result_gives_the_same_bytes(dataset, kind):
    with house_style():
        first, second = (render(draw_response(dataset), kind) for _ in range(2))
    assert first == second
    assert first[:4] in (b"\x89PNG", b"%PDF", b"<?xm")


def test_unknown_format_is_refused_before_anything_is_drawn(single, tmp_path):
    with pytest.raises(InputError, match="did you mean 'png'"):
        plot_result(single, tmp_path / "figures", formats=("pngg",))
    assert not (tmp_path / "figures").exists()


def test_no_result_no_figures(tmp_path):
    with pytest.raises(DataError):
        plot_result(tmp_path / "none.h5", tmp_path)


def test_names_of_figures_are_known_without_loading_matplotlib():
    program = "import sys; from synreduce.plotting import FIGURES; assert FIGURES;"
    program += "assert 'matplotlib' not in sys.modules and 'xarray' not in sys.modules"
    subprocess.run([sys.executable, "-c", program], check=True)


def test_filters_are_those_of_the_file(dataset):
    space, time = draw_filters(dataset).axes
    cell = dataset.isel(split=0, temporal=0, spatial=0)
    shown = lines(space)
    for group in ("EXC", "INH"):
        expected = cell["spatial_filter"].sel(group=group).to_numpy()
        np.testing.assert_array_equal(shown[group][:, 1], expected)
        np.testing.assert_array_equal(shown[group][:, 0], dataset["soma_distance"])
        in_time = cell["temporal_filter"].sel(group=group).to_numpy()
        assert any(np.array_equal(line.get_ydata(), in_time) for line in time.lines)
    assert space.get_xlabel() == "soma distance (µm)"
    assert "(ms)" in time.get_xlabel()


def test_truth_is_drawn_in_forward_time(dataset):
    rising = np.linspace(0, 1, 80)
    truth = {"temporal_filter_EXC": rising, "spatial_filter_EXC": np.ones(30)}
    space, time = draw_filters(dataset, truth).axes
    assert "truth" in lines(space)
    dashed = [line for line in time.lines if line.get_linestyle() == "--"]
    x, y = dashed[0].get_data()
    assert y[x == 0.0] == 1.0
    assert y[x == -79.0] == 0.0


def test_filters_of_several_spatial_chunks_come_from_the_merged_kernel(grid_dataset):
    curves = filter_curves(grid_dataset, 0, 0)
    assert np.nanmax(np.abs(curves.spatial), axis=1).tolist() == [1.0, 1.0]
    assert np.abs(curves.temporal).max() == 1.0
    kernel = grid_dataset["kernel"].isel(split=1, temporal=0, group=0).to_numpy()
    rebuilt = np.repeat(curves.temporal[1], 10, axis=0) * curves.spatial[1][:, None]
    np.testing.assert_allclose(rebuilt, kernel / np.abs(kernel).max(), atol=1e-12)
    inhibiting = filter_curves(grid_dataset, 0, 1)
    assert inhibiting.temporal.min() == -1.0
    assert (inhibiting.spatial > 0).all()


def test_kernels_of_all_windows_share_one_scale_with_the_consensus(grid_dataset):
    axes = [panel for panel in draw_kernels(grid_dataset).axes if panel.get_title()]
    titles = [panel.get_title() for panel in axes]
    assert titles == ["t0250-0260", "t0270-0280", "t0290-0300", "consensus", "heterogeneity I²"]
    limits = {panel.collections[-1].get_clim() for panel in axes[:4]}
    assert len(limits) == 1
    shown = np.asarray(axes[0].collections[-1].get_array())
    cell = grid_dataset.isel(split=0, temporal=0, group=0)
    expected = cell["kernel"].to_numpy()[:, ::-1] * float(cell["log_odds_slope"])
    np.testing.assert_allclose(shown, expected)


def test_failed_chunks_are_hatched_in_the_map_of_scores(grid_dataset):
    axes = draw_scores(grid_dataset).axes[0]
    image = np.asarray(axes.images[0].get_array())
    scores = grid_dataset["auroc"].sel(level="chunk", subset="test").to_numpy()
    np.testing.assert_allclose(image[0, 0], scores[:, 0, 0].mean())
    hatched = [patch for patch in axes.patches if patch.get_hatch()]
    assert [patch.get_xy() for patch in hatched] == [(3.5, 1.5)]


def test_scores_of_one_window_are_points_per_split(dataset):
    axes = draw_scores(dataset).axes[0]
    shown = sorted(y for line in axes.lines for y in line.get_ydata())
    scores = dataset["auroc"].sel(subset=["train", "test"]).to_numpy()
    np.testing.assert_allclose(shown, np.sort(scores.ravel()))


def test_response_shows_knots_and_leaves_out_infinite_penalties(dataset):
    curve, penalty, calibration = draw_response(dataset).axes
    shown = lines(curve)["t0250-0260"]
    cell = dataset.isel(split=0, temporal=0)
    np.testing.assert_array_equal(shown[:, 1], cell["nonlinearity"])
    assert all(np.isnan(line.get_ydata()[:2]).all() for line in penalty.lines)
    assert "no spike possible" in penalty.texts[0].get_text()
    assert calibration.get_xscale() == "log"


def test_traces_fall_to_their_final_value_and_restarts_are_points(dataset, make_content, tmp_path):
    trace, restarts = draw_searches(dataset).axes
    for line in trace.lines:
        np.testing.assert_allclose(line.get_xdata(), [1, 2, 3])
        np.testing.assert_allclose(line.get_ydata(), [0.125, 0.025, 0.005])
    shown = np.concatenate([line.get_ydata() for line in restarts.lines])
    np.testing.assert_array_equal(np.sort(shown), np.sort(dataset["restart_cosine"], axis=None))
    once = np.ones_like(dataset["n_restarts"])
    content = make_content(n_windows=1, n_spatial=1, fail=False, n_restarts=once)
    write_merged(tmp_path / "merged.h5", content)
    with open_result(tmp_path / "merged.h5") as result:
        assert "started once" in draw_searches(result.dataset).axes[1].texts[0].get_text()


def test_result_without_weights_is_drawn_as_such(make_content, tmp_path):
    content = make_content(n_windows=2, fail=False)
    empty = {
        name: np.full(values.shape, np.nan) if values.dtype.kind == "f" else values
        for name, values in content.variables.items()
        if "filter" in name or "kernel" in name or name in ("auroc", "nonlinearity_wni")
    }
    empty["status"] = np.full(content.variables["status"].shape, 4)
    empty["isi_penalty"] = np.zeros(content.variables["isi_penalty"].shape)
    variables = {**content.variables, **empty}
    write_merged(tmp_path / "m.h5", replace(content, variables=variables))
    with open_result(tmp_path / "m.h5") as result, house_style():
        for draw in (draw_filters, draw_kernels, draw_scores, draw_response):
            assert render(draw(result.dataset), "svg")


def test_groups_of_any_number_get_warm_and_cool_colours():
    colours = group_colours([1, -1, 1, -1, -1])
    assert len(set(colours)) == 5
    assert colours[0] == group_colours([1])[0]
    with house_style():
        for colour, excites in zip(colours, (True, False, True, False, False), strict=True):
            red, _, blue = mpl.colors.to_rgb(colour)
            assert (red > blue) == excites
