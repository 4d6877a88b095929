"""Signing in: an API key, an e-mail and a third party's id become a bearer token."""

from pydantic import Field
from starlette.responses import Response

from mock_heidi.base.errors import InvalidApiKeyError, UnprocessableError
from mock_heidi.base.json_text import to_json
from mock_heidi.base.problems import missing
from mock_heidi.base.values import Outgoing
from mock_heidi.namespaces.tokens import GoodKey, TokenSubject
from mock_heidi.state.clock import zulu
from mock_heidi.web.request import Request
from mock_heidi.web.response import respond
from mock_heidi.web.stub_answers import whole_stub

# These texts go into the journal and a header, so they contain no key.
_WHERE = "--api-key (MOCK_HEIDI_API_KEY), api_keys.yaml, or api_key in a test, where mock_heidi.api_key holds it"
_UNKNOWN_KEY = f"unknown API key: this server takes the key of {_WHERE}"
_NO_KEY = f"no API key: send in the header Heidi-Api-Key the key of {_WHERE}"


class Token(Outgoing):
    token: str
    expiration_time: str = Field(pattern=r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$")


def get_jwt(request: Request) -> Response:
    opened = request.identity
    if not isinstance(opened, GoodKey):
        request.why = request.why or (_UNKNOWN_KEY if b"heidi-api-key" in request.headers else _NO_KEY)
        raise InvalidApiKeyError
    name, key = opened
    # Check without a model: pydantic would build it during the first sign-in and delay that.
    query = request.query
    absent = [missing("query", name) for name in ("email", "third_party_internal_id") if name not in query]
    if absent:
        raise UnprocessableError(absent)
    email, third_party_internal_id = query["email"], query["third_party_internal_id"]

    fresh = request.known_namespace is None
    namespace = request.namespace
    if fresh and (answer := whole_stub(request)) is not None:
        return answer  # the fixtures of the new namespace may contain a reply
    namespace.remember_user(key.managed_by, email, third_party_internal_id)
    subject = TokenSubject(name, key.managed_by, email, third_party_internal_id, key.region)
    token, expires = request.registry.tokens.issue(
        subject, namespace.clock.now(), namespace.ids.token_number(), request.meet("token_lifetime")
    )
    return respond(to_json({"token": token, "expiration_time": zulu(expires * 1000)}))
