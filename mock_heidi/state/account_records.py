"""Records of API keys, their users, and the Heidi accounts to which users are linked."""

from typing import Annotated

from pydantic import Field

from mock_heidi.base.values import Record, Value
from mock_heidi.state.field_types import KindeUserId, ObjectId, Region, Timestamp, pattern


class HeidiUser(Value):
    """A clinician's Heidi account, to which a user of the API may be linked."""

    kinde_user_id: KindeUserId
    heidi_email: str
    linked_account_plan: str


class ApiKey(Record):
    """An API key: the owner of its data (``managed_by``) and the EHR provider that it puts into new records.

    A key with a ``region`` does not open the hosts of other regions.
    """

    api_key: Annotated[str, pattern(r"[!-~]+", "visible ASCII characters without blanks")] = Field(alias="key")
    ehr_provider: str
    managed_by: ObjectId
    region: Region | None = None
    heidi_users: Annotated[tuple[HeidiUser, ...], Field(strict=False)] = ()

    @property
    def key(self) -> str:
        return self.api_key


class User(Record):
    """A user who has signed in: an e-mail and a third party's id under one owner. ``linked_to`` is a Heidi account."""

    managed_by: ObjectId
    email: str
    third_party_internal_id: str
    linked_to: KindeUserId | None = None
    account_id: ObjectId | None = None
    linked_at: Timestamp | None = None

    @property
    def key(self) -> str:
        return user_key(self.managed_by, self.email, self.third_party_internal_id)


def user_key(managed_by: str, email: str, third_party_internal_id: str) -> str:
    """The key of a user. A zero byte joins the parts, since no part may contain one."""
    return f"{managed_by}\0{email}\0{third_party_internal_id}"
