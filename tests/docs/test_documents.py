"""Documents say what is true: links resolve, commands parse, configurations validate."""

import ast
import re
import shlex
import tomllib
from pathlib import Path

import pytest
import yaml

from synreduce.cli.main import build_parser
from synreduce.configuration import configuration_from_mapping

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted(
    [
        *ROOT.glob("*.md"),
        *(ROOT / "docs").rglob("*.md"),
        *(ROOT / "config").glob("*.md"),
        *(ROOT / "slurm").glob("*.md"),
        *(ROOT / "benchmarks").rglob("*.md"),
    ]
)
KEPT_CLEAN = sorted(
    [
        *PAGES,
        *(ROOT / "config").rglob("*.yaml"),
        *(ROOT / "envs").iterdir(),
        *(ROOT / "requirements").iterdir(),
        *(ROOT / name for name in ("Makefile", "pyproject.toml", "Snakefile", "CITATION.cff")),
    ]
)
MINIMUM = {
    "run": "fragment",
    "databases": ["database.h5"],
    "chunks": {"temporal": [{"start_ms": 260, "stop_ms": 261}]},
}
CONDA_NAMES = {
    "dask": "dask-core",
    "matplotlib": "matplotlib-base",
    "snakemake": "snakemake-minimal",
}
# Written in pieces, so that this file does not hold what it looks for.
FORBIDDEN = ("/" + "work/", "--extra-" + "index-url", "--find-" + "links", "file:" + "//")
INDEX_OPTION = re.compile("--" + r"index-url[ =]\S+")


def name_of(path):
    return str(path.relative_to(ROOT))


def blocks(page, *languages):
    text = page.read_text(encoding="utf-8")
    found = re.findall(r"^ *```(\w*)\n(.*?)^ *```$", text, re.MULTILINE | re.DOTALL)
    return [block for language, block in found if language in languages]


def without_code(page):
    return re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)


def anchors(page):
    for heading in re.findall(r"^#+ (.*)$", without_code(page), re.MULTILINE):
        plain = re.sub(r"[^\w\- ]", "", heading.lower())
        yield plain.strip().replace(" ", "-")


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_relative_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)\s]+)\)", without_code(page)):
        if re.match(r"[a-z]+:", target):
            continue
        file, _, anchor = target.partition("#")
        found = (page.parent / file).resolve() if file else page
        assert found.exists(), f"{name_of(page)} links to {target}"
        if anchor:
            assert anchor in set(anchors(found)), f"{name_of(page)} links to {target}"


def commands(page):
    for block in blocks(page, "sh", "bash"):
        for line in block.replace("\\\n", " ").splitlines():
            words = shlex.split(line.split(" | ")[0], comments=True)
            if words[:1] == ["synreduce"]:
                yield [word for word in words[1:] if word != "..."]


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_commands_are_understood_by_the_program(page):
    parser = build_parser()
    for words in commands(page):
        try:
            parsed = parser.parse_args(words)
        except SystemExit:
            pytest.fail(f"{name_of(page)}: synreduce {shlex.join(words)}")
        assert parsed.command == words[0]


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_named_files_of_the_repository_exist(page):
    for block in blocks(page, "sh", "bash"):
        for path in re.findall(r"(?<![\w/.])(?:config|docs|envs|src|tests|slurm)/[\w./-]+", block):
            assert (ROOT / path).exists(), f"{name_of(page)} names {path}"


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_configurations_are_accepted(page):
    for block in blocks(page, "yaml"):
        content = yaml.safe_load(block)
        if "executor" not in content:  # a Snakemake profile, not a configuration
            configuration_from_mapping(MINIMUM | content)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_python_is_python(page):
    for block in blocks(page, "python"):
        ast.parse(block)


def test_the_tutorial_shows_the_configuration_that_runs():
    shown = yaml.safe_load(blocks(ROOT / "docs/tutorials/first-result.md", "yaml")[0])
    runs = yaml.safe_load((ROOT / "config/examples/example.yaml").read_text(encoding="utf-8"))
    assert shown == runs


def test_the_readme_begins_with_the_two_commands():
    first = blocks(ROOT / "README.md", "sh", "bash")[0]
    assert [line.split("#")[0].strip() for line in first.splitlines()] == [
        "make example",
        "make test",
    ]
    targets = re.findall(
        r"^([\w-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert {"example", "test"} <= set(targets)


def test_every_page_is_in_the_index():
    index = (ROOT / "docs/README.md").read_text(encoding="utf-8")
    for page in (ROOT / "docs").rglob("*.md"):
        path = str(page.relative_to(ROOT / "docs"))
        assert path == "README.md" or f"({path})" in index, path


def test_figures_are_small_and_used():
    text = "".join(page.read_text(encoding="utf-8") for page in PAGES)
    for figure in (ROOT / "docs/figures").iterdir():
        assert figure.stat().st_size < 300_000, figure.name
        assert figure.name in text, f"no page shows {figure.name}"


@pytest.mark.parametrize("path", KEPT_CLEAN, ids=name_of)
def test_nothing_of_one_machine_is_named(path):
    text = path.read_text(encoding="utf-8")
    for words in FORBIDDEN:
        assert words not in text
    assert not INDEX_OPTION.search(text)


def project():
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def requirements():
    pairs = (item.split(">=") for item in project()["dependencies"])
    return {name: ".".join(version.split(".")[:2]) for name, version in pairs}


def pins(path):
    text = (ROOT / path).read_text(encoding="utf-8")
    return dict(re.findall(r"^([\w.-]+)==([\w.]+)", text, re.MULTILINE))


def test_the_conda_environment_agrees_with_the_package():
    listed = yaml.safe_load((ROOT / "envs/synreduce.yaml").read_text(encoding="utf-8"))
    pinned = dict(item.split("=")[:2] for item in listed["dependencies"] if "=" in item)
    assert project()["requires-python"] == f">={pinned.pop('python')}"
    assert pinned == {CONDA_NAMES.get(name, name): v for name, v in requirements().items()}


def test_the_lock_file_agrees_with_the_conda_environment():
    locked = pins("requirements/lock.txt")
    for name, minor in requirements().items():
        assert ".".join(locked[name].split(".")[:2]) == minor, name


def test_benchmarks_run_the_package_with_the_versions_it_is_tested_with():
    tested, measured = pins("requirements/lock.txt"), pins("requirements/benchmarks.txt")
    shared = tested.keys() & measured.keys()
    assert {"numpy", "scipy", "scikit-learn"} <= shared
    assert {name: measured[name] for name in shared} == {name: tested[name] for name in shared}
    assert {"nemos", "glum"} <= measured.keys() - tested.keys()


def test_citation_and_changelog_know_the_version():
    version = project()["version"]
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["version"] == version
    assert citation["license"] == project()["license"]
    assert f"## [{version}]" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
