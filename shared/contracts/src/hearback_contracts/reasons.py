"""The closed list of reasons. Nothing is refused or dropped without one of them.

The names are the protocol's where it has one (protocol: feedback#filters, user-reports#validation,
limits#sizes-and-counts). Two kinds stand outside: reasons that SDKs report of themselves, and the reason codes
of quotas, which are the operator's own words.
"""

from enum import StrEnum
from typing import NamedTuple


class Reason(StrEnum):
    """The reason for which data was not kept."""

    # The feedback filter, in its order.
    MISSING_CONTEXT = "missing_context"
    UNREAL_UNATTENDED = "unreal.unattended"
    EMPTY = "empty"
    TOO_LARGE = "too_large"
    INVALID_ASSOCIATED_EVENT_ID = "invalid_associated_event_id"

    # The user-report rules (display texts are the protocol's, one with its historic spelling).
    REPORT_MISSING_COMMENTS = "Missing comments"
    REPORT_MISSING_EVENT_ID = "Missing event_id"
    REPORT_EMPTY = "Empty Feedback Messsage"
    REPORT_UNATTENDED = "Sent in Unreal Unattended Mode"
    REPORT_MESSAGE_TOO_LARGE = "Message Too Large"
    REPORT_NAME_TOO_LARGE = "Name Too Large"
    REPORT_EMAIL_TOO_LARGE = "Email Too Large"
    REPORT_INVALID_EVENT_ID = "Invalid Event ID"
    REPORT_EVENT_TOO_OLD = "Associated event is too old"
    REPORT_DUPLICATE = "Duplicate report"

    # The gateway.
    CORS = "cors"
    PROJECT_ID = "project_id"
    DUPLICATE = "duplicate"
    DUPLICATE_ITEM = "duplicate_item"
    FEATURE_DISABLED = "feature_disabled"
    INTERNAL = "internal"
    INVALID_ENVELOPE = "invalid_envelope"
    INVALID_EVENT_ID = "invalid_event_id"
    INVALID_JSON = "invalid_json"
    INVALID_MINIDUMP = "invalid_minidump"
    INVALID_MULTIPART = "invalid_multipart"
    INVALID_UNREAL_REPORT = "invalid_unreal_report"
    MISSING_MINIDUMP = "missing_minidump_upload"
    NESTING_TOO_DEEP = "nesting_too_deep"
    NO_DATA = "no_data"
    PAYLOAD = "payload"
    TIMESTAMP = "timestamp"
    PAST_TIMESTAMP = "past_timestamp"
    FUTURE_TIMESTAMP = "future_timestamp"
    UNSUPPORTED_TYPE = "unsupported_type"
    TOO_LARGE_ATTACHMENT = "too_large:attachment:attachment"
    TOO_LARGE_CLIENT_REPORT = "too_large:client_report"
    TOO_LARGE_EVENT = "too_large:event"
    TOO_LARGE_FEEDBACK = "too_large:user_report_v2"
    TOO_LARGE_USER_REPORT = "too_large:user_report"
    TOO_LARGE_TRANSACTION = "too_large:transaction"
    TOO_LARGE_SECURITY = "too_large:security"
    TOO_LARGE_MINIDUMP = "too_large:attachment:minidump"
    TOO_LARGE_APPLECRASHREPORT = "too_large:attachment:applecrashreport"
    TOO_LARGE_UNREAL_REPORT = "too_large:unreal_report"
    TOO_LARGE_FORM_DATA = "too_large:form_data"
    TOO_LARGE_SESSION = "too_large:session"
    TOO_LARGE_SESSIONS = "too_large:sessions"
    TOO_LARGE_PROFILE = "too_large:profile"
    TOO_LARGE_PROFILE_CHUNK = "too_large:profile_chunk"
    TOO_LARGE_REPLAY_EVENT = "too_large:replay_event"
    TOO_LARGE_REPLAY_RECORDING = "too_large:replay_recording"
    TOO_LARGE_REPLAY_VIDEO = "too_large:replay_video"
    TOO_LARGE_CHECK_IN = "too_large:check_in"
    TOO_LARGE_LOG = "too_large:log"
    TOO_LARGE_TRACE_METRIC = "too_large:trace_metric"
    TOO_LARGE_SPAN = "too_large:span"

    # Quotas, deny lists, spam, and what operators do.
    RATE_LIMITED = "rate_limited"
    ORG_DENYLIST = "org.denylist"
    SPAM = "spam"
    DEAD_LETTER = "dead_letter"
    DELETED = "deleted"
    EVENT_NEVER_ARRIVED = "event_never_arrived"
    FEEDBACK_INGEST_DISABLED = "feature_disabled"  # the same member as FEATURE_DISABLED


EXPLANATIONS: dict[Reason, str] = {
    Reason.MISSING_CONTEXT: "The event carries no contexts.feedback.message.",
    Reason.UNREAL_UNATTENDED: "The message is Unreal Engine's placeholder for an unattended crash.",
    Reason.EMPTY: "The message is empty or only blanks.",
    Reason.TOO_LARGE: "The message has more than 4096 characters.",
    Reason.INVALID_ASSOCIATED_EVENT_ID: "associated_event_id is not a UUID.",
    Reason.REPORT_MISSING_COMMENTS: "The report has no comments field.",
    Reason.REPORT_MISSING_EVENT_ID: "The report has no event_id.",
    Reason.REPORT_EMPTY: "The report's comments are empty and the project filters such reports.",
    Reason.REPORT_UNATTENDED: "The comments are Unreal Engine's placeholder and the project filters it.",
    Reason.REPORT_MESSAGE_TOO_LARGE: "The comments have more than 4096 characters.",
    Reason.REPORT_NAME_TOO_LARGE: "The name has more than 128 characters.",
    Reason.REPORT_EMAIL_TOO_LARGE: "The e-mail address has more than 75 characters.",
    Reason.REPORT_INVALID_EVENT_ID: "The report's event_id is not a UUID.",
    Reason.REPORT_EVENT_TOO_OLD: "The report came more than 30 minutes after its error event.",
    Reason.REPORT_DUPLICATE: "The event already has a report that is older than 5 minutes.",
    Reason.CORS: "The request's origin is not among the project's allowed origins.",
    Reason.PROJECT_ID: "The project does not exist, or the key belongs to another project or is switched off.",
    Reason.DUPLICATE: "Another event or feedback with this id came before.",
    Reason.DUPLICATE_ITEM: "The envelope carried more than one item of a kind that may come once.",
    Reason.FEATURE_DISABLED: "A feature flag of the organization switches this off.",
    Reason.INTERNAL: "The fleet failed while handling it; the logs have the error.",
    Reason.INVALID_EVENT_ID: "The item needs an event id and none was usable.",
    Reason.INVALID_JSON: "The payload is not the JSON object it should be.",
    Reason.INVALID_MULTIPART: "The multipart body could not be read.",
    Reason.NESTING_TOO_DEEP: "The payload is nested too deeply.",
    Reason.INVALID_ENVELOPE: "The envelope is malformed, for example an item is shorter than it announces.",
    Reason.INVALID_MINIDUMP: "The upload's minidump is no minidump.",
    Reason.INVALID_UNREAL_REPORT: "The Unreal Engine crash report cannot be read.",
    Reason.MISSING_MINIDUMP: "The crash upload has no minidump.",
    Reason.NO_DATA: "The payload is empty.",
    Reason.PAYLOAD: "The payload could not be read.",
    Reason.TIMESTAMP: "The timestamp is no time that can be read.",
    Reason.PAST_TIMESTAMP: "The timestamp lies further back than the project's data is kept.",
    Reason.FUTURE_TIMESTAMP: "The timestamp lies in the future.",
    Reason.UNSUPPORTED_TYPE: "Hearback does not store items of this type.",
    Reason.TOO_LARGE_ATTACHMENT: "An attachment, or all of them together, passes the size or count limit.",
    Reason.TOO_LARGE_CLIENT_REPORT: "The client reports of the envelope pass the size or count limit.",
    Reason.TOO_LARGE_EVENT: "The event passes the size limit.",
    Reason.TOO_LARGE_FEEDBACK: "The feedback event passes the size limit.",
    Reason.TOO_LARGE_USER_REPORT: "The user report passes the size limit.",
    Reason.TOO_LARGE_TRANSACTION: "The envelope passes the size or count limit with a transaction.",
    Reason.TOO_LARGE_SECURITY: "The envelope passes the size or count limit with a security report.",
    Reason.TOO_LARGE_MINIDUMP: "The envelope passes the size or count limit with a minidump.",
    Reason.TOO_LARGE_APPLECRASHREPORT: "The envelope passes the size or count limit with an Apple crash report.",
    Reason.TOO_LARGE_UNREAL_REPORT: "The envelope passes the size or count limit with an Unreal Engine report.",
    Reason.TOO_LARGE_FORM_DATA: "The envelope passes the size or count limit with form data.",
    Reason.TOO_LARGE_SESSION: "The envelope passes the size or count limit with a session.",
    Reason.TOO_LARGE_SESSIONS: "The envelope passes the size or count limit with a session aggregate.",
    Reason.TOO_LARGE_PROFILE: "The envelope passes the size or count limit with a profile.",
    Reason.TOO_LARGE_PROFILE_CHUNK: "The envelope passes the size or count limit with a profile chunk.",
    Reason.TOO_LARGE_REPLAY_EVENT: "The envelope passes the size or count limit with a replay event.",
    Reason.TOO_LARGE_REPLAY_RECORDING: "The envelope passes the size or count limit with a replay recording.",
    Reason.TOO_LARGE_REPLAY_VIDEO: "The envelope passes the size or count limit with a replay video.",
    Reason.TOO_LARGE_CHECK_IN: "The envelope passes the size or count limit with a check-in.",
    Reason.TOO_LARGE_LOG: "The envelope passes the size or count limit with a log.",
    Reason.TOO_LARGE_TRACE_METRIC: "The envelope passes the size or count limit with a trace metric.",
    Reason.TOO_LARGE_SPAN: "The envelope passes the size or count limit with a span.",
    Reason.RATE_LIMITED: "A quota or limit was reached.",
    Reason.ORG_DENYLIST: "The organization is on the deny list.",
    Reason.SPAM: "The feedback was judged to be spam.",
    Reason.DEAD_LETTER: "Handling failed repeatedly; the message lies in the dead letters and can be replayed.",
    Reason.DELETED: "It was deleted by a person or by retention.",
    Reason.EVENT_NEVER_ARRIVED: "The event it belongs to did not arrive in time.",
}


class Setting(StrEnum):
    """The settings page that affects a reason."""

    ORIGINS = "origins"
    QUOTAS = "quotas"
    FLAGS = "flags"
    OPTIONS = "options"
    KEYS = "keys"


SETTINGS: dict[Reason, Setting] = {
    Reason.CORS: Setting.ORIGINS,
    Reason.RATE_LIMITED: Setting.QUOTAS,
    Reason.FEATURE_DISABLED: Setting.FLAGS,
    Reason.REPORT_EMPTY: Setting.OPTIONS,
    Reason.REPORT_UNATTENDED: Setting.OPTIONS,
    Reason.SPAM: Setting.OPTIONS,
    Reason.PROJECT_ID: Setting.KEYS,
    Reason.PAST_TIMESTAMP: Setting.OPTIONS,
}
"""The settings page of each reason that has one; the others depend on the sender or the operator."""

_SEND_LESS = "Send less at once: fewer or smaller items in one envelope."
_FIX_SENDER = "Look at the code that builds it: an SDK of Sentry does not send this."
ADVICE: dict[Reason, str] = {
    Reason.MISSING_CONTEXT: "Send the message as contexts.feedback.message, as captureFeedback of an SDK does.",
    Reason.UNREAL_UNATTENDED: "Nothing to do: no person wrote it.",
    Reason.EMPTY: "Make the form ask for words before it sends.",
    Reason.TOO_LARGE: "Limit the form to 4096 characters. It can still be accepted.",
    Reason.INVALID_ASSOCIATED_EVENT_ID: "Pass the id that captureException returned. It can still be accepted.",
    Reason.REPORT_MISSING_COMMENTS: "Send the field comments, if need be empty.",
    Reason.REPORT_MISSING_EVENT_ID: "Pass the event's id, or send a feedback instead. It can still be accepted.",
    Reason.REPORT_EMPTY: "Make the form ask for words, or switch the filter of empty messages off.",
    Reason.REPORT_UNATTENDED: "Nothing to do: no person wrote it. The filter of placeholders can be switched off.",
    Reason.REPORT_MESSAGE_TOO_LARGE: "Limit the form to 4096 characters. It can still be accepted.",
    Reason.REPORT_NAME_TOO_LARGE: "Limit the name to 128 characters. The report can still be accepted.",
    Reason.REPORT_EMAIL_TOO_LARGE: "Limit the address to 75 characters. The report can still be accepted.",
    Reason.REPORT_INVALID_EVENT_ID: "Pass the id that the SDK returned, 32 hex digits. It can still be accepted.",
    Reason.REPORT_EVENT_TOO_OLD: "Ask for words soon after the error. It can still be accepted.",
    Reason.REPORT_DUPLICATE: "Send one report per error. It can still be accepted.",
    Reason.CORS: "Add the page's domain to the project's allowed domains.",
    Reason.PROJECT_ID: "Copy the DSN again from the project's client keys, and see that the key is on.",
    Reason.DUPLICATE: "Use each id once. Another feedback can still be accepted.",
    Reason.DUPLICATE_ITEM: "Send each event in an envelope of its own.",
    Reason.FEATURE_DISABLED: "Switch the flag on for the organization, if this was not meant.",
    Reason.INTERNAL: "Look at the logs of the service that took the step, and run `hearback check`.",
    Reason.INVALID_EVENT_ID: "Put the event's id into the envelope's header: 32 hex digits.",
    Reason.INVALID_JSON: _FIX_SENDER,
    Reason.INVALID_MULTIPART: _FIX_SENDER,
    Reason.NESTING_TOO_DEEP: "Nest less deeply: SDKs have an option for it, such as normalizeDepth.",
    Reason.INVALID_ENVELOPE: "Look for a proxy that cuts bodies off, or a wrong length in an item's header.",
    Reason.INVALID_MINIDUMP: "Upload the file as the crash handler wrote it, under upload_file_minidump.",
    Reason.INVALID_UNREAL_REPORT: "Upload the crash as Unreal's crash reporter does.",
    Reason.MISSING_MINIDUMP: "Upload the file under the name upload_file_minidump.",
    Reason.NO_DATA: "Look for a proxy that drops bodies.",
    Reason.PAYLOAD: _FIX_SENDER,
    Reason.TIMESTAMP: "Send RFC 3339 or seconds since 1970.",
    Reason.PAST_TIMESTAMP: "See that the device's clock is right; old data from an offline cache may go.",
    Reason.FUTURE_TIMESTAMP: "See that the device's clock is right.",
    Reason.UNSUPPORTED_TYPE: "Nothing is lost that Hearback keeps; switch it off in the SDK to save traffic.",
    Reason.TOO_LARGE_ATTACHMENT: "Send smaller or fewer files; the words that came with them were kept.",
    Reason.TOO_LARGE_CLIENT_REPORT: "Send client reports more often, so that each is small.",
    Reason.TOO_LARGE_EVENT: "Send less context and extra data with an event.",
    Reason.TOO_LARGE_FEEDBACK: "Send less context with a feedback; screenshots go as attachments.",
    Reason.TOO_LARGE_USER_REPORT: "Limit what the form takes.",
    Reason.RATE_LIMITED: "Raise the quota, or find out who sends so much: by SDK and version, or by client key.",
    Reason.ORG_DENYLIST: "The operator of this installation denies the organization; ask them.",
    Reason.SPAM: "Mark it as not spam where it was judged wrongly; nothing was lost.",
    Reason.DEAD_LETTER: "The operator replays it with `hearback dead-letters`, once the cause is mended.",
    Reason.DELETED: "Nothing to do.",
    Reason.EVENT_NEVER_ARRIVED: "See what became of errors: filters, quotas and sampling keep them back.",
}
"""Advice on a reason in one sentence, for readers of a project's submissions and stats."""
ADVICE |= {reason: _SEND_LESS for reason in Reason if reason not in ADVICE}


class Advice(NamedTuple):
    """The explanation of a reason, and advice."""

    meaning: str
    advice: str


SDK_REASONS: dict[str, Advice] = {
    "queue_overflow": Advice("The SDK's queue was full.", "Raise the SDK's queue, or send less at once."),
    "cache_overflow": Advice("The SDK's offline cache was full.", "Raise its size, or send less while offline."),
    "buffer_overflow": Advice("A buffer of the SDK was full.", "Send less at once, or flush more often."),
    "ratelimit_backoff": Advice(
        "The SDK held back because a limit had been reached.", "See which quota was reached, and raise it."
    ),
    "network_error": Advice(
        "The connection failed and was not tried again.",
        "Look for blockers in browsers (send through a tunnel), and at the availability of this server.",
    ),
    "send_error": Advice("The server refused what was sent.", "See the reasons for what was dropped here."),
    "sample_rate": Advice("The SDK keeps only a sample.", "Raise the sample rate if this is more than you want."),
    "before_send": Advice("The application's beforeSend dropped it.", "Look at beforeSend in the application."),
    "event_processor": Advice(
        "An event processor or filter of the SDK dropped it.", "Look at the integrations, such as inbound filters."
    ),
    "internal_sdk_error": Advice(
        "The SDK failed while handling it.", "Update the SDK, or report it to its makers."
    ),
    "insufficient_data": Advice("The SDK had too little to send.", "Nothing to do."),
    "backpressure": Advice("The SDK took less because the process was busy.", "Give the process more room."),
    "ignored": Advice("The application has the SDK ignore it.", "Look at ignoreErrors and its like."),
    "invalid": Advice("It was invalid, so the SDK dropped it.", "Update the SDK."),
    "no_parent_span": Advice("A span had no parent to belong to.", "Nothing to do."),
}
"""Reasons of client reports (protocol: client-reports#discard-reasons-of-sdks)."""
