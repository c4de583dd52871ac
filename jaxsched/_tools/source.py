"""What the command is given, a text, a file or standard input, as a schedule."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any, TextIO

from jaxsched._config.build import NEEDS_HORIZON
from jaxsched._config.from_config import from_config
from jaxsched._config.horizon import Horizon
from jaxsched._config.parse import parse
from jaxsched._core.schedule import Schedule
from jaxsched._tools.peer_call import (
    is_peer_call,
    is_peer_config,
    missing_prefix,
    read_peer_call,
    read_peer_config,
)

SUFFIXES = (".json", ".yaml", ".yml", ".txt")


class CommandError(Exception):
    """What is wrong with a command, in one sentence."""


def opened(stream: TextIO | None, name: str) -> TextIO:
    """The stream, which Python leaves out where the shell has closed it."""
    if stream is None:
        raise CommandError(f"{name} is closed")
    return stream


def read(source: str, steps: int | None = None) -> Schedule:
    """The schedule of a text, of a file that holds a text or a configuration, or of standard input (-).

    The text may be a call of a peer's scheduler, the configuration one that Keras wrote. What
    ``convert`` prints is read in each of its forms.

    Args:
      source: what the command was given.
      steps: the length of the run, which durations such as ``"5%"`` are resolved with.
    """
    horizon = None if steps is None else Horizon(steps=steps)
    try:
        return _read(source, horizon)
    except (CommandError, ValueError) as error:
        words = str(error)  # what the command has in the place of Python's argument
        if horizon is not None or NEEDS_HORIZON not in words:
            raise
        raise CommandError(words.replace(NEEDS_HORIZON, "a duration needs --steps")) from None


def _read(source: str, horizon: Horizon | None) -> Schedule:
    if source == "-":
        return _read_text(opened(sys.stdin, "standard input").read(), "standard input", horizon)
    path = Path(source)
    if path.suffix.lower() in SUFFIXES or ("(" not in source and os.path.isfile(source)):
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            raise CommandError(f"{source}: not a text in UTF-8") from None
        except OSError as error:
            raise CommandError(f"{source}: {error.strerror}") from None
        return _read_text(text, source, horizon, path.suffix.lower())
    return _parsed(source, horizon)


def _read_text(text: str, name: str, horizon: Horizon | None, suffix: str = "") -> Schedule:
    text = text.removeprefix("\ufeff")  # the byte order mark of some editors
    try:
        first, brace, rest = text.partition("\n{")
        # A text and its configuration: inside of one call no brace follows a parenthesis.
        if brace and first.rstrip().endswith(")") and first.lstrip()[0] != "#":
            _parsed(first, horizon)
            return _configured(json.loads("{" + rest), horizon)
        if suffix in (".yaml", ".yml"):
            return _configured(pyyaml().safe_load(text), horizon)
        if suffix == ".json" or text.lstrip().startswith("{"):
            return _configured(json.loads(text), horizon)
        data = _yaml_mapping(text)
        return _parsed(text, horizon) if data is None else _configured(data, horizon)
    except json.JSONDecodeError as error:
        raise CommandError(f"{name}: not JSON: {error}") from None
    except (ValueError, TypeError) as error:
        raise CommandError(f"{name}: {error}") from None
    except Exception as error:
        if type(error).__module__.partition(".")[0] != "yaml":
            raise
        raise CommandError(f"{name}: not YAML: {error}") from None


def _parsed(text: str, horizon: Horizon | None) -> Schedule:
    if is_peer_call(text):
        return read_peer_call(text)
    try:
        return parse(text, horizon=horizon)
    except ValueError as error:
        if "unknown name" in str(error) and (hint := missing_prefix(text)):
            raise ValueError(hint) from None
        raise


def _configured(data: Any, horizon: Horizon | None) -> Schedule:
    if isinstance(data, dict) and data.keys() == {"text", "config"}:  # convert --json
        data = data["config"]
    return read_peer_config(data) if is_peer_config(data) else from_config(data, horizon=horizon)


def _yaml_mapping(text: str) -> Any:
    """The mapping that a text is in YAML; None if it is none, as a call, or without PyYAML."""
    try:
        yaml = pyyaml()
    except CommandError:
        return None
    try:
        data = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError):
        return None
    named = isinstance(data, dict) and all(str(key).isidentifier() for key in data)
    return data if named else None  # "linear_schedule(1: 0" is a mapping in YAML, too


def pyyaml() -> Any:
    """PyYAML, or a message that says what is missing."""
    try:
        import yaml
    except ImportError:
        raise CommandError("YAML needs PyYAML: pip install pyyaml") from None
    return yaml
