import pytest
from heidi_client import HeidiClient

PATIENT = "5eb7cf5a86d9755df3a6c593"  # of the packaged fixtures


@pytest.fixture
def client(mock_heidi):
    with HeidiClient(mock_heidi.base_url, mock_heidi.api_key) as client:
        yield client


def test_the_pieces_are_shown(client):
    shown = []
    note = client.write_note(client.create_session(PATIENT), shown.append)
    assert note.startswith("Patient")
    assert "".join(shown) == note


def test_the_whole_note_is_kept_when_its_stream_ends_early(client, mock_heidi):
    session = client.create_session(PATIENT)
    fault = mock_heidi.fault("generate_consult_note", end_after=3)
    note = client.write_note(session, show=str)
    assert note == mock_heidi.session(session)["consult_note"]["result"]
    mock_heidi.assert_noticed(fault)
