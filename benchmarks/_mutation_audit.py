"""Checks by numbers what is said of mutants that survive: how far the values of each are from the right.

The schedules and reducers that are looked at are those of `_mutation_probes.py`. Which of them run which
statement is noted first, of jaxsched as it is. A mutant is asked for some that run its statement: their
values on the host, and where it has another program than jaxsched those that both programs give.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import pickle
import random
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any

import _mutation_probes as probes
import jax
import numpy as np
from _mutants import Mutant, put
from _mutation_import import Finder, Lines, found_first
from _mutation_ledger import FILES, ROOT, Ledger, mutants_of
from _mutation_run import fork

Part = tuple[probes.Name, str]
"""What is compared at once: of a probe its values on the host, or one of its programs."""

MOST_HOST, MOST_PROGRAMS, MOST_RUN = 400, 120, 16
"""Of how many values on the host and programs a mutant is asked, and how many programs that differ are run:
a mutant in the core changes thousands of them in the same way. Half are of the cases as they are.
"""
SECONDS = 600


def audit(path: Path, only: list[str], x64: bool) -> None:
    """Writes of each survivor how far it goes; those of which the file tells already are left out."""
    known = json.loads(path.read_text()) if path.exists() else {}
    digest = _digest_of_sources(x64)
    kept = path.with_suffix(f".{digest}")
    if not kept.exists():
        made = _in_a_fork(partial(_clean, x64), 3600)
        if made is None:
            raise SystemExit(
                "jaxsched as it is cannot be looked at: MUTATION_LOG names a file for why"
            )
        kept.write_bytes(pickle.dumps(made))
    clean, loading = pickle.loads(kept.read_bytes())
    ledger = Ledger()
    for name in only:
        tree, found = mutants_of(name)
        for mutant in found:
            if mutant.name in ledger.reasons and mutant.name not in known:
                begin = time.perf_counter()
                work = partial(_compare, tree, mutant, x64, clean, loading)
                known[mutant.name] = _in_a_fork(work, SECONDS)
                path.write_text(json.dumps(known, indent=1) + "\n")
                seconds = time.perf_counter() - begin
                print(f"{seconds:5.1f} s  {_line(mutant.name, known[mutant.name])}", flush=True)


def _digest_of_sources(x64: bool) -> str:
    files = [*ROOT.glob("jaxsched/**/*.py"), *ROOT.glob("tests/case*.py"), Path(probes.__file__)]
    parts = [repr(x64).encode(), *(path.read_bytes() for path in sorted(files))]
    return hashlib.sha256(b"".join(parts)).hexdigest()[:7]


def _line(name: str, found: dict[str, Any] | None) -> str:
    if found is None:
        return f"no answer: {name}"
    host, device = found["host"][0], found["device"][0]
    count = f"{found['other']} of {found['parts']} parts"
    return f"host {host:8.1e}  device {device:8.1f} ulp  {count:>22}  {name}"


def _in_a_fork(work: Any, seconds: float) -> Any:
    """What it gives, which must be plain, or None if it takes too long or fails."""
    with tempfile.NamedTemporaryFile() as file:

        def write() -> int:
            os.chdir(ROOT)
            sys.path[:0] = [str(ROOT), str(ROOT / "tests")]
            Path(file.name).write_bytes(pickle.dumps(work()))
            return 0

        return pickle.loads(Path(file.name).read_bytes()) if fork(write, seconds) == 0 else None


def _set(x64: bool) -> None:
    """As tests/conftest.py does."""
    jax.config.update("jax_enable_x64", x64)
    jax.config.update("jax_numpy_dtype_promotion", "strict")
    jax.config.update("jax_numpy_rank_promotion", "raise")


def _clean(x64: bool) -> tuple[dict[Part, Any], dict[str, set[int]]]:
    """Of each part what jaxsched gives and which lines it runs; and which run while it is loaded."""
    _set(x64)
    lines = Lines([ROOT / "jaxsched" / f"{name}.py" for name in FILES])
    known: dict[Part, Any] = {}
    seen = set()
    with found_first(*lines.finders):
        jaxsched, cases = probes.load()
        loading = lines.of_each_file()
        for name in probes.names(cases):
            probes.forget()
            lines.forget()
            probe = probes.Probe(jaxsched, cases, name)
            made, said = lines.of_each_file(), probe.on_host()
            ran = _union(made, lines.of_each_file())
            known[name, "host"] = said, ran
            # What differs in its number alone, and not in what it runs, has the same kind of program.
            kind = (repr(sorted((file, sorted(run)) for file, run in ran.items())), name[2])
            if name[1] and kind in seen:
                continue
            seen.add(kind)
            for part in probe.programs:
                if not name[1] or "traced" not in part:
                    probes.forget()
                    lines.forget()
                    digest = probe.digest(part)
                    known[name, part] = digest, _union(made, lines.of_each_file())
    return known, loading


def _union(a: dict[str, set[int]], b: dict[str, set[int]]) -> dict[str, set[int]]:
    return {file: a.get(file, set()) | b.get(file, set()) for file in {*a, *b}}


def _asked(mutant: Mutant, clean: dict[Part, Any], loading: dict[str, set[int]]) -> list[Part]:
    """The parts that run its statement, or all if only the loading of jaxsched runs it."""
    runs = lambda part: mutant.line in clean[part][1].get(mutant.file, ())
    loads = not mutant.function or mutant.line in loading.get(mutant.file, ())
    parts = list(filter(runs, clean)) or [part for part in clean if loads]
    random.Random(0).shuffle(parts)
    asked = []
    for most, of in (
        (MOST_HOST, lambda p: p[1] == "host"),
        (MOST_PROGRAMS, lambda p: p[1] != "host"),
    ):
        cases = [part for part in parts if of(part) and not part[0][1]]
        others = [part for part in parts if of(part) and part[0][1]]
        asked += [
            *cases[: max(most // 2, most - len(others))],
            *others[: max(most // 2, most - len(cases))],
        ]
    return asked


def _compare(
    tree: Any, mutant: Mutant, x64: bool, clean: dict[Part, Any], loading: dict[str, set[int]]
) -> dict[str, Any]:
    """How far the mutant goes, on the host relatively and on the device in ulp, and with what."""
    _set(x64)
    put(mutant.place, mutant.new)
    asked, others, host = _asked(mutant, clean, loading), [], (0.0, "")
    with found_first(Finder(mutant.file, tree, {})):
        made = _Made()
        for name, part in asked:
            probe, right = made[name], clean[name, part][0]
            if part == "host":
                given = probe.on_host()
                if repr(given) != repr(right):  # NaN is NaN there
                    others.append((name, part))
                    host = max(host, *_apart(given, right, name))
            elif part not in probe.programs or probe.digest(part) != right:
                others.append((name, part))
        programs = [(name, part) for name, part in others if part != "host"]
        programs = programs[:: len(programs) // MOST_RUN or 1][:MOST_RUN]
        given = {(name, part): made[name].values(part) for name, part in programs}
    made, device = _Made(), (0.0, "")
    for name, part in programs:
        right = made[name].values(part)
        device = max(device, *_ulps(given[name, part], right, f"{name} {part}"))
    return {"host": host, "device": device, "other": len(others), "parts": len(asked)}


class _Made(dict[probes.Name, probes.Probe]):
    """The probes of the jaxsched that is found first now, each made when it is asked for."""

    def __init__(self) -> None:
        self._from = probes.load()

    def __missing__(self, name: probes.Name) -> probes.Probe:
        self[name] = probe = probes.Probe(*self._from, name)
        return probe


def _apart(given: list[Any], right: list[Any], name: probes.Name) -> list[tuple[float, str]]:
    """How far the values on the host are from the right ones; what is no number is as far as can be."""
    found = [(0.0, "")]
    for place, (x, y) in enumerate(zip(given, right, strict=False)):
        if x != y and not (x != x and y != y):
            far = math.inf
            if isinstance(x, float) and isinstance(y, float) and math.isfinite(x - y):
                far = abs(x - y) / max(abs(x), abs(y))
            found.append((far, f"{name} {place}: {x} for {y}"))
    return found if len(given) == len(right) else [(math.inf, f"{name}: {given[0]}")]


def _ulps(given: list[Any], right: list[Any], name: str) -> list[tuple[float, str]]:
    """How far arrays are from the right ones in units in the last place; of integers each one counts."""
    if [x.shape for x in given] != [y.shape for y in right]:
        return [(math.inf, f"{name}: {len(given)} arrays for {len(right)}")]
    found = [(0.0, "")]
    for x, y in zip(given, right, strict=True):
        if y.dtype.kind == "f":  # what is less than a normal number is 0 on the device
            x, y = (
                np.where(np.abs(z) < np.finfo(z.dtype).tiny, z.dtype.type(0), z) for z in (x, y)
            )
        same = (x == y) | ((x != x) & (y != y))
        if same.all() or not x.size:
            continue
        far = np.abs(np.subtract(x, y, dtype=np.float64))
        if y.dtype.kind == "f":
            far = far / np.spacing(np.maximum(np.abs(x), np.abs(y)))
        far = np.where(same, 0.0, np.where(np.isfinite(far), far, math.inf))
        at = np.unravel_index(far.argmax(), far.shape)
        found.append((float(far[at]), f"{name} {list(map(int, at))}: {x[at]} for {y[at]}"))
    return found
