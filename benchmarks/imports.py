"""Importing: what `import jaxsched` adds to a program that imports JAX and Optax anyway."""

import os
import statistics
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
WITHOUT, WITH = "jax, optax", "jax, optax, jaxsched"
TIMED = "import time; t = time.perf_counter(); import {}; print(time.perf_counter() - t)"
DEAREST = 5


def _python(*arguments):
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": ""}
    command = [sys.executable, *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True)


def _seconds(modules):
    """The time a fresh process takes for the imports, its own start left out."""
    return float(_python("-c", TIMED.format(modules)).stdout)


def _own_modules():
    """Module -> its own milliseconds, of ours and of all that only we import."""
    report = _python("-X", "importtime", "-c", f"import {WITH}").stderr
    lines = [line.removeprefix("import time:").split("|") for line in report.splitlines()]
    times = [(name.rstrip()[1:], int(own)) for own, _, name in lines if own.strip().isdigit()]
    names = [name for name, _ in times]  # in the order they ended; the outermost are not indented
    return {name.strip(): own / 1e3 for name, own in times[names.index("optax") + 1 :]}


def measure(quick):
    seconds = {WITHOUT: [], WITH: []}
    for modules in seconds:
        _seconds(modules)  # writes the bytecode, warms the disk's cache
    for _ in range(5 if quick else 15):
        for modules, times in seconds.items():
            times.append(_seconds(modules))
    fastest = {modules: min(times) * 1e3 for modules, times in seconds.items()}
    medians = {modules: statistics.median(times) * 1e3 for modules, times in seconds.items()}
    reports = [_own_modules() for _ in range(1 if quick else 5)]
    modules = {name: min(report[name] for report in reports) for name in reports[0]}
    dearest = sorted(modules, key=lambda name: modules[name], reverse=True)[:DEAREST]
    own = {f"its {len(modules)} modules": sum(modules.values())}
    own |= {f"of them {name}": modules[name] for name in dearest}
    return [
        *(_row(what, fastest[what], medians[what]) for what in seconds),
        *(_row(what, ms, percent=100 * ms / fastest[WITHOUT]) for what, ms in own.items()),
    ]


def _row(what, fastest, median=None, percent=None):
    return {"import": what, "ms": fastest, "median ms": median, f"% of {WITHOUT}": percent}


def conclude(rows):
    row = next(row for row in rows if row["import"].startswith("its "))
    percent = row[f"% of {WITHOUT}"]
    yield (
        percent <= 5,
        "importing it adds at most 5 % to the import of JAX and Optax: the modules that only it imports "
        f"take {row['ms']:.0f} ms, {percent:.1f} %",
    )


TITLE = "Import: what it adds to JAX and Optax"
NOTE = (
    "Each import in a fresh process, without the start of Python, the processes taking turns; the "
    "fastest of 15 (with `--quick` of 5) and their median. From process to process they vary by more than "
    "jaxsched takes, so what it adds is not their difference but the sum over the modules that only it "
    "imports, each without what it imports in turn, by `python -X importtime`; the fastest of 5 (1)."
)
