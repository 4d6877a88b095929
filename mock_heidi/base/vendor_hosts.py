"""The host names of the real service, which the certificates of https are for."""

# The host for testing, then those of the regions.
VENDOR_HOSTS = (
    "registrar.api.heidihealth.com",
    "au.api.heidihealth.com",
    "us.api.heidihealth.com",
    "ca.api.heidihealth.com",
    "eu.api.heidihealth.com",
    "uk.api.heidihealth.com",
)
