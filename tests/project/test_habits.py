"""The files for contributors: hooks, workflows, templates, citation and security policy."""

from __future__ import annotations

import configparser
import os
import re
import shlex
import subprocess
import sys
import tomllib

import pytest
import yaml
from packaging.requirements import Requirement
from support.paths import ROOT

import sectorsdf

pytestmark = pytest.mark.newest

FILES = [
    ROOT / ".pre-commit-config.yaml",
    ROOT / "CITATION.cff",
    *sorted(ROOT.glob(".github/**/*.yml")),
]
FORMS = [ROOT / f".github/ISSUE_TEMPLATE/{name}.yml" for name in ("bug_report", "feature_request")]
# Tools that have another name than the distribution that installs them.
DISTRIBUTIONS = {"lint-imports": "import-linter"}


def load(path):
    return yaml.safe_load(path.read_text())


@pytest.fixture(scope="module")
def config():
    parser = configparser.ConfigParser()
    parser.read(ROOT / "setup.cfg")
    return parser


@pytest.fixture(scope="module")
def recipes():
    """The lines of each target of the Makefile."""
    text = (ROOT / "Makefile").read_text()
    found = re.findall(r"^([\w-]+):.*\n((?:\t.*\n)*)", text, re.MULTILINE)
    return {target: lines.replace("\t", "").splitlines() for target, lines in found}


@pytest.fixture(scope="module")
def hooks():
    repositories = load(FILES[0])["repos"]
    assert [repository["repo"] for repository in repositories] == ["local"]
    return repositories[0]["hooks"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_the_file_is_valid_yaml(path):
    assert isinstance(load(path), dict)
    assert not re.search(r"[ \t]$|\t", path.read_text(), re.MULTILINE)


@pytest.fixture(scope="module")
def project():
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


def test_each_hook_runs_a_tool_of_the_lint_group(hooks, project):
    names = {Requirement(line).name for line in project["dependency-groups"]["lint"]}
    assert "pre-commit" in names
    for hook in hooks:
        folder, _, tool = shlex.split(hook["entry"])[0].rpartition("/")
        assert (hook["language"], folder) == ("system", ".venv-lint/bin")
        assert DISTRIBUTIONS.get(tool, tool) in names


def test_the_hooks_run_what_make_lint_runs(hooks, recipes):
    def commands(lines):
        """Return the tools and their subcommands, without options and paths."""
        words = [shlex.split(line) for line in lines]
        return [[word for word in line if word[0] not in "-" and word != "."] for line in words]

    assert commands(hook["entry"] for hook in hooks) == commands(recipes["lint"])


def test_hooks_for_files_match_python_files_only(hooks):
    for hook in hooks:
        if hook.get("pass_filenames", True):
            assert set(hook["types_or"]) == {"python", "pyi"}
        else:
            assert re.search(hook["files"], "sectorsdf/__init__.pyi")
            assert re.search(hook["files"], "pyproject.toml")
            assert not re.search(hook["files"], "docs/sectorsdf/page.py")


def test_every_target_is_phony_or_a_file(recipes):
    text = (ROOT / "Makefile").read_text()
    phony = re.search(r"^\.PHONY: (.*)$", text, re.MULTILINE).group(1).split()
    assert sorted(phony) == sorted(recipes)
    environments = set(re.findall(r"^(\.venv-[\w-]+)/ready:", text, re.MULTILINE))
    assert environments <= set(" ".join(recipes["clean"]).split())


def test_no_extra_is_for_developers(config, project):
    groups = project["dependency-groups"]
    assert not groups.keys() & config["options.extras_require"].keys()


def test_the_workflow_runs_the_checks_on_every_supported_python(config, project):
    workflow = load(ROOT / ".github/workflows/tests.yml")
    (job,) = workflow["jobs"].values()
    assert job["steps"][-1]["run"] == "bash .ci/run"
    assert os.access(ROOT / ".ci/run", os.X_OK)
    supported = re.findall(r"Python :: (3\.\d+)$", config["metadata"]["classifiers"], re.MULTILINE)
    assert job["strategy"]["matrix"]["python-version"] == supported
    assert project["project"]["requires-python"] == f">={supported[0]}"


def test_the_workflow_builds_and_checks_the_distributions(recipes):
    (job,) = load(ROOT / ".github/workflows/distributions.yml")["jobs"].values()
    assert [step["run"] for step in job["steps"] if "run" in step] == ["make distributions"]
    recipe = "\n".join(recipes["distributions"])
    for command in ("-m build", "twine check --strict dist/*", "-m venv", "install", "import *"):
        assert command in recipe


@pytest.mark.parametrize("path", sorted(ROOT.glob(".github/workflows/*.yml")), ids=lambda p: p.name)
def test_a_workflow_has_few_rights_and_an_end(path):
    workflow = load(path)
    assert workflow["permissions"] == {"contents": "read"}
    triggers = workflow[True].keys()  # YAML reads the key `on` as true
    assert {"push", "pull_request"} <= triggers or {"schedule"} <= triggers
    for job in workflow["jobs"].values():
        assert job["timeout-minutes"] <= 90
        for step in job["steps"]:
            assert "uses" not in step or re.fullmatch(r"actions/[\w-]+@v\d+", step["uses"])


@pytest.mark.parametrize("path", FORMS, ids=lambda path: path.stem)
def test_an_issue_form_has_the_parts_that_github_requires(path):
    form = load(path)
    assert {"name", "description", "body"} <= form.keys()
    fields = [part for part in form["body"] if part["type"] != "markdown"]
    assert len({part["id"] for part in fields}) == len(fields)
    for part in form["body"]:
        assert part["type"] in {"markdown", "textarea", "input", "dropdown", "checkboxes"}
        assert part["attributes"].get("label" if part in fields else "value")


def test_the_bug_report_asks_for_what_is_needed_and_never_for_the_key():
    form = load(FORMS[0])
    fields = {part["id"]: part for part in form["body"] if "id" in part}
    assert {"problem", "code", "output", "provenance", "versions"} <= fields.keys()
    assert 'frame.attrs["sectorsdf"]' in fields["provenance"]["attributes"]["description"]
    assert "Never post your API key" in form["body"][0]["attributes"]["value"]
    asked = [part["attributes"]["label"] for part in fields.values()]
    assert not [label for label in asked if "key" in label.lower()]


def test_the_command_of_the_bug_report_prints_the_versions():
    (versions,) = (part for part in load(FORMS[0])["body"] if part.get("id") == "versions")
    command = re.search(r"`(python -c .*)`", versions["attributes"]["description"]).group(1)
    _, *arguments = shlex.split(command)
    done = subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, check=True, timeout=60
    )
    assert f" {sectorsdf.__version__} " in done.stdout


def test_the_citation_names_this_version(config, project):
    citation = load(ROOT / "CITATION.cff")
    assert citation["cff-version"] == "1.2.0"
    assert citation["version"] == sectorsdf.__version__
    assert citation["license"] == project["project"]["license"]
    assert citation["authors"] == [{"name": config["metadata"]["author"]}]


def test_only_the_providers_address_is_named(config):
    """No address of a repository is invented."""
    texts = [path.read_text() for path in (*FILES, ROOT / "SECURITY.md")]
    texts.append(config["metadata"]["project_urls"])
    addresses = {address for text in texts for address in re.findall(r"https?://[^\s>)]+", text)}
    assert addresses == {"https://sectors.app", "https://pre-commit.com"}


def test_the_security_policy_says_how_to_report_and_how_the_key_is_protected():
    headings = re.findall(r"^## (.*)$", (ROOT / "SECURITY.md").read_text(), re.MULTILINE)
    assert {"Report a vulnerability", "How the key is protected", "Limits"} <= set(headings)
