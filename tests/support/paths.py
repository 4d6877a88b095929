"""The folders and files of this checkout that tests read."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FIXTURES = ROOT / "fixtures"
OPENAPI = ROOT / "openapi.yaml"
