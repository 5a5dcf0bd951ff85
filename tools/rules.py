"""The house's own rules, those no linter on the market has; each is a function below.

`RULES` names them. A rule takes a file and yields the lines it finds wrong.
"""

import ast
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath

ROOT = Path(__file__).resolve().parents[1]
FILE_LINES, FUNCTION_LINES, KIT_LINES = 400, 40, 1000
PURE = {"kit.errors", "kit.fields"}
"""What a domain may use of kit: it asks nothing and changes nothing."""
NETWORKS = {"torch", "diffusers", "peft"}
LOOPS = {f"libs/kit/src/kit/{name}.py" for name in ("rpc", "inbox", "jobs")}
"""Where any exception may be caught: the loops that must outlive what they call."""
_AT_IMPORT = {
    "connect", "create_engine", "create_async_engine", "getenv", "open", "urlopen",
    "now", "utcnow", "time", "time_ns", "monotonic", "perf_counter", "cwd", "Settings",
}  # fmt: skip
_HOSTS = re.compile(
    r"pypi\.org|pythonhosted\.org|npmjs\.(org|com)|docker\.io|ghcr\.io|quay\.io|gcr\.io"
    r"|crates\.io|proxy\.golang\.org|download\.pytorch\.org"
)
_PLACES = re.compile(r"(?<![\w.~])/(wor[k]|root|home|Users|opt/wheels)/")
_LATER = re.compile(r"\b(TOD[O]|FIXM[E]|XX[X])\b")
_UNSPOKEN = ("requirements", "gen/", "samples/", "models/")

Finding = tuple[int, str]
"""A line and what is wrong with it."""


@dataclass(frozen=True)
class File:
    """One text file of the repository, as its path from the root and its text."""

    path: PurePosixPath
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        """The syntax tree of a Python file."""
        return ast.parse(self.text)

    @property
    def is_python(self) -> bool:
        """Whether it is Python somebody wrote."""
        return self.path.suffix == ".py" and self.path.parts[0] != "gen"

    @property
    def is_test(self) -> bool:
        """Whether it is part of a test."""
        return "tests" in self.path.parts or self.path.name == "conftest.py"

    @property
    def is_product(self) -> bool:
        """Whether it is Python that runs outside tests."""
        return self.is_python and not self.is_test


def is_short(file: File) -> Iterator[Finding]:
    """A file has 400 lines at most."""
    lines = file.text.count("\n")
    if file.is_python and lines > FILE_LINES:
        yield lines, f"{lines} lines, at most {FILE_LINES}"


def has_short_functions(file: File) -> Iterator[Finding]:
    """A function has 40 lines at most, its docstring not counted."""
    for node in ast.walk(file.tree) if file.is_python else ():
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or 0) - node.lineno + 1 - len(_docstring_lines(node))
            if lines > FUNCTION_LINES:
                yield node.lineno, f"{node.name} has {lines} lines, at most {FUNCTION_LINES}"


def catches_what_it_names(file: File) -> Iterator[Finding]:
    """Nothing catches every exception but the three loops of kit."""
    if not file.is_product or str(file.path) in LOOPS:
        return
    for node in ast.walk(file.tree):
        if isinstance(node, ast.ExceptHandler):
            kinds = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
            if any(kind is None or _name(kind) in {"Exception", "BaseException"} for kind in kinds):
                yield node.lineno, "catches every exception; name those you can handle"


def does_nothing_at_import(file: File) -> Iterator[Finding]:
    """Importing a module opens nothing, reads no environment and no clock."""
    if not file.is_product:
        return
    for node in _at_import(file.tree):
        if isinstance(node, ast.Attribute) and node.attr == "environ":
            yield node.lineno, "reads the environment when imported"
        if isinstance(node, ast.Call) and _name(node.func) in _AT_IMPORT and not _is_sql(node.func):
            yield node.lineno, f"calls {_name(node.func)}() when imported"


def imports_networks_in_pipelines(file: File) -> Iterator[Finding]:
    """Only code under a pipeline/ folder imports torch and its like."""
    if file.is_product and "pipeline" not in file.path.parts:
        for line, name in _imports(file.tree):
            if name.partition(".")[0] in NETWORKS:
                yield line, f"imports {name} outside pipeline/"


def has_pure_domain(file: File) -> Iterator[Finding]:
    """The domain imports the standard library, what of kit is pure, and itself."""
    parts = file.path.parts
    if not file.is_product or not ("domain" in parts or parts[-1] == "domain.py"):
        return
    own = parts[parts.index("src") + 1] + ".domain"
    for line, name in _imports(file.tree):
        is_own = name == own or name.startswith(f"{own}.")
        is_pure = name in PURE or name.partition(".")[0] in sys.stdlib_module_names
        if not (is_own or is_pure):
            yield line, f"the domain imports {name}"


def names_no_place(file: File) -> Iterator[Finding]:
    """No text names a package registry or a folder of the machine it was written on."""
    for number, line in _spoken(file):
        if found := _HOSTS.search(line) or _PLACES.search(line):
            yield number, f"names {found[0]}"


def leaves_nothing_for_later(file: File) -> Iterator[Finding]:
    """What is to be done is an issue and not a remark."""
    for number, line in _spoken(file):
        if found := _LATER.search(line):
            yield number, f"says {found[0]}; open an issue"


RULES: tuple[Callable[[File], Iterator[Finding]], ...] = (
    is_short,
    has_short_functions,
    catches_what_it_names,
    does_nothing_at_import,
    imports_networks_in_pipelines,
    has_pure_domain,
    names_no_place,
    leaves_nothing_for_later,
)


def kit_is_small(files: list[File]) -> Iterator[str]:
    """kit has 1,000 lines of code at most: no blank lines, comments and docstrings counted."""
    kit = [file for file in files if file.is_product and file.path.is_relative_to("libs/kit/src")]
    lines = sum(count_code(file) for file in kit)
    if lines > KIT_LINES:
        yield f"libs/kit: {lines} lines of code, at most {KIT_LINES}"


def packages_are_whole(files: list[File]) -> Iterator[str]:
    """Every folder of importable code has an __init__.py, or layers and types pass it by."""
    code = [file.path for file in files if file.is_product and "src" in file.path.parts]
    for folder in sorted({path.parent for path in code}):
        if folder.name != "src" and folder / "__init__.py" not in code:
            yield f"{folder}: no __init__.py"


def count_code(file: File) -> int:
    """Return how many lines of a file hold code."""
    remarks: set[int] = set()
    for node in ast.walk(file.tree):
        body = getattr(node, "body", None)
        for statement in body if isinstance(body, list) else ():
            if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
                remarks.update(range(statement.lineno, (statement.end_lineno or 0) + 1))
    lines = enumerate(file.text.splitlines(), 1)
    return sum(1 for n, line in lines if n not in remarks and not re.match(r"\s*(#|$)", line))


def check(files: list[File]) -> Iterator[str]:
    """Yield everything that breaks a rule, as path:line: what."""
    for file in files:
        for rule in RULES:
            for line, message in rule(file):
                yield f"{file.path}:{line}: {message} ({rule.__name__})"
    yield from kit_is_small(files)
    yield from packages_are_whole(files)


def read_all(root: Path = ROOT) -> list[File]:
    """Return every text file git knows or would take."""
    command = ["git", "ls-files", "-co", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=root, check=True, capture_output=True, text=True).stdout
    files = []
    for name in sorted(set(listed.split("\0")) - {""}):
        path = root / name
        data = path.read_bytes() if path.is_file() else b"\0"
        if b"\0" not in data:
            files.append(File(PurePosixPath(name), data.decode(errors="replace")))
    return files


def main() -> int:
    """Print what breaks a rule."""
    found = list(check(read_all()))
    print("".join(f"{line}\n" for line in found), end="")
    return 1 if found else 0


def _docstring_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> range:
    if ast.get_docstring(node) is None:
        return range(0)
    return range(node.body[0].lineno, (node.body[0].end_lineno or 0) + 1)


def _at_import(node: ast.AST) -> Iterator[ast.AST]:
    """Yield what runs when a module is imported: no body of a function, nothing of `__main__`."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(child, ast.If) and "__main__" in ast.unparse(child.test):
            continue
        yield child
        yield from _at_import(child)


def _imports(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield each imported module; `from kit import errors` counts as kit.errors."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            whole = [f"{module}.{alias.name}" for alias in node.names]
            yield from ((node.lineno, name) for name in (whole if module == "kit" else [module]))


def _spoken(file: File) -> Iterator[tuple[int, str]]:
    if not str(file.path).startswith(_UNSPOKEN):
        yield from enumerate(file.text.splitlines(), 1)


def _is_sql(node: ast.expr) -> bool:
    """Tell whether it is SQLAlchemy's `func.now`, which calls nothing here."""
    return isinstance(node, ast.Attribute) and _name(node.value) == "func"


def _name(node: ast.expr | None) -> str:
    """Return the last name of `a.b.c`."""
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


if __name__ == "__main__":
    sys.exit(main())
