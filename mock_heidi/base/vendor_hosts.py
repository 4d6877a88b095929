"""The hosts of the real service, by region. They have the same paths; each region has its own API keys."""

from __future__ import annotations

from collections.abc import Mapping

HOSTS: Mapping[str, str] = {
    "testing": "registrar.api.heidihealth.com",
    "au": "au.api.heidihealth.com",
    "us": "us.api.heidihealth.com",
    "ca": "ca.api.heidihealth.com",
    "eu": "eu.api.heidihealth.com",
    "uk": "uk.api.heidihealth.com",
}
REGIONS: Mapping[str, str] = {host: region for region, host in HOSTS.items()}
"""The same by host."""
