"""Benchmarks are run by hand and seldom: what they take from the product is still there."""

import ast
from importlib import import_module
from pathlib import Path

import pytest

BENCH = Path(__file__).resolve().parent.parent / "bench"
OURS = ("apps", "config", "tests")


@pytest.mark.parametrize("path", [str(path.relative_to(BENCH)) for path in sorted(BENCH.rglob("*.py"))])
def test_what_it_imports_of_the_product_exists(path: str) -> None:
    for node in ast.walk(ast.parse((BENCH / path).read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] in OURS:
            for name in node.names:
                try:
                    found = hasattr(import_module(node.module), name.name)
                    assert found or import_module(f"{node.module}.{name.name}")
                except ModuleNotFoundError as error:
                    pytest.fail(f"{path}, line {node.lineno}: {error}")
