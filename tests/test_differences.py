"""The README's table of deliberate differences is what both libraries answer.

`python tests/test_differences.py` prints the table; with `--write` it goes into the README.
"""

import logging
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import optax
import pytest

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
BEGIN, END = "<!-- differences:begin -->\n", "<!-- differences:end -->\n"
OPTAX = "0.2.8"  # the version whose answers the README shows

CALLS = {
    "A length of 0 is an instant transition": [
        "linear_schedule(1.0, 0.1, transition_steps=0)(5)",
        "polynomial_schedule(1.0, 0.1, power=2, transition_steps=0)(5)",
        "cosine_decay_schedule(1.0, decay_steps=0)(5)",
        "exponential_decay(1.0, transition_steps=0, decay_rate=0.5)(5)",
        "exponential_decay(1.0, transition_steps=0, decay_rate=0.5, end_value=0.1)(5)",
        "warmup_constant_schedule(0.0, 1.0, warmup_steps=0)(5)",
        "warmup_cosine_decay_schedule(0.0, 1.0, warmup_steps=10, decay_steps=10)(10)",
        "linear_onecycle_schedule(100, 1.0, pct_final=1.0)(100)",
        "cosine_onecycle_schedule(100, 1.0, pct_start=1.0)(100)",
        "linear_onecycle_schedule(0, 1.0)(5)",
        "cosine_onecycle_schedule(0, 1.0)(5)",
    ],
    "Bad input is an error": [
        "linear_schedule(1.0, 0.1, transition_steps=-10)(5)",
        "linear_schedule(1.0, 0.1, 10, transition_begin=-5)(0)",
        "exponential_decay(1.0, -10, decay_rate=0.5)(5)",
        "exponential_decay(1.0, 10, decay_rate=0.0)(5)",
        "exponential_decay(1.0, 10, decay_rate=-0.5)(5)",
        "constant_schedule(nan)(5)",
        "constant_schedule(1e39)(5)",
        "join_schedules([linear_schedule(1.0, 0.5, 9), constant_schedule(0.1)], [10, 20])(25)",
        "join_schedules([linear_schedule(1.0, 0.5, 9)] * 3, boundaries=[10])(25)",
        "join_schedules([linear_schedule(1.0, 0.5, 9)] * 3, boundaries=[20, 10])(15)",
        "piecewise_constant_schedule(1.0, {-5: 0.5})(0)",
        "linear_schedule(1.0, 0.0, 10.5)(5)",
        "grad(lambda n: linear_schedule(1.0, 0.0, n)(3))(10.0)",
        "polynomial_schedule(1.0, 0.1, -1, 10)(5)",
        "linear_onecycle_schedule(100, 1.0, pct_start=0.9)(95)",
        "exponential_decay(1.0, 10, decay_rate=1e-39)(5)",
    ],
    "A negative step is step 0": [
        "cosine_decay_schedule(1.0, 10)(-3)",
    ],
    "A peak of 0 keeps the end value": [
        "warmup_cosine_decay_schedule(0.0, 0.0, 5, 10, end_value=0.1)(10)",
    ],
    "Arrays of steps work everywhere": [
        "constant_schedule(0.1)(arange(3))",
        'piecewise_interpolate_schedule("linear", 1.0, {5: 0.1})(arange(4))',
        'piecewise_interpolate_schedule("cosine", 1.0, {5: 0.1})(arange(4))',
        "linear_onecycle_schedule(10, 1.0)(arange(4))",
    ],
    "No value leaves the interval of its endpoints": [
        "jit(linear_schedule(1.0, 0.0, 10))(10)",
        "jit(polynomial_schedule(1.0, 0.0, 1, 10))(10)",
    ],
    "No value and no gradient is NaN": [
        "jit(polynomial_schedule(0.3, 0.01, 1.7, 1003))(1003)",
        "grad(polynomial_schedule(1.0, 0.1, 0.5, 10))(11.0)",
        "grad(lambda v: exponential_decay(v, 1, 0.5, transition_begin=1000)(0))(1.0)",
        "grad(lambda v: join_schedules([constant_schedule(1.0), exponential_decay(v, 1, 0.5)], "
        "[1000])(0))(1.0)",
    ],
    "The values of a form are finite floats": [
        "jit(constant_schedule(4))(5).dtype",
        "jit(exponential_decay(1.0, 1, 2.0))(1000)",
    ],
    "Values do not yield to a lower precision": [
        "jit(cosine_decay_schedule(1.0, 10))(5).weak_type",
        "(jit(cosine_decay_schedule(1.0, 10))(5) * ones(3, bfloat16)).dtype",
    ],
}


def answer(library: Any, call: str) -> str:
    """What a library makes of a call: numbers to four digits, or the type of the error."""
    import jax
    import jax.numpy as jnp

    names = {"jit": jax.jit, "grad": jax.grad, "arange": jnp.arange, "nan": float("nan")}
    names |= {"ones": jnp.ones, "bfloat16": jnp.bfloat16}
    try:
        result = eval(call, {**vars(library), **names})
    except (TypeError, ValueError) as error:
        return type(error).__name__
    if getattr(result, "ndim", 0):
        return "[" + ", ".join(f"{float(x):.4g}" for x in result) + "]"
    if isinstance(result, (int, float, jax.Array)) and not isinstance(result, bool):
        return f"{float(result):.4g}"
    return str(result)


def table() -> str:
    """The Markdown table, from what the installed libraries answer now."""
    import jaxsched

    logging.disable()  # optax logs what it thinks of some of these lengths
    lines = [f"| difference | call | optax {optax.__version__} | jaxsched |"]
    lines.append("| --- | --- | --- | --- |")
    for difference, calls in CALLS.items():
        for number, call in enumerate(calls):
            title = "" if number else difference
            cells = (f"`{text}`" for text in (call, answer(optax, call), answer(jaxsched, call)))
            lines.append(f"| {' | '.join((title, *cells))} |")
    return "\n".join([*lines, ""])


def in_readme() -> str:
    text = README.read_text()
    assert text.count(BEGIN) == text.count(END) == 1
    return text.split(BEGIN)[1].split(END)[0]


def rows(markdown: str) -> list[tuple[str, ...]]:
    """(call, optax's answer, ours) of each row."""
    lines = [line for line in markdown.splitlines() if "| `" in line]
    return [tuple(cell.strip(" |") for cell in line.split(" | ")[1:]) for line in lines]


@pytest.fixture(scope="module")
def measured() -> str:
    """The table of a fresh process: as JAX is by default, whatever is set for this run."""
    default = {
        "JAX_ENABLE_X64": "0",
        "JAX_DEBUG_NANS": "0",
        "JAX_NUMPY_DTYPE_PROMOTION": "standard",  # optax's answer is its value, not a refusal
    }
    environment = {**os.environ, **default, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, __file__], env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout


def test_readme_shows_what_this_library_answers(measured):
    ours = [(call, ours) for call, _, ours in rows(measured)]
    assert len(ours) == sum(map(len, CALLS.values()))
    assert [(call, ours) for call, _, ours in rows(in_readme())] == ours


@pytest.mark.skipif(optax.__version__ != OPTAX, reason=f"the README shows optax {OPTAX}")
def test_readme_shows_what_optax_answers(measured):
    assert in_readme() == measured


@pytest.mark.skipif(optax.__version__ != OPTAX, reason=f"the README shows optax {OPTAX}")
def test_every_row_is_a_difference(measured):
    assert [call for call, theirs, ours in rows(measured) if theirs == ours] == []


if __name__ == "__main__":
    if sys.argv[1:] == ["--write"]:
        before, rest = README.read_text().split(BEGIN)
        README.write_text(before + BEGIN + table() + END + rest.split(END)[1])
    else:
        print(table(), end="")
