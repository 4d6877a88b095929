"""The files of the dashboard as the server sends them."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from clients import Client
from helpers import another
from paths import ROOT

from mock_heidi import dashboard

FOLDER = Path(dashboard.__file__).parent
FILES = sorted(path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("*.*") if path.suffix in (".js", ".css"))
SHARED_STYLES = {f"styles/{name}.css" for name in ("base", "layout", "parts", "list", "forms", "values")}
TSC = shutil.which("tsc") or shutil.which("tsc", path=str(ROOT / "tests/contract/tools/node_modules/.bin"))


@pytest.mark.parametrize("path", ["/_mock/", "/_mock/docs", *[f"/_mock/ui/{name}" for name in FILES]])
def test_each_file_forbids_the_browser_everything_from_elsewhere(heidi: Client, path: str) -> None:
    answer = heidi.get(path, signed=False)

    policy = dict(part.strip().split(" ", 1) for part in answer.headers["content-security-policy"].split(";"))
    assert answer.status_code == 200
    assert policy["default-src"] == "'none'"
    assert set(policy.values()) <= {"'none'", "'self'"}
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_a_browser_that_has_a_file_does_not_get_it_again(heidi: Client) -> None:
    first = heidi.get("/_mock/ui/parts/app.js")
    again = heidi.get("/_mock/ui/parts/app.js", headers={"If-None-Match": first.headers["etag"]})

    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize("name", ["parts/nothing.js", "parts/..%2f..%2fcontrol%2fcontrol.py", "..%2fbase/settings.py"])
def test_only_files_of_the_dashboard_are_served(heidi: Client, name: str) -> None:
    assert heidi.get(f"/_mock/ui/{name}").status_code == 404


def test_the_address_of_the_page_ends_with_a_slash(heidi: Client) -> None:
    answer = heidi.get("/ns/blue/_mock", follow_redirects=False)

    assert (answer.status_code, answer.headers["location"]) == (307, "/ns/blue/_mock/")
    assert heidi.app.registry.get("blue") is None


def test_an_odd_path_to_the_page_leads_to_no_other_host(heidi: Client) -> None:
    answer = heidi.get("http://localhost//_mock", follow_redirects=False)

    assert (answer.status_code, answer.headers["location"]) == (307, "/_mock/")


def test_the_page_opens_without_the_admin_token_but_no_data_does() -> None:
    with another(admin_token="let-me-in") as heidi:
        statuses = {
            path: heidi.get(path).status_code for path in ["/_mock/", "/_mock/ui/parts/app.js", "/_mock/health"]
        }

    assert statuses == {"/_mock/": 200, "/_mock/ui/parts/app.js": 200, "/_mock/health": 403}


@pytest.mark.parametrize("name", FILES)
def test_no_file_makes_elements_from_text_or_names_another_host(name: str) -> None:
    text = (FOLDER / name).read_text(encoding="utf-8")

    assert re.findall(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function", text) == []
    assert re.findall(r"https?://(?!127\.0\.0\.1|www\.w3\.org/)", text) == []


@pytest.mark.parametrize("name", FILES)
def test_each_file_is_small_enough_to_read(name: str) -> None:
    assert len((FOLDER / name).read_text(encoding="utf-8").splitlines()) <= 300


def test_the_views_have_their_class_names_to_themselves() -> None:
    imported = re.findall(r'@import "(\S+)"', (FOLDER / "styles/page.css").read_text(encoding="utf-8"))
    owners: dict[str, set[str]] = {}
    for name in {f"styles/{name}" for name in imported} - SHARED_STYLES:
        for rule in re.findall(r"^ *([^{}@/]+)\{", (FOLDER / name).read_text(encoding="utf-8"), re.MULTILINE):
            for selector in rule.split(","):
                owners.setdefault(re.split(r"[ :>\[(]", selector.strip())[0], set()).add(name)
    owners.pop("", None)  # from a pseudo-class with a comma

    assert {selector: names for selector, names in owners.items() if len(names) > 1} == {}


@pytest.mark.parametrize("page", ["page", "docs"])
def test_a_style_sheet_comes_with_those_that_it_imports(heidi: Client, page: str) -> None:
    imported = re.findall(r'@import "(\S+)"', (FOLDER / f"styles/{page}.css").read_text(encoding="utf-8"))

    sent = heidi.get(f"/_mock/ui/styles/{page}.css").text

    assert imported
    assert "@import" not in sent
    assert all((FOLDER / "styles" / name).read_text(encoding="utf-8") in sent for name in imported)


@pytest.mark.parametrize("name", [name for name in FILES if name.endswith(".js")])
def test_a_script_comes_with_all_that_it_imports_and_asks_for_no_more(heidi: Client, name: str) -> None:
    page = set(re.findall(r"^\$modules\[(.*?)\] \?\?=", heidi.get("/_mock/ui/parts/app.js").text, re.MULTILINE))

    sent = heidi.get(f"/_mock/ui/{name}").text

    made: set[str] = page if name.startswith("views/") else set()
    for line in sent.splitlines():
        if wanted := re.match(r"const \{.*\} = \$modules\[(.*)\];", line):
            assert wanted[1] in made
        if begun := re.match(r"\$modules\[(.*?)\] \?\?=", line):
            last = begun[1]
        if line == "})();":
            made = {*made, last}
    assert last == f'"{name}"'
    assert re.findall(r"^(?:import\b|export (?!const \{ [\w, ]* \} = \$modules)).*", sent, re.MULTILINE) == []


@pytest.mark.slow
@pytest.mark.skipif(TSC is None, reason="there is no tsc here; ./check --all installs it where it finds npm")
def test_the_types_of_the_scripts_agree() -> None:
    assert TSC is not None
    checked = subprocess.run([TSC, "-p", ROOT / "tests/dashboard"], capture_output=True, text=True, check=False)  # noqa: S603 - our own files

    assert checked.stdout == ""
