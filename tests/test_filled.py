"""Types that requests decode are known to msgspec before a thread asks for them: it crashed where two asked first at once."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1] / "threelines"
SERVED = ("ai_models", "people", "platforms", "store", "web")
"""What runs in the threads of a server."""

LEARNED = """
import importlib, sys, msgspec
learned = []
def watch(frame, event, argument):
    if event == "call" and frame.f_code.co_name == "get_class_annotations":
        learned.append(frame.f_locals["obj"])
named = {{getattr(importlib.import_module(module), name, None) for module, name in {names!r}}}
kinds = [kind for kind in named if isinstance(kind, type) and issubclass(kind, msgspec.Struct)]
sys.setprofile(watch)
for kind in kinds:
    msgspec.json.Decoder(kind)
sys.setprofile(None)
print(len(kinds), *sorted({{kind.__name__ for kind in learned}}))
"""


def decoded() -> list[tuple[str, str]]:
    """Return (module, name) wherever a call of `decode` says `type=name`."""
    found = set()
    for path in (path for area in SERVED for path in (ROOT / area).rglob("*.py")):
        module = ".".join(path.relative_to(ROOT.parent).with_suffix("").parts)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "decode":
                named = (word.value for word in node.keywords if word.arg == "type")
                found |= {(module, kind.id) for kind in named if isinstance(kind, ast.Name)}
    return sorted(found)


def test_every_type_that_is_decoded_by_name_is_known_at_import():
    """Nothing is left to the first request: asked for a decoder, msgspec looks at no type's fields any more."""
    ran = subprocess.run(
        [sys.executable, "-c", LEARNED.format(names=decoded())], capture_output=True, text=True, check=True
    )
    kinds, *learned = ran.stdout.split()

    assert int(kinds) >= 8
    assert learned == []
