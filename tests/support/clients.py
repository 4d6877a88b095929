"""A client of an application in this process, and the time and the patient that many tests use."""

import asyncio
import json
from typing import Any

import httpx

from mock_heidi.app import App
from mock_heidi.base.settings import BASE_PATH, DEFAULT_EMAIL, DEFAULT_KEY, DEFAULT_THIRD_PARTY_ID

NOON = "2025-01-06T12:00:00"
JOHN = "5eb7cf5a86d9755df3a6c593"


class Client:
    """A client of an application in this process: synchronous, and signed in unless ``signed`` is False.

    Paths are relative to the base path, unless they begin with ``/_mock`` or ``/ns/`` or are whole URLs.
    """

    def __init__(self, app: App, base: str = BASE_PATH) -> None:
        self.app = app
        self.base = base
        self.email = DEFAULT_EMAIL
        self._loop = asyncio.new_event_loop()
        self._http = httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://localhost")
        self._token: str | None = None

    def request(self, method: str, path: str, *, signed: bool = True, **options: Any) -> httpx.Response:
        url = path if path.startswith(("/_mock", "/ns/", "http")) else f"{self.base}{path}"
        headers = dict(options.pop("headers", {}))
        if signed and "authorization" not in {name.lower() for name in headers} and "/_mock" not in url:
            headers["Authorization"] = f"Bearer {self.token()}"
        return self._loop.run_until_complete(self._http.request(method, url, headers=headers, **options))

    def sign_in(self, key: str = DEFAULT_KEY, email: str = DEFAULT_EMAIL, third: str = DEFAULT_THIRD_PARTY_ID) -> str:
        """A new token, which later requests use."""
        query = {"email": email, "third_party_internal_id": third}
        answer = self.request("GET", "/jwt", signed=False, params=query, headers={"Heidi-Api-Key": key})
        assert answer.status_code == 200, answer.text
        self._token = answer.json()["token"]
        return self._token

    def token(self) -> str:
        return self._token or self.sign_in()

    def get(self, path: str, **options: Any) -> httpx.Response:
        return self.request("GET", path, **options)

    def post(self, path: str, **options: Any) -> httpx.Response:
        return self.request("POST", path, **options)

    def patch(self, path: str, **options: Any) -> httpx.Response:
        return self.request("PATCH", path, **options)

    def put(self, path: str, **options: Any) -> httpx.Response:
        return self.request("PUT", path, **options)

    def delete(self, path: str, **options: Any) -> httpx.Response:
        return self.request("DELETE", path, **options)

    def state(self) -> dict[str, Any]:
        """The whole state as fixtures, to check that a refused request changed nothing."""
        state: dict[str, Any] = json.loads(self.get("/_mock/state").content)
        return state

    def close(self) -> None:
        self._loop.run_until_complete(self._http.aclose())
        self._loop.close()
