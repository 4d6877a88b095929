"""The provenance of each answer: made by ``python tests/support/generate.py``."""

from __future__ import annotations

from collections.abc import Mapping

# By operation and status: the provenances of the status and of the body, and the assumptions that every such answer
# meets.
ANSWERS: Mapping[str, Mapping[int, tuple[str, str, tuple[str, ...]]]] = {
    "get_jwt": {
        200: ("observed", "documented", ()),
        401: ("assumed", "assumed", ()),
        422: ("assumed", "assumed", ()),
    },
    "link_account": {
        200: ("assumed", "documented", ("success_status", "creation_status")),
        401: ("assumed", "assumed", ()),
        409: ("assumed", "documented", ()),
        413: ("assumed", "assumed", ()),
        422: ("assumed", "assumed", ()),
    },
    "unlink_account": {
        200: ("assumed", "documented", ("success_status",)),
        401: ("assumed", "assumed", ()),
    },
    "get_account_access": {
        200: ("observed", "documented", ()),
        401: ("assumed", "assumed", ()),
    },
    "list_consult_note_templates": {
        200: ("observed", "documented", ()),
        401: ("assumed", "assumed", ()),
    },
    "list_document_templates": {
        200: ("observed", "documented", ()),
        401: ("assumed", "assumed", ()),
    },
    "create_patient_profile": {
        200: ("assumed", "documented", ("success_status", "creation_status")),
        400: ("observed", "observed", ()),
        401: ("assumed", "assumed", ()),
        413: ("assumed", "assumed", ()),
        422: ("assumed", "assumed", ()),
    },
    "list_patient_profiles": {
        200: ("assumed", "documented", ("success_status",)),
        401: ("assumed", "assumed", ()),
    },
    "delete_patient_profiles": {
        200: ("assumed", "documented", ("success_status",)),
        401: ("assumed", "assumed", ()),
        413: ("assumed", "assumed", ()),
        422: ("assumed", "assumed", ()),
    },
    "get_patient_profile": {
        200: ("assumed", "documented", ("success_status",)),
        401: ("assumed", "assumed", ()),
        404: ("assumed", "documented", ()),
    },
    "update_patient_profile": {
        200: ("assumed", "documented", ("success_status",)),
        401: ("assumed", "assumed", ()),
        404: ("assumed", "documented", ()),
        413: ("assumed", "assumed", ()),
        422: ("assumed", "assumed", ()),
    },
    "link_sessions": {
        200: ("assumed", "documented", ("success_status",)),
        401: ("assumed", "assumed", ()),
        404: ("assumed", "documented", ()),
        413: ("assumed", "assumed", ()),
        422: ("assumed", "assumed", ()),
    },
    "create_session": {
        200: ("observed", "documented", ("creation_status",)),
        401: ("assumed", "assumed", ()),
        404: ("assumed", "documented", ()),
        413: ("assumed", "assumed", ()),
        422: ("assumed", "assumed", ()),
    },
    "list_linked_user_sessions": {
        200: ("observed", "documented", ()),
        400: ("assumed", "documented", ()),
        401: ("assumed", "assumed", ()),
        422: ("assumed", "assumed", ()),
    },
    "get_session": {
        200: ("observed", "documented", ()),
        401: ("assumed", "assumed", ()),
        404: ("observed", "documented", ()),
    },
    "update_session": {
        200: ("observed", "assumed", ()),
        401: ("assumed", "assumed", ()),
        404: ("observed", "documented", ()),
        413: ("assumed", "assumed", ()),
        422: ("assumed", "assumed", ()),
    },
    "upload_context_documents": {
        200: ("assumed", "documented", ("success_status", "creation_status")),
        400: ("assumed", "assumed", ()),
        401: ("assumed", "assumed", ()),
        404: ("observed", "documented", ()),
        413: ("assumed", "assumed", ()),
        422: ("assumed", "assumed", ()),
    },
    "list_context_documents": {
        200: ("assumed", "documented", ("context_documents_methods", "success_status")),
        401: ("assumed", "assumed", ()),
        404: ("observed", "documented", ()),
    },
    "delete_context_documents": {
        200: ("assumed", "documented", ("context_documents_methods", "success_status")),
        401: ("assumed", "assumed", ()),
        404: ("observed", "documented", ()),
        413: ("assumed", "assumed", ()),
        422: ("assumed", "assumed", ()),
    },
    "upload_audio": {
        200: ("assumed", "documented", ("success_status", "creation_status")),
        400: ("assumed", "documented", ()),
        401: ("assumed", "assumed", ()),
        404: ("observed", "documented", ()),
        413: ("assumed", "assumed", ()),
        422: ("assumed", "assumed", ()),
        500: ("assumed", "documented", ()),
    },
    "start_recording": {
        200: ("observed", "documented", ("creation_status",)),
        401: ("assumed", "assumed", ()),
        404: ("observed", "documented", ()),
    },
    "transcribe_segment": {
        200: ("observed", "documented", ()),
        400: ("assumed", "assumed", ()),
        401: ("assumed", "assumed", ()),
        404: ("assumed", "assumed", ()),
        413: ("assumed", "assumed", ()),
        422: ("assumed", "assumed", ()),
    },
    "finish_recording": {
        200: ("observed", "documented", ()),
        401: ("assumed", "assumed", ()),
        404: ("assumed", "assumed", ()),
    },
    "get_transcript": {
        200: ("observed", "observed", ()),
        401: ("assumed", "assumed", ()),
        404: ("observed", "documented", ()),
    },
    "get_live_transcript": {
        200: ("assumed", "assumed", ("success_status",)),
        401: ("assumed", "assumed", ()),
        404: ("observed", "documented", ()),
    },
    "generate_consult_note": {
        200: ("observed", "assumed", ()),
        401: ("assumed", "assumed", ()),
        404: ("assumed", "assumed", ()),
        413: ("assumed", "assumed", ()),
        422: ("assumed", "assumed", ()),
    },
    "answer_custom_template": {
        200: ("observed", "documented", ()),
        400: ("assumed", "assumed", ()),
        401: ("assumed", "assumed", ()),
        404: ("observed", "documented", ()),
        413: ("assumed", "assumed", ()),
        422: ("assumed", "assumed", ()),
    },
    "create_document": {
        200: ("observed", "documented", ("creation_status",)),
        401: ("assumed", "assumed", ()),
        404: ("assumed", "assumed", ()),
        413: ("assumed", "assumed", ()),
        422: ("assumed", "assumed", ()),
    },
    "list_documents": {
        200: ("observed", "documented", ()),
        401: ("assumed", "assumed", ()),
        404: ("observed", "documented", ()),
    },
    "ask_ai": {
        200: ("observed", "assumed", ()),
        401: ("assumed", "assumed", ()),
        404: ("observed", "documented", ()),
        413: ("assumed", "assumed", ()),
        422: ("assumed", "assumed", ()),
    },
    "generate_clinical_codes": {
        200: ("observed", "documented", ()),
        400: ("assumed", "assumed", ()),
        401: ("assumed", "assumed", ()),
        404: ("observed", "documented", ()),
    },
}
