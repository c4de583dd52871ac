"""These tests need what the `ecosystem` extra installs; without it they are not collected."""

from importlib.util import find_spec

NEEDED = ("equinox", "flax", "orbax.checkpoint")


def _is_installed(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except ModuleNotFoundError:  # its parent package is missing
        return False


collect_ignore_glob = [] if all(map(_is_installed, NEEDED)) else ["*.py"]
