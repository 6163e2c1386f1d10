"""The report: one page, needs nothing beside it, runs nothing that a label says."""

import base64
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from synreduce.plotting import FIGURES
from synreduce.plotting.report import write_report
from synreduce.result import FailedChunk, write_merged

HOSTILE = "<script>alert(1)</script>"


class Page(HTMLParser):
    """Collects tags, attributes and text."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.links, self.words = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.links += [value for name, value in attrs if name in ("src", "href")]

    def handle_data(self, data):
        self.words.append(data)


@pytest.fixture(scope="module")
def page(make_content, tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    content = make_content(n_windows=2)
    provenance = replace(
        content.provenance,
        configuration=f"run: {HOSTILE}\nseed: 1\n",
        failures=[FailedChunk("a/b", "random", "failed", f"{HOSTILE}\x1b[31m")],
        missing_chunks=["d0750-1500/t0270-0280"],
    )
    write_merged(folder / "merged.h5", replace(content, provenance=provenance, title=HOSTILE))
    write_report(folder / "merged.h5", folder / "report.html")
    return (folder / "report.html").read_text(encoding="utf-8")


def test_page_needs_nothing_beside_it(page):
    found = Page(page)
    assert found.tags.count("img") == len(FIGURES)
    assert all(link.startswith("data:image/png;base64,") for link in found.links)
    assert not {"script", "link", "iframe"} & set(found.tags)
    for image in re.findall(r"base64,([^\"]+)", page):
        assert base64.b64decode(image, validate=True).startswith(b"\x89PNG")


def test_text_from_files_is_shown_not_run(page):
    assert "<script" not in page
    assert "\x1b" not in page
    assert page.count("&lt;script&gt;") == 4


def test_page_says_what_failed_and_what_it_was_made_from(page):
    words = " ".join(Page(page).words)
    for expected in ("not complete", "d0750-1500/t0270-0280", "f" * 64, "c" * 64, "seed: 1"):
        assert expected in words
    assert "one_class" in words


def test_scores_are_those_of_the_file(page, make_content):
    variables = make_content(n_windows=2).variables
    merged_test = variables["auroc"][1, 0, 1].mean()
    assert f">{merged_test:.4f}<" in page
