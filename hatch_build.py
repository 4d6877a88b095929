"""Writes the packaged fixtures, the assumptions and the schemas as JSON into the wheel: a start reads no YAML."""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class BuildHook(BuildHookInterface):  # type: ignore[type-arg] # its configuration is of no interest here
    """Adds ``mock_heidi/_data/built`` to a wheel; an editable installation reads the YAML."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "editable":
            return
        sys.path.insert(0, self.root)
        from mock_heidi.fixtures import wheel_data  # noqa: PLC0415 - found by that path

        self.folder = TemporaryDirectory(prefix="mock-heidi-build-")
        for name, text in wheel_data.files().items():
            path = Path(self.folder.name, f"{name}.json")
            path.write_bytes(text)
            build_data["force_include"][str(path)] = f"mock_heidi/_data/built/{name}.json"

    def finalize(self, *_: Any) -> None:
        if hasattr(self, "folder"):
            self.folder.cleanup()
