"""All measurements side by side, in one run: python benchmarks/run.py [--only NAME] [--quick].

All but the section on a GPU is measured on the CPU, so that the tables of two machines can be compared.
"""

import argparse
import importlib
import importlib.metadata
import json
import os
import platform
import sys
import time
from pathlib import Path

HERE = Path(__file__).parent
FOLDERS = [str(HERE), str(HERE.parent)]
sys.path[:0] = [folder for folder in FOLDERS if folder not in sys.path]

import _page  # noqa: E402 (the paths are set for the script's sake)
import jax  # noqa: E402 (likewise)

PAGE = HERE / "README.md"

NAMES = (
    "host",
    "calls",
    "device",
    "programs",
    "joins",
    "sweep",
    "train",
    "plateau",
    "finder",
    "gpu",
    "imports",
)

PACKAGES = (
    "jax", "optax", "numpy", "torch", "keras", "tensorflow", "tensorflow-cpu", "transformers", "timm",
)  # fmt: skip


def machine():
    """What the numbers depend on: no name of the machine, no path."""
    cpu = platform.processor() or platform.machine()
    try:
        text = Path("/proc/cpuinfo").read_text()
        cpu = next(x.split(":")[1].strip() for x in text.splitlines() if x.startswith("model name"))
    except (OSError, StopIteration):
        pass
    versions = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    gpu = importlib.import_module("gpu").device()
    return {
        "cpu": cpu,
        "cores": os.cpu_count(),
        **({"gpu": gpu.device_kind} if gpu else {}),
        "system": platform.system(),
        **versions,
    }


def measured(name, quick):
    """The rows of one table and its section."""
    module = importlib.import_module(name)
    if name != "gpu":
        with jax.default_device(jax.devices("cpu")[0]):
            rows = module.measure(quick)
        return rows, _page.section(module, rows)
    if module.device():
        rows = module.measure(quick)
        return rows, _page.section(module, rows, _page.of_machine(machine()))
    return [], kept(module)


def kept(module):
    """The section on a GPU of another machine, if the page has one: such a section has a table."""
    section = _page.found(PAGE.read_text() if PAGE.exists() else "", module.TITLE)
    return section if section and "\n| " in section else f"## {module.TITLE}\n\n{module.WITHOUT}\n"


def write(facts, results, sections):
    """All sections of a whole run, or the one on a GPU alone."""
    if set(results) == {"gpu"}:
        title = importlib.import_module("gpu").TITLE
        PAGE.write_text(_page.replaced(PAGE.read_text(), title, sections[0]))
        return
    PAGE.write_text(_page.page(facts, sections))
    importlib.import_module("_summary").write(facts, results)


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=NAMES, action="append", help="may be given several times")
    parser.add_argument("--quick", action="store_true", help="fewer rounds: rough numbers")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the raw numbers")
    parser.add_argument(
        "--write",
        action="store_true",
        help="write it here and into README.md; with --only gpu the section on a GPU alone",
    )
    arguments = parser.parse_args(arguments)
    if arguments.write and (arguments.quick or arguments.only not in (None, ["gpu"])):
        parser.error("--write needs the whole run or --only gpu, and no --quick")
    if arguments.write and arguments.only and not importlib.import_module("gpu").device():
        parser.error("--only gpu --write: JAX found no GPU")

    importlib.import_module("_schedules").check()
    results, sections = {}, []
    for name in arguments.only or NAMES:
        begin = time.perf_counter()
        results[name], text = measured(name, arguments.quick)
        sections.append(text)
        print(f"{name}: {time.perf_counter() - begin:.0f} s", file=sys.stderr)
        print(sections[-1], flush=True)
    facts = machine()
    print(", ".join(f"{k} {v}" for k, v in facts.items()))
    if arguments.json:
        arguments.json.write_text(json.dumps({"machine": facts, **results}, indent=1) + "\n")
    if arguments.write:
        write(facts, results, sections)


if __name__ == "__main__":
    main()
