"""How far every schedule is from the exact value, here and in the peers: python benchmarks/exactness.py.

With `--write` the report goes into docs/exactness.md. Exact is the reference of the test registry, in
mpmath with 50 digits; the unit is the one in the last place of the exact value.
"""

import argparse
import importlib.metadata
import importlib.util
import math
import os
import sys
import textwrap
import warnings
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent
FOLDERS = [str(path) for path in (HERE, ROOT, ROOT / "tests")]
sys.path[:0] = [folder for folder in FOLDERS if folder not in sys.path]

NEEDED = ("mpmath", "pytest", "keras", "tensorflow", "torch")
if __name__ == "__main__":
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        sys.exit(f"exactness.py needs {', '.join(missing)}: pip install -e '.[test,peers]'")

import jax  # noqa: E402 (the paths are set for the script's sake)
import jax.numpy as jnp  # noqa: E402 (likewise)
import mpmath as mp  # noqa: E402 (likewise)
import numpy as np  # noqa: E402 (likewise)
from _exactness_peers import (  # noqa: E402 (likewise)
    ARITHMETIC,
    BENCHMARKED,
    BY_JOIN,
    FEASIBLE,
    REGISTRY,
    STAIRS,
    Row,
)
from test_laws import steps_of, ulps  # noqa: E402 (likewise)

PAGE = ROOT / "docs" / "exactness.md"
LEEWAY = 2.0
"""How far, in ulp, a number of ours may be from the page's on another machine or version."""


@dataclass(frozen=True)
class Errors:
    """Of one schedule in one library, in units in the last place.

    Attributes:
      largest: NaN where the library gives no number at some step.
      median: no number counts as infinitely far; NaN where half of them are none.
    """

    largest: float
    median: float


def errors(case, steps, values, dtype):
    """Of values that must be those of the case's curve, were they not rounded."""
    references = [case.reference(mp.mpf(int(t))) for t in steps]
    peak = max(map(abs, references))
    early = range(min(20, len(steps)))
    if any(abs(mp.mpf(float(values[i])) - references[i]) > peak / 1000 for i in early):
        raise ValueError(f"another curve than {case.make()!r}")
    distances = ulps(values, references, dtype)
    none = np.isnan(distances)
    median = np.median(np.where(none, np.inf, distances))
    return Errors(
        float(distances.max()), math.nan if np.isinf(median) and any(none) else float(median)
    )


def compiled(function, steps):
    """What a compiled program gives at each of the steps, in float32."""
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        values = jax.jit(jax.vmap(function))(jnp.asarray(steps, jnp.int32))
    return np.asarray(values, np.float32)


def steps_for(row: Row):
    steps = steps_of(row.case)
    return steps[steps <= row.until]


def measure_ours(row):
    """Our errors on the device in float32 and on the host in float64."""
    schedule, steps = row.case.make(), steps_for(row)
    return (
        errors(row.case, steps, compiled(schedule, steps), np.float32),
        errors(row.case, steps, [schedule(int(t)) for t in steps], np.float64),
    )


def optax_values(row, steps):
    """None where optax has none of the curve."""
    function = row.optax and row.optax()
    return function and compiled(lambda t: jnp.asarray(function(t), jnp.float32), steps)


def measure_optax(row):
    steps = steps_for(row)
    values = optax_values(row, steps)
    return None if values is None else errors(row.case, steps, values, np.float32)


def keras_values(row, steps):
    """As Keras's optimizers call it: with an int64, one step at a time; None where it has none."""
    if not (row.keras or row.tensorflow):
        return None
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    import tensorflow as tf
    from keras.optimizers import schedules

    schedule = row.keras(schedules) if row.keras else row.tensorflow(tf.compat.v1.train)
    return [float(schedule(tf.constant(int(t), tf.int64))) for t in steps]


def measure_keras(row):
    steps = steps_for(row)
    values = keras_values(row, steps)
    return None if values is None else errors(row.case, steps, values, np.float32)


def torch_rates(rate, last, make):
    """The rates of a run up to its last step."""
    import torch

    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=rate, momentum=0.9)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's chains call its own deprecated step(epoch)
        scheduler, rates = make(torch.optim.lr_scheduler, optimizer), []
        optimizer.step()
        for _ in range(last):
            rates.append(optimizer.param_groups[0]["lr"])
            scheduler.step()
    return [*rates, optimizer.param_groups[0]["lr"]]


def measure_torch(row):
    """In float64, in which torch computes its rates, at the steps that can be reached."""
    if row.torch is None:
        return None
    rates = torch_rates(*row.torch)
    steps = [int(t) for t in steps_for(row) if t < len(rates)]
    return errors(row.case, steps, [rates[t] for t in steps], np.float64)


def measure(rows):
    """name -> the errors: ours on the device and on the host, optax's, Keras's, torch's."""
    found = {}
    for number, (name, row) in enumerate(rows.items()):
        device, host = measure_ours(row)
        found[name] = {
            "jaxsched": device,
            "optax": measure_optax(row),
            "Keras": measure_keras(row),
            "host": host,
            "torch": measure_torch(row),
        }
        if number % 8 == 7:  # the compiled programs of all cases would take gigabytes
            jax.clear_caches()
    return found


def wrong_stairs(name, libraries=("jaxsched", "optax", "Keras"), count=1000):
    """Of late steps at random the percentage at which the value is nearer to a neighbouring stair's."""
    row, every = REGISTRY[name], STAIRS[name]
    steps = np.random.default_rng(1).integers(2**30, 2**31 - every, count)
    before, here, after = (
        [row.case.reference(mp.mpf(int(t))) for t in steps + move] for move in (-every, 0, every)
    )
    values = {
        "jaxsched": compiled(row.case.make(), steps),
        "optax": optax_values(row, steps) if "optax" in libraries else None,
        "Keras": keras_values(row, steps) if "Keras" in libraries else None,
    }

    def share(found):
        stairs = zip(found, before, here, after, strict=True)
        wrong = (
            abs(mp.mpf(float(v)) - b) > min(abs(a - b), abs(c - b)) / 2 for v, a, b, c in stairs
        )
        return 100 * sum(wrong) / count

    return {name: None if found is None else share(found) for name, found in values.items()}


TITLES = {
    "jaxsched": "jaxsched",
    "optax": "optax",
    "Keras": "Keras",
    "host": "jaxsched, host",
    "torch": "torch",
}


def shown(x):
    if x is None or math.isnan(x):
        return "-" if x is None else "NaN"
    return "not 0" if math.isinf(x) else f"{x:.2f}" if x < 1000 else f"{x:.1e}"


def markdown(lines):
    rule = ["---", *["---:"] * (len(lines[0]) - 1)]
    return "\n".join("| " + " | ".join(line) + " |" for line in [lines[0], rule, *lines[1:]])


def table(rows):
    lines = [["schedule", *(x for title in TITLES.values() for x in (f"{title}: max", "median"))]]
    for name, row in rows.items():
        found = [row[column] for column in TITLES]
        pairs = [("-", "-") if e is None else (shown(e.largest), shown(e.median)) for e in found]
        lines.append([name, *(x for pair in pairs for x in pair)])
    return markdown(lines)


def stairs_table(stairs):
    heads = ["schedule", "steps of a stair", "jaxsched %", "optax %", "Keras %"]
    lines = [heads]
    for name, found in stairs.items():
        shares = ["-" if share is None else f"{share:.1f}" for share in found.values()]
        lines.append([name, str(STAIRS[name]), *shares])
    return markdown(lines)


def conclusion(rows, benchmarked, stairs):
    """Some sentences, made of the numbers of the tables."""
    known = [*rows.items(), *benchmarked.items()]

    def of(column):
        return [row[column] for _, row in known if row[column] is not None]

    def highest(column, what="largest"):
        return math.ceil(max(getattr(e, what) for e in of(column)))

    def farthest(column):
        return max(known, key=lambda pair: pair[1][column].largest)[0]

    def far(column):
        count = sum(not e.largest <= 1000 for e in of(column))  # so that NaN counts
        return f"{count} of {len(of(column))}"

    def near(column):
        return f"{sum(round(e.median, 2) <= 1 for e in of(column))} of {len(of(column))}"

    wrong = {
        library: max(found[library] or 0.0 for found in stairs.values())
        for library in ("jaxsched", "optax", "Keras")
    }
    return (
        f"On the device every schedule of jaxsched, with the hyperparameters of the tables below, stays "
        f"within {highest('jaxsched')} units in the last place of float32, with a median of at most "
        f"{highest('jaxsched', 'median')} (farthest: `{farthest('jaxsched')}`), and on the host within "
        f"{highest('host')} units of float64 (`{farthest('host')}`), at small, huge and boundary steps "
        f"alike. "
        f"The median of a peer is at most 1 unit in {near('optax')} rows of the tables that optax has, in "
        f"{near('Keras')} of Keras (float32), and in {near('torch')} of torch (float64); but somewhere it "
        f"is more than 1000 units off in {far('optax')} rows of the tables that optax has, in "
        f"{far('Keras')} of Keras, and in {far('torch')} of torch; a row is a schedule or a variant "
        f"of one. "
        f"Of late steps {wrong['jaxsched']:.0f} % are on a wrong stair here, and up to "
        f"{wrong['optax']:.0f} % in optax and {wrong['Keras']:.0f} % in Keras."
    )


def tables():
    """What is in them, and what is not."""

    def named(names):
        return ", ".join(f"`{name}`" for name in names)

    return (
        "Two tables. The first has the schedules and operators of the registry in all their variants, with "
        "hyperparameters that are hard; a peer is in it where it has just this curve by a name of its own. "
        "The second has what the host benchmark compares "
        "([benchmarks/README.md](../benchmarks/README.md)) with one of the peers shown, with its numbers "
        "and built as there: by a name of the peer's own, or by the shortest join of its schedules "
        "(`join_schedules`, `SequentialLR`). Of the operators it has those that a join of optax's makes: "
        f"{named(BY_JOIN)}. Those beside which that benchmark has arithmetic on an optax schedule's value "
        f"or step, as its users write it, are left out: {named(ARITHMETIC)}; of ours the first table has "
        'the exactness. "-" stands where a peer has no such curve, or only by such arithmetic.'
    )


def page(rows, benchmarked, stairs):
    packages = ("jax", "optax", "keras", "tensorflow-cpu", "torch", "mpmath")
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in packages)
    return f"""# Exactness

{textwrap.fill(conclusion(rows, benchmarked, stairs), 108)}

Written by `python benchmarks/exactness.py --write` (extras `test` and `peers`) on a CPU with {versions}.
On another machine or version a number of jaxsched may differ by up to {LEEWAY:g}; the tests measure again.

## How it is measured

The exact values are those of the test registry (`tests/cases.py`): the textbook formula in mpmath, with
50 digits. The unit is the one in the last place of the exact value: what is rounded correctly is at most
half of it off.
The steps are 0 to 19, nine around each boundary, 150 at random up to the last boundary, 50 at random below
2³¹, and the last four below it. What follows a slash in a name is the variant, as in the registry.

{textwrap.fill(tables(), 108)}

- **jaxsched**, **optax**: compiled by `jax.jit`, float32, all the steps.
- **Keras**: called with an int64 as its optimizers do, TensorFlow as backend, float32, all the steps. What
  Keras no longer has is TensorFlow's (`tf.compat.v1.train`).
- **jaxsched, host**: a Python number as the step, so float64, and units of float64; all the steps.
- **torch**: its schedulers compute in float64 as well, from step to step, so the units are those of float64
  and the steps those that a run reaches: up to {FEASIBLE}, or to the end of torch's curve.

"not 0" stands where the exact rate is 0 and the peer's is not, or the other way round; "NaN" where the
peer's is no number at some step, which for the median counts as infinitely far.

Other hyperparameters move the bounds: where a value is near 0 because of a high power or a steep shape,
the half unit that the progress is rounded by is multiplied by the power or the slope. A polynomial of
power 4.7 is up to 18 units off near its end, a cosine to the power of 10 up to 29, `shapes.tanh(-20,
20)` and `shapes.exponential(1e-20)` about 45. On the host a decay of hundreds of e-foldings is off by a
tenth of a unit for each, as any `math.exp` of a rounded product. A schedule that is an **argument** of
the compiled program has hyperparameters in float32, of which each rounds by half a unit before anything
is computed: `exponential_decay(0.3, 1, 0.9999)` has then lost 75,000 units at step 500,000, for that is
how much the 500,000th power of the nearest float32 differs. Under `jax_enable_x64` the device computes
in float64, with XLA's functions: up to about 100 units of float64.

## Every schedule

{table(rows)}

## As in the host benchmark

`cosine_decay_restarts` to the end of the seven cycles of which optax's is joined, the growing
`exponential_decay` as long as its factor is a float32. torch's exponential decays have a factor per step,
whose rounding counts; its warmups begin at 1e-307 of the peak, for it refuses 0.

{table(benchmarked)}

## Stairs

A thousand steps at random from 2³⁰ to 2³¹: how many give a value that is nearer to a neighbouring stair's,
because the stairs were counted wrongly or their factor was rounded.

{stairs_table(stairs)}
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--write", action="store_true", help="write docs/exactness.md")
    write = parser.parse_args().write
    stairs = {name: wrong_stairs(name) for name in STAIRS}
    text = page(measure(REGISTRY), measure(BENCHMARKED), stairs)
    if write:
        PAGE.write_text(text)
    else:
        print(text, end="")


if __name__ == "__main__":
    main()
