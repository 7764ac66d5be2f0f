"""Change a module once it has been imported, before anybody else sees it."""

import importlib.util
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

Change = Callable[[ModuleType], None]


class _Finder(MetaPathFinder):
    """Leaves the finding to the others, and adds the changes to what the found module does."""

    def __init__(self, changes: Mapping[str, Sequence[Change]]) -> None:
        self._changes = dict(changes)

    def find_spec(
        self, name: str, path: Any, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        changes = self._changes.pop(name, None)
        if changes is None:
            return None
        spec = importlib.util.find_spec(name)  # comes here again, and goes on to the others
        if spec is None or spec.loader is None:
            return None
        run = spec.loader.exec_module

        def run_and_change(module: ModuleType) -> None:
            run(module)
            for change in changes:
                change(module)

        spec.loader.exec_module = run_and_change  # type: ignore[method-assign]
        return spec


def change_after_import(changes: Mapping[str, Sequence[Change]]) -> None:
    """Run ``changes`` on each named module as soon as it is imported.

    Raises RuntimeError for one that has been imported already: others hold what was in it.
    """
    late = sorted(name for name in changes if name in sys.modules)
    if late:
        raise RuntimeError(f"imported before it could be changed: {', '.join(late)}")
    sys.meta_path.insert(0, _Finder(changes))
