"""Imports flow one way, the lines do not know each other, two levels at most."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

from threelines.cli.main import _EXTRAS

ROOT = Path(__file__).parents[1] / "threelines"
BELOW = {
    "records": set(),
    "text": {"records"},
    "vocabulary": {"records", "text"},
    "signals": {"records", "text", "vocabulary"},
    "assess": {"records", "text", "vocabulary", "signals"},
    "store": {"records", "roles"},
    "roles": {"records"},
    "link": {"records", "text", "vocabulary"},
    "engine": {"records", "text", "vocabulary", "signals", "assess", "link"},
    "__main__": {"cli"},
    "pages": set(),
    "agreement": set(),
    "exports": {"records", "vocabulary", "pages"},
}
CORE = {"records", "text", "vocabulary", "signals", "assess", "engine", "link", "store", "roles", "pages", "agreement"}
BELOW |= dict.fromkeys(("ai_models", "platforms", "people"), CORE)
BELOW["web"] = CORE | {"ai_models", "platforms", "people", "exports"}
BELOW["cli"] = BELOW["web"] | {"web"}


def area(path: Path) -> str:
    """Return the folder or module below `threelines` that a file belongs to."""
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def imports(path: Path) -> set[str]:
    """Return the areas of `threelines` that a file imports, wherever in the file."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            full = (
                [f"{node.module}.{alias.name}" for alias in node.names]
                if node.module == "threelines"
                else [node.module]
            )
            names |= set(full)
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
    return {name.split(".")[1] for name in names if name.startswith("threelines.")}


def test_imports_flow_one_way():
    """Every module imports only what stands below it; no line of defence imports another."""
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in sorted(ROOT.rglob("*.py"))
        if path.name != "__init__.py" or path.parent != ROOT
        for name in sorted(imports(path) - {area(path), "__version__"} - BELOW.get(area(path), set()))
    ]

    assert wrong == []


def test_two_levels_at_most():
    """A module is at most two folders below the package."""
    deep = [str(path) for path in ROOT.rglob("*.py") if len(path.relative_to(ROOT).parts) > 3]

    assert deep == []


def test_only_the_command_line_reads_the_environment():
    """`os.environ` and `os.getenv` occur in `cli/` only."""
    readers = [
        str(path.relative_to(ROOT))
        for path in ROOT.rglob("*.py")
        if area(path) != "cli" and any(word in path.read_text(encoding="utf-8") for word in ("os.environ", "os.getenv"))
    ]

    assert readers == []


def test_no_role_suffix_class():
    """Classes are named for what they are in the field."""
    suffixes = (
        "Manager",
        "Factory",
        "Provider",
        "Service",
        "Helper",
        "Utils",
        "Util",
        "Handler",
        "Orchestrator",
        "Strategy",
    )
    named = [
        f"{path.name}: {node.name}"
        for path in ROOT.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ClassDef) and node.name.endswith(suffixes)
    ]

    assert named == []


def test_every_module_of_an_extra_names_its_extra():
    """Whoever lacks one is told what to install: no module that the core does not bring is without that line."""
    project = tomllib.loads((ROOT.parent / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    core = {re.split(r"[\[<>=; ]", need)[0].lower() for need in project["dependencies"]}
    brings = {
        name: {dist.lower().replace("_", "-") for dist in dists} for name, dists in packages_distributions().items()
    }
    used = {
        name.split(".")[0]
        for path in ROOT.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        for name in ([node.module] if isinstance(node, ast.ImportFrom) and node.module else [])
        + ([alias.name for alias in node.names] if isinstance(node, ast.Import) else [])
    }
    foreign = {
        name for name in used - set(sys.stdlib_module_names) - {"threelines"} if not brings.get(name, set()) & core
    }

    assert sorted(foreign - set(_EXTRAS)) == []
    assert set(_EXTRAS.values()) <= set(project["optional-dependencies"])
