"""The folders and files of this checkout that tests read."""

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FIXTURES = ROOT / "fixtures"
OPENAPI = ROOT / "openapi.yaml"
