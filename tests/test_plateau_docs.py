"""Every Python block of docs/plateau.md runs by itself; one that needs a framework, where that is."""

import re
from importlib.util import find_spec
from pathlib import Path

import jax
import pytest

PAGE = Path(__file__).parent.parent / "docs" / "plateau.md"
BLOCKS = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
FRAMEWORKS = ("flax", "equinox", "orbax")


def needs(block):
    return [
        name for name in FRAMEWORKS if re.search(rf"^(import|from) {name}\b", block, re.MULTILINE)
    ]


RUNNABLE = [block for block in BLOCKS if all(map(find_spec, needs(block)))]


@pytest.mark.parametrize("block", RUNNABLE, ids=range(len(RUNNABLE)))
def test_block(block):
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        exec(compile(block, str(PAGE), "exec"), {"__name__": "docs"})


def test_there_are_blocks_for_plain_jax_and_for_each_framework():
    assert sum(not needs(block) for block in BLOCKS) >= 4
    assert {name for block in BLOCKS for name in needs(block)} == set(FRAMEWORKS)
    assert all("assert" in block for block in BLOCKS)
