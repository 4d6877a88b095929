"""A note as it grows: in a terminal, and after the token of its request has expired."""

import json
import shutil
import subprocess
import threading

import httpx
import pytest

from mock_heidi import MockHeidi
from mock_heidi.base.settings import parse_pace

SESSION = "/sessions/1234567890"
NOTE = {
    "generation_method": "TEMPLATE",
    "template_id": "659b8042fe093d6592b41ef7",
    "addition": "",
    "voice_style": "GOLDILOCKS",
}


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl here")
def test_curl_shows_each_piece_before_the_next_is_made() -> None:
    # The clock is frozen, so the server makes the next piece only when the test moves the clock. curl has printed each
    # piece before that.
    with MockHeidi(clock="2025-01-06T09:00:00", pace=parse_pace("first=1,rate=1")) as heidi:
        command = ["curl", "-sN", f"{heidi.base_url}{SESSION}/consult-note", "-d", json.dumps(NOTE)]
        command += ["-H", f"Authorization: Bearer {heidi.token()}"]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as curl:  # noqa: S603 - fixed arguments
            assert curl.stdout is not None
            seen: list[bytes] = []
            while not heidi.requests(operation="generate_consult_note"):
                continue
            for number in range(3):
                heidi.clock.advance(1)
                while not seen[number:]:
                    seen += [line for line in [curl.stdout.readline()] if line.strip()]
            curl.kill()

    assert len(seen) == 3
    assert all(line.startswith(b'data: {"data": "') for line in seen)


def test_an_expiring_token_does_not_end_a_stream_but_the_next_request_is_refused() -> None:
    with MockHeidi(clock="2025-01-06T09:00:00") as heidi, heidi.client() as client:
        heidi.fault("generate_consult_note", delay_chunks=2_000)
        whole: list[httpx.Response] = []
        stream = threading.Thread(target=lambda: whole.append(client.post(f"{SESSION}/consult-note", json=NOTE)))
        with heidi.client(headers=client.headers) as other:
            stream.start()
            while not heidi.requests(operation="generate_consult_note"):
                continue
            before = other.get(SESSION).status_code
            heidi.clock.advance(3_600)
            after = other.get(SESSION)
            still_running = stream.is_alive()
            while stream.is_alive():
                heidi.clock.advance(2_000)

    assert (before, after.status_code, still_running) == (200, 401, True)
    assert after.json()["detail"]["type"] == "ExpiredTokenError"
    assert whole[0].status_code == 200
    assert whole[0].text.endswith("\n\n")
