"""The table of operations: it is the only place with facts about an operation's name."""

import ast
from importlib import import_module
from inspect import isfunction
from pathlib import Path
from pkgutil import iter_modules
from types import ModuleType

from mock_heidi import api
from mock_heidi.base.operations import OPERATIONS

PACKAGE = Path(api.__file__).parent.parent
# Modules that read a field which only these operations have, and what would be asked of no other.
OWN = {
    "observing/noticing.py": {"generate_consult_note", "ask_ai", "list_linked_user_sessions"},
    "observing/filters.py": {"create_session"},
    "observing/coverage/object_states.py": {
        "link_account",
        "unlink_account",
        "get_account_access",
        "create_session",
        "link_sessions",
        "delete_patient_profiles",
        "start_recording",
        "finish_recording",
    },
    "observing/checks/sessions.py": {
        "create_session",
        "transcribe_segment",
        "finish_recording",
        "get_live_transcript",
        "start_recording",
        "answer_custom_template",
    },
}


def test_every_operation_has_a_handler_and_every_handler_an_operation() -> None:
    assert sorted(api.HANDLERS) == sorted(OPERATIONS)


def test_every_handler_is_in_its_module() -> None:
    modules = [import_module(found.name) for found in iter_modules(api.__path__, f"{api.__name__}.")]

    assert sorted(name for module in modules for name in OPERATIONS if is_own(module, name)) == sorted(OPERATIONS)


def is_own(module: ModuleType, name: str) -> bool:
    """True if the module defines a function with a name."""
    function = getattr(module, name, None)
    return isfunction(function) and function.__module__ == module.__name__


def test_every_route_is_in_the_table() -> None:
    served = {
        (method, route.path, route.name) for route in api.ROUTES for method in route.methods or () if method != "HEAD"
    }

    assert served == {(one.method, one.path, one.name) for one in OPERATIONS.values()}


def test_no_other_module_decides_by_the_name_of_an_operation() -> None:
    named = {
        str(module.relative_to(PACKAGE)): _literals(module) & set(OPERATIONS)
        for module in PACKAGE.rglob("*.py")
        # The provenance table is generated from the contract. A comparison is about the answers of single operations.
        if module.name not in ("operations.py", "provenance_table.py")
        and module.relative_to(PACKAGE).parts[0] not in ("api", "comparing")
    }

    assert {module: names for module, names in named.items() if names} == OWN


def _literals(module: Path) -> set[str]:
    tree = ast.parse(module.read_text(encoding="utf-8"))
    return {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
