"""Adds to the wheel what is not a file of the package.

The pages of ``docs``; and the packaged fixtures, the assumptions and the schemas as JSON: a start reads no YAML.
"""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class BuildHook(BuildHookInterface):  # type: ignore[type-arg] # its configuration is of no interest here
    """Adds ``mock_heidi/_data/built`` and ``mock_heidi/_data/docs``; an editable installation reads the checkout."""

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
        for page in Path(self.root, "docs").glob("*.md"):
            build_data["force_include"][str(page)] = f"mock_heidi/_data/docs/{page.name}"

    def finalize(self, *_: Any) -> None:
        if hasattr(self, "folder"):
            self.folder.cleanup()
