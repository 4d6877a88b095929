"""The lowest allowed versions, which ``./check --all`` tries."""

import pytest
from lowest import lowest, requirements


def test_every_dependency_has_a_lower_bound() -> None:
    lines = lowest(requirements("test", "contract"))

    assert len(lines) > 20
    assert all("==" in line for line in lines)


def test_the_highest_of_several_lower_bounds_counts() -> None:
    assert lowest(["pytest>=8", "pytest>=10.1", "pytest>=9.0.3"]) == ["pytest==10.1"]


def test_a_marker_stays_and_an_extra_goes() -> None:
    wanted = ["uvloop>=0.21; sys_platform != 'win32'", "coverage[toml]>=7.6", "starlette>=1.7,<2"]

    assert lowest(wanted) == ["uvloop==0.21; sys_platform != 'win32'", "coverage==7.6", "starlette==1.7"]


@pytest.mark.parametrize("requirement", ["pytest", "pytest>8", "pytest==8", "pytest<9", "pytest>=8,!=8.1"])
def test_a_dependency_without_a_plain_lower_bound_is_named(requirement: str) -> None:
    with pytest.raises(SystemExit, match=f"'{requirement}' needs one lower bound"):
        lowest([requirement])
