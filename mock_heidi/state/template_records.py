"""Records of templates for notes and documents."""

from typing import Annotated, Literal

from pydantic import Field

from mock_heidi.base.values import Record, Value
from mock_heidi.state.field_types import Flag, ObjectId, Topic

Languages = dict[str, str]


class TemplateSection(Value):
    """A section of a template: its heading by language, and the topics that it collects."""

    heading: Languages
    topics: Annotated[tuple[Topic, ...], Field(strict=False)] = ()
    empty: Languages | None = None
    per_issue: Flag = False


class NoteTemplate(Record):
    """One of Heidi's templates, with the parts that the mock fills in."""

    id: ObjectId
    name: str
    template_category: Literal["CONSULT_NOTE_TEMPLATE", "DOCUMENT_TEMPLATE"]
    structure_template: str
    template_html: str | None = None
    author_name: str = "Heidi"
    opening: Languages | None = None
    closing: Languages | None = None
    sections: Annotated[tuple[TemplateSection, ...], Field(strict=False)] = ()

    @property
    def key(self) -> str:
        return self.id
