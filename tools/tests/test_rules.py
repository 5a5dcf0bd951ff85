"""Each rule fires on what it forbids and lets its neighbour pass."""

import subprocess
from pathlib import Path, PurePosixPath

import layers
import pytest
import rules

SOURCE = "services/identity/src/identity"


def found(path: str, text: str) -> list[str]:
    """Which rules a file breaks."""
    file = rules.File(PurePosixPath(path), text)
    return [rule.__name__ for rule in rules.RULES for _ in rule(file)]


BROKEN = {
    "is_short": (f"{SOURCE}/long.py", "x = 1\n" * 401),
    "has_short_functions": (f"{SOURCE}/long.py", "def f():\n" + "    x = 1\n" * 40),
    "catches_what_it_names": (
        f"{SOURCE}/app.py",
        "def f():\n    try:\n        g()\n    except (KeyError, Exception):\n        pass\n",
    ),
    "does_nothing_at_import": (f"{SOURCE}/app.py", "import os\nURL = os.environ['URL']\n"),
    "imports_networks_in_pipelines": (f"{SOURCE}/app.py", "def f():\n    import torch.nn\n"),
    "has_pure_domain": (f"{SOURCE}/domain/parties.py", "from kit import ids\n"),
    "names_no_place": ("README.md", "see " + "/".join(["", "home", "somebody", "notes"])),
    "leaves_nothing_for_later": ("proto/a.proto", "// TO" + "DO: units\n"),
}
KEPT = {
    "is_short": (f"{SOURCE}/long.py", "x = 1\n" * 400),
    "has_short_functions": (
        f"{SOURCE}/long.py",
        'def f():\n    """Do.\n' + "\n" * 30 + '    """\n' + "    x = 1\n" * 39,
    ),
    "catches_what_it_names": (
        "libs/kit/src/kit/jobs.py",
        "def f():\n    try:\n        g()\n    except Exception:\n        pass\n",
    ),
    "does_nothing_at_import": (
        f"{SOURCE}/app.py",
        "import os\n\ndef f():\n    return os.environ['URL']\n\n"
        "if __name__ == '__main__':\n    print(os.environ['URL'])\n",
    ),
    "imports_networks_in_pipelines": ("libs/imaging/src/imaging/pipeline/a.py", "import torch\n"),
    "has_pure_domain": (
        f"{SOURCE}/domain/parties.py",
        "import datetime\nfrom kit import errors\nfrom identity.domain.fields import x\n",
    ),
    "names_no_place": ("README.md", "an emptyDir on /tmp, a URL s3://bucket/home/x, ~/home/x\n"),
    "leaves_nothing_for_later": ("README.md", "to do, Todorov\n"),
}


def test_every_rule_is_tried() -> None:
    names = {rule.__name__ for rule in rules.RULES}
    assert set(BROKEN) == names == set(KEPT)


@pytest.mark.parametrize("rule", BROKEN)
def test_a_rule_fires_on_what_it_forbids(rule: str) -> None:
    assert found(*BROKEN[rule]) == [rule]


@pytest.mark.parametrize("rule", KEPT)
def test_a_rule_lets_its_neighbour_pass(rule: str) -> None:
    assert found(*KEPT[rule]) == []


@pytest.mark.parametrize(
    "statement",
    ["NOW = datetime.now()", "class A:\n    url = os.getenv('URL')", "DB = psycopg.connect('')"],
)
def test_clocks_and_connections_at_import_are_found(statement: str) -> None:
    assert found(f"{SOURCE}/app.py", f"{statement}\n") == ["does_nothing_at_import"]


def test_a_default_of_the_database_is_no_clock_of_ours() -> None:
    assert found(f"{SOURCE}/store/t.py", "COLUMN = Column(server_default=func.now())\n") == []


@pytest.mark.parametrize("name", ["sqlalchemy", "kit.db", "identity.store", "identity.domains"])
def test_the_domain_imports_nothing_that_does_anything(name: str) -> None:
    assert found(f"{SOURCE}/domain/parties.py", f"import {name}\n") == ["has_pure_domain"]


def test_tests_may_import_networks_and_catch_everything() -> None:
    text = "import torch\n\ntry:\n    f()\nexcept Exception:\n    pass\n"
    assert found("services/training/tests/test_adapter.py", text) == []


def test_kit_counts_code_and_not_what_is_said_of_it() -> None:
    text = '"""Say\n\nmuch."""\n\nx = 1  # why\n# more\n\n\ndef f():\n    """Do."""\n    return 2\n'
    file = rules.File(PurePosixPath("libs/kit/src/kit/a.py"), text)
    assert rules.count_code(file) == 3
    large = rules.File(PurePosixPath("libs/kit/src/kit/b.py"), "x = 1\n" * 998)
    assert list(rules.kit_is_small([file, large])) == ["libs/kit: 1001 lines of code, at most 1000"]


def test_code_in_a_folder_without_init_is_found() -> None:
    file = rules.File(PurePosixPath(f"{SOURCE}/rpc/a.py"), "x = 1\n")
    assert list(rules.packages_are_whole([file])) == [f"{SOURCE}/rpc: no __init__.py"]


def a_house(root: Path, files: dict[str, str]) -> Path:
    """Write two services and a library that import what `files` says."""
    empty = ["libs/kit/src/kit/__init__.py", "libs/kit/src/kit/db.py"]
    for name in ("identity", "training"):
        parts = ("__init__", "app", "service", "store", "domain")
        empty += [f"services/{name}/src/{name}/{part}.py" for part in parts]
    for path, text in (dict.fromkeys(empty, "") | files).items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    return root


def broken_contracts(root: Path) -> str:
    """What import-linter says of a house, in a process of its own: it caches what it imported."""
    layers.write(root / "contracts.ini", root)
    paths = ":".join(str(path) for path in root.glob("*/*/src"))
    done = subprocess.run(
        ["lint-imports", "--config", "contracts.ini", "--no-cache", "--no-logo"],
        cwd=root,
        env={"PYTHONPATH": paths, "PATH": str(layers.BIN)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Contracts:" in done.stdout, done.stdout + done.stderr
    return "\n".join(line for line in done.stdout.splitlines() if line.endswith("BROKEN"))


@pytest.mark.parametrize(
    ("file", "text", "contract"),
    [
        ("services/identity/src/identity/store.py", "import identity.service", "one way down"),
        ("services/identity/src/identity/domain.py", "import identity.store", "one way down"),
        ("services/identity/src/identity/service.py", "import identity.app", "one way down"),
        ("services/identity/src/identity/app.py", "import training", "never import each other"),
        ("libs/kit/src/kit/db.py", "import identity", "libraries import no service"),
        ("services/identity/src/identity/domain.py", "import torch", "no networks"),
        ("services/training/src/training/app.py", "import torch", "answering needs no networks"),
    ],
)
def test_an_import_against_the_layers_is_found(
    tmp_path: Path, file: str, text: str, contract: str
) -> None:
    assert broken_contracts(a_house(tmp_path / "kept", {})) == ""
    assert contract in broken_contracts(a_house(tmp_path / "broken", {file: f"{text}\n"}))
