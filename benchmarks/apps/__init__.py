"""The servers that mock_heidi is measured against, each under the same server with the same options."""
