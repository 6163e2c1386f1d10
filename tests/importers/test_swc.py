"""Path lengths along a morphology."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synreduce.errors import DataError
from synreduce.importers.swc import APICAL, BASAL, SOMA, read_swc

# soma; an apical dendrite written first; a basal one that branches; an axon in between
TREE = """# id,type,x,y,z,r,parent
1 1 0 0 0 5 -1
2 4 0 6 0 1 1
3 4 0 16 0 1 2
4 2 -6 0 0 1 1
5 2 -60 0 0 1 4
6 3 6 0 0 1 1
7 3 9 4 0 1 6
8 3 9 14 0 1 7
9 3 12 0 0 1 7
10 3 15 0 0 1 9
"""


def _write(folder, text=TREE):
    path = folder / "cell.swc"
    path.write_text(text)
    return path


def test_sections_are_numbered_soma_basal_apical(tmp_path):
    tree = read_swc(_write(tmp_path))
    assert tree.types.tolist() == [SOMA, BASAL, BASAL, BASAL, APICAL]
    assert tree.soma_radius_um == 5.0
    assert tree.has_axon


def test_lengths_by_hand(tmp_path):
    tree = read_swc(_write(tmp_path))
    # 6-7 is 3, 4, 0: length 5. Its children are 10 and 5 + 3 long. The way from the soma to the
    # first point of a dendrite counts nothing.
    assert tree.starts_um.tolist() == [0, 0, 5, 5, 0]
    assert tree.lengths_um.tolist() == [0, 5, 10, 8, 10]
    sections = np.array([0, 1, 1, 2, 3, 4])
    positions = np.array([0.5, 0.0, 1.0, 0.5, 1.0, 0.25])
    assert tree.path_distance(sections, positions).tolist() == [0, 0, 5, 10, 13, 2.5]


@given(st.data())
@settings(max_examples=30, deadline=None)
def test_end_of_a_section_is_as_far_as_the_walk_to_its_last_point(tmp_path_factory, data):
    n_points = data.draw(st.integers(2, 25))
    parents = [0] + [data.draw(st.integers(0, number - 1)) for number in range(1, n_points)]
    coordinate = st.integers(-50, 50)
    places = np.array([[data.draw(coordinate) for _ in range(3)] for _ in range(n_points)], float)
    lines = ["1 1 0 0 0 5 -1"]
    lines += [
        f"{number + 1} 3 {places[number][0]} {places[number][1]} {places[number][2]} 1 "
        f"{parents[number] + 1}"
        for number in range(1, n_points)
    ]
    tree = read_swc(_write(tmp_path_factory.mktemp("swc"), "\n".join(lines)))

    def walk(point):
        if parents[point] == 0:
            return 0.0
        return walk(parents[point]) + np.linalg.norm(places[point] - places[parents[point]])

    n_children = np.bincount(parents[1:], minlength=n_points)
    ends = sorted(walk(point) for point in range(1, n_points) if n_children[point] != 1)
    found = tree.path_distance(np.arange(1, tree.n_sections), np.ones(tree.n_sections - 1))
    np.testing.assert_allclose(np.sort(found), ends, atol=1e-9)


def test_a_section_that_does_not_exist_is_refused(tmp_path):
    tree = read_swc(_write(tmp_path))
    with pytest.raises(IndexError, match="0 to 4"):
        tree.path_distance(np.array([5]), np.array([0.5]))


def test_soma_written_as_three_points_has_the_radius_of_its_centre(tmp_path):
    text = "1 1 0 0 0 7 -1\n2 1 0 -7 0 7 1\n3 1 0 7 0 7 1\n4 3 8 0 0 1 1\n5 3 9 0 0 1 4\n"
    assert read_swc(_write(tmp_path, text)).soma_radius_um == 7.0


def test_soma_written_as_an_outline_needs_a_given_radius(tmp_path):
    text = "1 1 0 0 0 1 -1\n2 1 0 1 0 1 1\n3 3 8 0 0 1 1\n"
    with pytest.raises(DataError, match="outline of 2 points"):
        read_swc(_write(tmp_path, text))
    assert read_swc(_write(tmp_path, text), soma_radius_um=6.5).soma_radius_um == 6.5


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no points"),
        ("1 1 0 0 0 5\n", "6 fields, expected 7"),
        ("1 1 0 0 zero 5 -1\n", "cell.swc:1: not a number"),
        ("1 1 0 0 nan 5 -1\n", "not finite"),
        ("1 1 0 0 0 5 -1\n1 3 0 0 0 1 1\n", "point 1 appears twice"),
        ("1 1 0 0 0 5 -1\n2 3 0 0 0 1 7\n", "parent 7 is not in the file"),
        ("1 3 0 0 0 5 -1\n", "no soma"),
        ("1 1 0 0 0 0 -1\n", "soma radius 0"),
        ("1 1 0 0 0 5 -1\n2 3 0 0 0 1 3\n3 3 0 0 0 1 2\n", "loop"),
    ],
)
def test_what_is_not_a_morphology_is_refused(tmp_path, text, message):
    with pytest.raises(DataError, match=message):
        read_swc(_write(tmp_path, text))


def test_a_missing_or_binary_file_is_refused(tmp_path):
    with pytest.raises(DataError, match="not found"):
        read_swc(tmp_path / "absent.swc")
    (tmp_path / "binary.swc").write_bytes(b"\x89HDF\xff\xfe")
    with pytest.raises(DataError, match="not text"):
        read_swc(tmp_path / "binary.swc")


@pytest.mark.parametrize(
    ("name", "radius"),
    [
        ("Scnn1a_473845048_m", 5.4428),
        ("Rorb_325404214_m", 6.2366),
        ("Nr5a1_471087815_m", 6.4406),
    ],
)
def test_published_morphologies(shared_data, name, radius):
    folder = shared_data / "sonata" / "allen_9_cells" / "morphologies"
    tree = read_swc(folder / f"{name}.swc")
    assert tree.soma_radius_um == radius
    assert tree.has_axon
    assert (tree.lengths_um[1:] > 0).all()
