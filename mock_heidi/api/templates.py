"""Heidi's templates for notes and documents."""

from typing import Literal

from starlette.responses import Response

from mock_heidi.base.errors import TemplateNotFoundError
from mock_heidi.base.values import Outgoing
from mock_heidi.state.field_types import ObjectId
from mock_heidi.state.template_records import NoteTemplate
from mock_heidi.web.request import Request
from mock_heidi.web.response import kept, respond_list


class Template(Outgoing):
    id: ObjectId
    name: str
    structure_template: str
    template_category: Literal["CONSULT_NOTE_TEMPLATE", "DOCUMENT_TEMPLATE"]
    template_html: str | None
    author_name: str


def find_template(request: Request, template_id: str, category: str) -> NoteTemplate:
    """The template with that id, for a text of that category. All API keys have the same templates."""
    template = request.store.get(NoteTemplate, template_id)
    if template is None:
        raise TemplateNotFoundError
    if template.template_category != category and request.meet("template_of_other_category") != "allowed":
        raise TemplateNotFoundError().under("template_of_other_category")
    return template


def list_consult_note_templates(request: Request) -> Response:
    """The templates for notes only, as on the vendor's older page."""
    if request.meet("consult_note_template_list") == "all":
        return list_document_templates(request)
    templates = [one for one in request.store.all(NoteTemplate) if one.template_category == "CONSULT_NOTE_TEMPLATE"]
    return respond_list([kept(Template, one) for one in templates], "templates")


def list_document_templates(request: Request) -> Response:
    """The templates of both categories, despite the name. The vendor's newer page lists both."""
    return respond_list([kept(Template, one) for one in request.store.all(NoteTemplate)], "templates")
