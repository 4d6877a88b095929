"""The dashboard: a page, its styles and its scripts. They only call the control API, like any other client."""
