"""Tokens: the server signs and remembers its own, and PyJWT verifies all others."""

import jwt

from mock_heidi.namespaces.tokens import Tokens, TokenSubject

ADA = TokenSubject("default", "a" * 24, "ada+ü@example.com", "1")


def bearer(token: str) -> bytes:
    return f"Bearer {token}".encode()


def test_a_token_of_this_server_and_one_of_a_former_run_have_the_same_caller() -> None:
    here, before = Tokens(3, ["key"]), Tokens(3, ["key"])
    token, expires = before.issue(ADA, 1_700_000_000_000, 5)

    assert here.identify(bearer(token)) == before.identify(bearer(token)) == (*ADA, expires, "\0".join(ADA[1:]))


def test_a_token_is_the_text_that_pyjwt_writes() -> None:
    token, _ = Tokens(3, ["key"]).issue(ADA, 1_700_000_000_000, 5)
    claims = jwt.decode(token, options={"verify_signature": False})

    assert jwt.encode(claims, "s" * 32).split(".")[:2] == token.split(".")[:2]
