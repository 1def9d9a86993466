"""A check for schemathesis: valid data may be answered with 400 where what is wrong is not the data's form."""

import re

import schemathesis
from schemathesis import Case, CheckContext, Response
from schemathesis.openapi.checks import RejectedPositiveData

from tests.refusals import complaints

# The field or parameter, and what is wrong with it: something that only the rows, or the settings, can tell.
REFUSABLE = {
    # Ids of rows that are not there, or not the caller's.
    ("character", "does_not_exist"),
    ("parent", "does_not_exist"),
    ("active_leaf", "does_not_exist"),
    ("greeting", "does_not_exist"),
    ("message", "does_not_exist"),
    # Numbers in a document, which have to fit each other.
    ("messages.N.id", "unique"),
    ("messages.N.parent", "does_not_exist"),
    ("messages.N.client_id", "unique"),
    *((f"messages.N.{name}", "too_deep") for name in ("extra", "tool_calls.N", "sources.N")),
    # What a kind of tool needs; and what stands in its templates, and in a schema of its arguments.
    *((kind, "required") for kind in ("builtin", "http", "mcp")),
    *((f"{kind}.url", "required") for kind in ("http", "mcp")),
    *(
        (f"{kind}.{part}", fault)
        for kind in ("http", "mcp")
        for part in ("url", "headers", "query", "body")
        for fault in (
            *("bad_template", "bad_url", "bad_name", "bad_header", "too_many", "too_deep"),
            *("unknown_argument", "unknown_secret"),
        )
    ),
    ("parameters", "bad_schema"),
    ("parameters", "too_deep"),
    ("secrets", "bad_name"),
    ("secrets", "too_many"),
    ("name", "unique"),
    (None, "too_many"),
    ("tools", "does_not_exist"),
    ("function", "unknown_function"),
    ("arguments", "bad_arguments"),
    ("arguments", "too_deep"),
    # What is in a file, no schema says.
    ("file", "empty"),
    ("file", "invalid"),
    *(
        ("file", fault)
        for fault in (
            *("no_card", "no_book", "no_name", "not_json", "too_big", "too_long", "too_many", "too_deep", "bad_number"),
            *("truncated", "damaged", "encrypted", "bomb", "unsafe_path", "not_a_picture", "too_many_pixels"),
        )
    ),
    # Where an address leads, and what is there.
    *(
        ("url", fault)
        for fault in (
            *("bad_url", "not_public", "unreachable", "redirected", "timeout", "too_big", "broken", "bad_status"),
            *("a_page", "not_a_picture", "too_many_pixels"),
        )
    ),
    *(
        ("file", fault)
        for fault in (
            *("not_text", "bad_encoding", "encrypted", "no_text", "too_many_pages", "too_complex", "too_much"),
        )
    ),
    # A text that has nothing but control characters.
    ("text", "empty"),
    ("text", "too_many"),
    ("text", "too_much"),
    # Whose a character is, is not in its id.
    (None, "own_character"),
    # Of the AI SDK's messages the last one alone has to be what the user says, which no schema can tell; and what they
    # are called are names of rows.
    *(("messages", fault) for fault in ("empty", "not_the_users", "unique")),
    *(
        (f"messages.N.{name}", fault)
        for name in ("id", "role", "parts", "parts.N")
        for fault in (
            *("required", "null", "invalid", "blank", "max_length", "invalid_choice"),
            *("not_a_list", "not_an_object", "not_text"),
            *("null_characters_not_allowed", "surrogate_characters_not_allowed"),
        )
    ),
    *(("messageId", fault) for fault in ("not_the_last", "not_the_users", "does_not_exist")),
    # What the leaf happens to be.
    ("message", "greeting"),
    ("message", "not_an_answer"),
    ("message", "nothing_to_answer"),
    (None, "nothing_to_continue"),
    # A cursor is taken from another answer as it is.
    ("cursor", "invalid"),
    # So is this, and it stands alone.
    ("since", "invalid"),
    ("since", "not_with_filters"),
    ("model", "not_offered"),
    # Two days that do not go together, or with today.
    ("from", "after_to"),
    ("from", "too_many_days"),
    *((name, "too_deep") for name in ("extra", "extensions", "lorebook")),
    # Said with nothing but white space, or by tools alone.
    ("messages", "blank"),
    ("items.N.content", "blank"),
    ("after", "does_not_exist"),
    # Taken already.
    ("email", "unique"),
    ("client_id", "unique"),
    ("id", "unique"),  # chat's name for it
    # Passwords: not theirs, or too weak.
    ("current_password", "invalid_password"),
    ("token", "invalid_token"),
    *(
        (name, f"password_{fault}")
        for name in ("password", "new_password")
        for fault in ("too_common", "too_similar", "entirely_numeric")
    ),
}


@schemathesis.check
def refused_for_a_reason(ctx: CheckContext, response: Response, case: Case) -> None:
    if response.status_code != 400 or case.meta is None or not case.meta.generation.mode.is_positive:
        return
    reasons = {(name and re.sub(r"\.\d+(?=\.|$)|\[\d+\]", ".N", name), code) for code, name in complaints(response)}
    if not reasons <= REFUSABLE:
        raise RejectedPositiveData(
            operation=case.operation.label,
            message=f"Valid data was refused for {sorted(reasons - REFUSABLE, key=str)}",
            status_code=400,
            allowed_statuses=["2xx"],
        )
