"""The mock that a team writes in an hour: the six routes of patient profiles in FastAPI over a dict.

It looks at no token, keeps no journal and knows no error but 404.
"""

import secrets
from typing import Annotated, Any

from fastapi import APIRouter, Body, FastAPI, HTTPException
from pydantic import BaseModel

from benchmarks.apps.serving import arguments, serve
from benchmarks.loads import BASE


class ProfileIn(BaseModel):
    ehr_patient_id: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    birth_date: str | None = None
    gender: str | None = None
    phone: str | None = None
    email: str | None = None
    demographic_string: str = ""
    additional_context: str | None = None


class Profile(ProfileIn):
    id: str


class One(BaseModel):
    data: Profile


class Many(BaseModel):
    data: list[Profile]


def create_app() -> FastAPI:
    """The application with an empty dict."""
    profiles: dict[str, Profile] = {}
    router = APIRouter(prefix=BASE)

    def found(profile_id: str) -> Profile:
        if profile_id not in profiles:
            raise HTTPException(404, "Patient profile not found")
        return profiles[profile_id]

    @router.get("/jwt")
    async def get_jwt() -> dict[str, str]:
        return {"token": "token", "expiration_time": "2030-01-01T00:00:00.000Z"}

    @router.post("/patient-profiles")
    async def create(given: ProfileIn) -> One:
        profile = Profile(id=secrets.token_hex(12), **given.model_dump())
        profiles[profile.id] = profile
        return One(data=profile)

    @router.get("/patient-profiles")
    async def listed(ehr_patient_id: str | None = None) -> Many:
        wanted = [profile for profile in profiles.values() if ehr_patient_id in (None, profile.ehr_patient_id)]
        return Many(data=wanted)

    @router.delete("/patient-profiles:batch-delete")
    async def delete(patient_profile_ids: Annotated[list[str], Body(embed=True)]) -> dict[str, bool]:
        for profile_id in patient_profile_ids:
            profiles.pop(profile_id, None)
        return {"is_success": True}

    @router.get("/patient-profiles/{profile_id}")
    async def get(profile_id: str) -> One:
        return One(data=found(profile_id))

    @router.patch("/patient-profiles/{profile_id}")
    async def update(profile_id: str, changes: ProfileIn) -> One:
        profile = found(profile_id).model_copy(update=changes.model_dump(exclude_unset=True))
        profiles[profile_id] = profile
        return One(data=profile)

    @router.post("/patient-profiles/{profile_id}/sessions")
    async def link(profile_id: str, session_ids: Annotated[list[str], Body(embed=True)]) -> dict[str, Any]:
        return {"data": [{"session_id": session_id, "patient_profile_id": profile_id} for session_id in session_ids]}

    app = FastAPI()
    app.include_router(router)
    return app


if __name__ == "__main__":
    serve(create_app(), arguments().parse_args().port)
