"""The command line: what schedules there are, what one does, pictures, conversion."""

from __future__ import annotations

import argparse
import json
import math
import os
import re
import sys
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

import jaxsched
from jaxsched._config.to_config import to_config
from jaxsched._core.schedule import Schedule
from jaxsched._tools.inspect import inspect, turns
from jaxsched._tools.source import CommandError, opened, pyyaml, read
from jaxsched._tools.terminal import BLOCKS, sketch

DEFAULT_STEPS = 1000
LONGEST = 2**31 - 1
_MARKED = re.compile(r"``(.+?)``|(?::\w+:)?`~?([^`]+)`")
"""Code, and what a role such as ``:func:`` is about."""


def factories() -> dict[str, Callable[..., Any]]:
    """The public factories of schedules by name."""
    found = {name: getattr(jaxsched, name) for name in sorted(dir(jaxsched)) if name[0] != "_"}
    return {name: f for name, f in found.items() if hasattr(f, "form")}


def summary(factory: Callable[..., Any]) -> str:
    """The first sentence of a factory's documentation, without the marks that Sphinx reads."""
    words = " ".join((factory.__doc__ or "").strip().split("\n\n")[0].split())
    return _MARKED.sub(lambda match: match[1] or match[2], words)


def run_length(schedule: Schedule, steps: int | None) -> int:
    """The length asked for, or one that shows all of the schedule."""
    if steps is not None:
        return steps
    known = turns(schedule, LONGEST - 1)
    return max(known) if known and max(known) > 1 else DEFAULT_STEPS


def dump(data: Any) -> None:
    """Prints JSON; what JSON has no number for is null."""
    print(json.dumps(_finite(data), indent=2))


def _finite(data: Any) -> Any:
    if isinstance(data, dict):
        return {key: _finite(value) for key, value in data.items()}
    if isinstance(data, list):
        return [_finite(value) for value in data]
    return None if isinstance(data, float) and not math.isfinite(data) else data


def run_list(options: argparse.Namespace) -> None:
    rows = {name: summary(factory) for name, factory in factories().items()}
    if options.json:
        signatures = {name: str(factories()[name].form.signature) for name in rows}  # type: ignore[attr-defined]
        return dump([{"name": n, "summary": rows[n], "signature": signatures[n]} for n in rows])
    width = max(map(len, rows))
    for name, text in rows.items():
        print(f"{name:<{width}}  {text}")


def run_show(options: argparse.Namespace) -> None:
    schedule = read(options.schedule, options.steps)
    steps = run_length(schedule, options.steps)
    found = inspect(schedule, steps)
    at = sorted({steps * k // 10 for k in range(10)} | {steps - 1, found.peak_step})
    values = [(step, float(schedule(step))) for step in at]
    if options.json:
        return dump({**found.to_dict(), "values": [list(pair) for pair in values]})
    print(f"{found}\n")
    for step, value in values:
        print(f"{step:>12} {value:.6g}")
    print("\n" + draw(schedule, steps, options.log))


def draw(schedule: Schedule, steps: int, log: bool) -> str:
    """The terminal drawing, in ASCII where the terminal can no more."""
    try:
        BLOCKS.encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return sketch(schedule, steps, log=log, ascii_only=True)
    return sketch(schedule, steps, log=log)


def run_plot(options: argparse.Namespace) -> None:
    schedules = [read(source, options.steps) for source in options.schedules]
    steps = max(run_length(schedule, options.steps) for schedule in schedules)
    plt = _pictures()
    if len(schedules) == 1:
        axes = jaxsched.plot(schedules[0], steps, log=options.log)
    else:
        names = [s if len(s) < 65 else s[:61] + "..." for s in options.schedules]
        keys = [f"{i}: {n}" if names.count(n) > 1 else n for i, n in enumerate(names, 1)]
        axes = jaxsched.plot(dict(zip(keys, schedules, strict=True)), steps, log=options.log)
    _save(axes.figure, options.output, plt)


def run_convert(options: argparse.Namespace) -> None:
    schedule = read(options.schedule, options.steps)
    config = to_config(schedule)
    if options.json:
        return dump({"text": repr(schedule), "config": config})
    if options.yaml:
        written = pyyaml().safe_dump(config, sort_keys=False)
        return print(f"# {schedule!r}\n{written}", end="")
    print(repr(schedule), json.dumps(config, indent=2), sep="\n")


def run_gallery(options: argparse.Namespace) -> None:
    from jaxsched._tools.gallery import gallery

    plt = _pictures()
    figure, left_out = gallery(factories())
    if left_out:
        print(f"without an example that can be drawn: {', '.join(left_out)}", file=sys.stderr)
    _save(figure, options.output, plt)


def _pictures() -> Any:
    from jaxsched._tools.plot import pyplot

    plt = pyplot("jaxsched")
    plt.switch_backend("Agg")
    return plt


def _save(figure: Any, output: str, plt: Any) -> None:
    try:
        figure.savefig(output, dpi=120)
    finally:
        plt.close(figure)
    print(output)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(2, f"jaxsched: error: {' '.join(message.split())}\n")


def parser() -> argparse.ArgumentParser:
    """The commands and their options."""
    whole = _Parser(prog="jaxsched", description="Learning-rate schedules.")
    whole.add_argument("--version", action="version", version=jaxsched.__version__)
    whole.set_defaults(run=None)
    commands = whole.add_subparsers(metavar="COMMAND")
    what = (
        "a schedule as text, a .json, .yaml or .txt file, - for standard input, or a call of another "
        "library's scheduler by name: torch.StepLR(lr=0.1, step_size=30). With --steps a length may be "
        "a duration of the run: '5%%', '500 steps'"
    )

    def add(name: str, run: Callable[..., None], text: str) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=text, description=text)
        command.set_defaults(run=run)
        return command

    def length(command: argparse.ArgumentParser, text: str) -> None:
        command.add_argument("--steps", type=_steps, help=text)

    def steps_and_log(command: argparse.ArgumentParser) -> None:
        length(command, "updates in the run (to the last turn), of which '5%%' is a part")
        command.add_argument("--log", action="store_true", help="a logarithmic scale")

    def picture(command: argparse.ArgumentParser, name: str) -> None:
        text = f"the picture ({name})"
        command.add_argument("-o", "--output", type=_picture, default=name, help=text)

    command = add("list", run_list, "the schedules there are")
    command.add_argument("--json", action="store_true", help="as JSON")
    command = add("show", run_show, "what a schedule does over a run: numbers, warnings, a drawing")
    command.add_argument("schedule", help=what)
    command.add_argument("--json", action="store_true", help="as JSON")
    steps_and_log(command)
    command = add("plot", run_plot, "a picture of schedules (needs matplotlib)")
    command.add_argument("schedules", nargs="+", metavar="schedule", help=what)
    picture(command, "lr.png")
    steps_and_log(command)
    command = add("convert", run_convert, "a schedule as text and as configuration")
    command.add_argument("schedule", help=what)
    length(command, "updates in the run, for lengths such as '5%%'")
    form = command.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="both in one JSON object")
    form.add_argument("--yaml", action="store_true", help="the configuration in YAML")
    command = add("gallery", run_gallery, "a picture of every schedule (needs matplotlib)")
    picture(command, "gallery.png")
    return whole


def _steps(text: str) -> int:
    try:
        steps = int(text.replace("_", ""))
    except ValueError:
        raise argparse.ArgumentTypeError(f"not an integer: {text!r}") from None
    if not 1 <= steps <= LONGEST:
        raise argparse.ArgumentTypeError(f"must be from 1 to {LONGEST}, got {steps}")
    return steps


def _picture(path: str) -> str:
    """The path of a picture, in PNG if it does not say."""
    if not os.path.basename(path) or os.path.isdir(path):
        raise argparse.ArgumentTypeError(f"must be a file, got {path!r}")
    return path if os.path.splitext(path)[1][1:] else path.rstrip(".") + ".png"


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command and returns its exit status; what is wrong is said on one line."""
    whole = parser()
    options = whole.parse_args(arguments)
    if options.run is None:
        whole.print_help(sys.stderr)
        whole.error("a command is missing")
    try:
        opened(sys.stdout, "standard output")
        options.run(options)
        sys.stdout.flush()
    except BrokenPipeError:  # the reader has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        return 130
    except (CommandError, ValueError, TypeError, OSError, ImportError, RecursionError) as error:
        print("jaxsched: error:", " ".join(str(error).split()), file=sys.stderr)
        return 2
    return 0
