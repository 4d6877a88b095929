"""The speed of mock_heidi, beside other servers and beside the limit of its own stack."""
