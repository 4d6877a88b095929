"""The links between users of the API and Heidi accounts."""

from __future__ import annotations

from collections.abc import Sequence

from mock_heidi.namespaces.namespace import Namespace
from mock_heidi.state.account_records import HeidiUser, User
from mock_heidi.state.session_records import Creator, Session


def find_heidi_user(namespace: Namespace, managed_by: str, kinde_user_id: str | None) -> HeidiUser:
    """The Heidi account with that id; without an id, the first account to which no user is linked.

    If there is none, an account is invented.
    """
    taken = {user.linked_to for user in namespace.store.all(User) if user.managed_by == managed_by}
    for known in namespace.owners[managed_by].heidi_users:
        if known.kinde_user_id == kinde_user_id or (kinde_user_id is None and known.kinde_user_id not in taken):
            return known
    kinde_user_id = kinde_user_id or f"kp_{namespace.ids.hex(32)}"
    return HeidiUser(
        kinde_user_id=kinde_user_id, heidi_email=f"{kinde_user_id}@heidi.example", linked_account_plan="FREE"
    )


def is_taken(namespace: Namespace, user: User, kinde_user_id: str) -> bool:
    """True if another user under the same API key is linked to that Heidi account."""
    return any(
        other.linked_to == kinde_user_id and other.managed_by == user.managed_by and other.key != user.key
        for other in namespace.store.all(User)
    )


def link(namespace: Namespace, user: User, heidi_user: HeidiUser) -> User:
    """Link a user to a Heidi account, store both, and return the linked user."""
    owner = namespace.owners[user.managed_by]
    others = tuple(known for known in owner.heidi_users if known.kinde_user_id != heidi_user.kinde_user_id)
    if heidi_user not in owner.heidi_users:
        namespace.store.put(owner.replace(heidi_users=(*others, heidi_user)))
        namespace.learn_keys()
    linked = user.replace(
        linked_to=heidi_user.kinde_user_id, account_id=namespace.object_id(), linked_at=namespace.clock.stamp()
    )
    namespace.store.put(linked)
    return linked


def sessions_of(namespace: Namespace, user: User, which: str) -> Sequence[Session]:
    """The sessions of a linked user; ``which`` is the value of the assumption ``linked_user_sessions``."""
    store = namespace.store
    if which == "whole_key":
        return store.where(Session, managed_by=user.managed_by)
    # For Heidi, all users that are linked to the same account now are the same clinician.
    same = [
        other for other in store.all(User) if (other.managed_by, other.linked_to) == (user.managed_by, user.linked_to)
    ]
    return [
        session
        for other in same
        for session in store.where(
            Session,
            managed_by=other.managed_by,
            created_by=Creator(email=other.email, third_party_internal_id=other.third_party_internal_id),
        )
        if which == "same_account" or session.created_at >= (other.linked_at or "")
    ]


def link_first_user(namespace: Namespace) -> None:
    """Link the user that the namespace's start names, unless this user is linked already."""
    if namespace.start.linked is None:
        return
    email, third_party_internal_id = namespace.start.linked
    owner = next(iter(namespace.keys.values())).managed_by
    user = User(managed_by=owner, email=email, third_party_internal_id=third_party_internal_id)
    known = namespace.store.get(User, user.key)
    if known is None or known.linked_to is None:
        link(namespace, user, find_heidi_user(namespace, owner, None))
