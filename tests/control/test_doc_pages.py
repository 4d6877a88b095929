"""The pages of ``docs`` as the reference asks for them."""

import re
from html.parser import HTMLParser

import pytest
from clients import Client
from helpers import another
from pages import DOCS, Page, page

from mock_heidi.control import doc_pages

TAGS = {"a", "code", "em", "h1", "h2", "h3", "h4", "li", "ol", "p", "pre", "strong", "table", "tbody", "td", "th"}
TAGS |= {"thead", "tr", "ul"}


class Read(HTMLParser):
    """The tags, anchors and links of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.anchors: list[str] = []
        self.links: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.tags.add(tag)
        self.anchors += [given["id"] or ""] if "id" in given else []
        self.links += [given["href"] or ""] if "href" in given else []


def read(heidi: Client, name: str) -> Read:
    return Read(heidi.get(f"/_mock/docs/pages/{name}").json()["html"])


def test_every_page_is_listed_in_the_order_of_the_contents(heidi: Client) -> None:
    rows = heidi.get("/_mock/docs/pages").json()["pages"]

    names = [row["name"] for row in rows]
    assert names[:2] == ["index", "getting-started"]
    assert sorted(names) == [one.path.stem for one in DOCS]


@pytest.mark.parametrize("written", DOCS, ids=lambda one: one.path.stem)
def test_a_page_has_only_plain_tags_and_the_anchors_of_code_hosts(heidi: Client, written: Page) -> None:
    found = read(heidi, written.path.stem)

    assert found.tags <= TAGS
    assert set(found.anchors) == written.anchors
    assert len(found.anchors) == len(written.anchors)


@pytest.mark.parametrize("written", DOCS, ids=lambda one: one.path.stem)
def test_a_page_shows_no_marks_of_its_source(heidi: Client, written: Page) -> None:
    html = heidi.get(f"/_mock/docs/pages/{written.path.stem}").json()["html"]

    assert not re.search(r"&lt;!--|toctree|<p>\|", html)


@pytest.mark.parametrize("written", DOCS, ids=lambda one: one.path.stem)
def test_links_of_a_page_lead_to_what_the_server_shows(heidi: Client, written: Page) -> None:
    for link in read(heidi, written.path.stem).links:
        shown = re.fullmatch(r"#/guide/([\w-]+)(?:/(.+))?", link)
        if shown is None:
            assert link in ("#/api", "#/control", "./#/assumptions") or link.startswith("https://"), link
        else:
            assert not shown[2] or shown[2] in page(shown[1]).anchors, link


def test_a_page_has_no_pictures() -> None:
    assert any("![" in written.text for written in DOCS)
    assert not any("<img" in doc_pages.page(name).html for name in doc_pages.names())


def test_a_column_of_numbers_is_marked_without_a_style(heidi: Client) -> None:
    html = heidi.get("/_mock/docs/pages/performance").json()["html"]

    assert '<td class="number">' in html
    assert " style=" not in html


def test_sections_hold_the_text_below_their_heading(heidi: Client) -> None:
    (row,) = [row for row in heidi.get("/_mock/docs/pages").json()["pages"] if row["name"] == "control-api"]
    (clock,) = [section for section in row["sections"] if section["id"] == "clock"]

    assert row["title"] == row["sections"][0]["title"] == "Control API"
    assert (clock["title"], clock["level"]) == ("Clock", 2)
    assert clock["text"].startswith("Each namespace has a clock. Times in answers")
    assert "`" not in clock["text"]


def test_an_unknown_page_is_refused(heidi: Client) -> None:
    answer = heidi.get("/_mock/docs/pages/limit")

    assert (answer.status_code, answer.json()["hint"]) == (404, "did you mean limits?")


def test_a_link_on_another_site_may_open_the_reference_but_not_the_pages(heidi: Client) -> None:
    link = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}

    assert heidi.get("/_mock/docs", headers=link).status_code == 200
    assert heidi.get("/_mock/docs/pages", headers=link).status_code == 403


def test_the_reference_opens_without_the_admin_token() -> None:
    with another(admin_token="let-me-in") as heidi:
        statuses = [heidi.get(path).status_code for path in ("/_mock/docs", "/_mock/docs/pages")]

    assert statuses == [200, 403]
