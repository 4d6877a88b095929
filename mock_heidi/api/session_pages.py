"""The query that selects a page of sessions."""

from functools import lru_cache
from typing import Any

from pydantic import BaseModel, Field, create_model

from mock_heidi.web.request import Request


class PageQuery(BaseModel, defer_build=True):
    """The query under the default assumptions."""

    page_size: int = Field(default=20, ge=1, le=200)
    page: int = Field(default=1, ge=1)


def page_query(request: Request) -> type[PageQuery]:
    """The model of the query of a request. As in FastAPI, the default size may be above the maximum."""
    chosen, given = request.assumptions, request.query
    for name, parameter in (("page_parameter", "page"), ("page_size_maximum", "page_size")):
        if parameter in given:
            request.meet(name)
    return _model(chosen["page_parameter"], chosen["page_size_default"], chosen["page_size_maximum"])


@lru_cache(maxsize=16)
def _model(first: int, size: int, most: int) -> type[PageQuery]:
    page: Any = (int, Field(default=first, ge=first))
    page_size: Any = (int, Field(default=size, ge=1, le=most))
    return create_model("PageQuery", __base__=PageQuery, page=page, page_size=page_size)
