"""The rules that a stream is held to: each with a name that stays, how grave breaking it is, and what it says."""

from __future__ import annotations

from enum import Enum, StrEnum


class Severity(StrEnum):
    """How grave a finding is."""

    #: Breaks the official clients, or the specification.
    ERROR = "error"
    #: Not as it should be, but every official client takes it.
    WARNING = "warning"
    #: Allowed, and worth knowing.
    NOTE = "note"


_ERROR, _WARNING, _NOTE = Severity.ERROR, Severity.WARNING, Severity.NOTE


class Rule(Enum):
    """A rule. Its name in reports is that of the member, in lower case and with hyphens."""

    severity: Severity
    text: str

    # Framing
    CONTENT_TYPE = _ERROR, "A stream over HTTP has the content type `text/event-stream`."
    EMPTY_CHUNK = _ERROR, "A message of a stream over gRPC holds at least one event."
    CRLF = _WARNING, "Lines end with LF alone; some parsers find no end of an event in CRLF."
    BYTE_ORDER_MARK = _WARNING, "A stream does not begin with a byte order mark."
    EXTRA_FIELD = _WARNING, "An event is a line `event:` and a line `data:`; `id:`, `retry:` and others mean nothing."
    SEVERAL_DATA_LINES = _WARNING, "The JSON of an event stands in one `data:` line."
    EMPTY_DATA = _ERROR, "Every event has data: clients parse what is there as JSON, and fail on nothing."
    FINAL_BLANK_LINE = _ERROR, "Every event ends with a blank line, the last too: without it clients never see it."
    EVENT_NAME = _ERROR, "The name in `event:` equals the `type` in the data."
    NO_EVENT_NAME = _WARNING, "Every event has its name in `event:`; some clients go by it."
    DONE_MARKER = _WARNING, "`[DONE]` after the terminal event is harmless, and not sent by the official API."
    EARLY_DONE = _ERROR, "`[DONE]` does not come before the terminal event: clients stop reading there."

    # One event
    JSON = _ERROR, "The data of every event is one JSON object, in UTF-8."
    EVENT_TYPE = _ERROR, "Every event tells its `type`, a string."
    UNKNOWN_EVENT = _NOTE, "An event of a type that is not known here. Clients pass over it."
    UNKNOWN_ITEM = _NOTE, "An item of a type that is not known here. Clients pass over it."
    WRONG_TYPE = _ERROR, "Every known member has JSON of the kind that the specification gives it."
    MISSING_MEMBER = _ERROR, "Members that the specification requires are there, and not null."
    MISSING_NULL = _WARNING, "Members that are required but may be null are there all the same: strict readers insist."
    NULL_MEMBER = _WARNING, "Members that some client takes absent but not null are left out instead."

    # The stream
    SEQUENCE_NUMBER = _ERROR, "Sequence numbers begin at 0, or one after where a stream is resumed, and rise by 1."
    FIRST_EVENT = _ERROR, "The first event is `response.created`."
    LIFECYCLE_ORDER = (
        _ERROR,
        "`response.created`, `.queued` and `.in_progress` come at most once each, in this order, before all others.",
    )
    OPENING = (
        _WARNING,
        "`response.in_progress` follows the creation, and `response.queued` comes between for one created as queued.",
    )
    OPENING_OUTPUT = _ERROR, "The response in an opening event has no output yet: clients add items to what is there."
    RESPONSE_ID = _ERROR, "Every event of a response that carries it has the same response id."
    RESPONSE_STATUS = _ERROR, "The status of the response that an event carries is the one that the event is about."

    # Items
    OUTPUT_INDEX = _ERROR, "Items are added with `output_index` 0, 1, 2 ...: none twice, none left out."
    ITEM_ID = _ERROR, "Every item has an id of its own."
    CALL_ID = _ERROR, "Every call that the caller is to answer has a name and a `call_id` of its own."
    UNANNOUNCED = _ERROR, "An item, and a part of one, is added before any other event speaks of it."
    ITEM_IDENTITY = _ERROR, "The id, type, name and `call_id` of an item are the same in every event about it."
    AFTER_DONE = _ERROR, "Nothing more is said of an item, part or text that is done."
    ADDED_STATE = (
        _ERROR,
        "A message (the assistant's) or call is added in progress; it, or reasoning, without content or arguments.",
    )
    PART_NOT_EMPTY = _WARNING, "A part is added with empty text; its text comes in deltas."
    PART_INDEX = _ERROR, "Parts are added with `content_index` or `summary_index` 0, 1, 2 ..."
    PART_KIND = _ERROR, "Parts and pieces are of a kind that their item and part can hold."
    ANNOTATION_INDEX = _ERROR, "Annotations are added with `annotation_index` 0, 1, 2 ..."
    TEXT_SUM = _ERROR, "A text that is done is all its deltas joined."
    PART_SUM = _ERROR, "A part that is done has the text, annotations and log probabilities that were told of it."
    LEFT_OPEN = _ERROR, "A text is done before its part, and the parts and arguments of an item before the item."
    DONE_ORDER = _ERROR, "Items are done in the order of `output_index`."
    ITEM_SUM = _ERROR, "An item that is done is what its events add up to."
    ITEM_STATUS = _ERROR, "A message, reasoning or call of the caller's that is done has a status that it can end with."
    TOOL_UNFINISHED = _WARNING, "Any other item that is done has a status that it can end with."
    PROGRESS_ORDER = _ERROR, "The steps of a tool's progress come in their order, and about an item of that tool."
    PROGRESS_MISSING = _WARNING, "A tool that completed has told each step of its progress."
    INTERLEAVED = (
        _WARNING,
        "Items follow one another, and so do parts; only calls of functions and custom tools go on side by side.",
    )
    EMPTY_MESSAGE = _WARNING, "A message that is completed has content."

    # The end
    NO_TERMINAL = (
        _ERROR,
        "The last event is `response.completed`, `.incomplete` or `.failed`, unless the response was cancelled.",
    )
    BROKEN_OFF = _ERROR, "The connection ends as its protocol says: clients raise an error on one that is cut."
    AFTER_TERMINAL = _ERROR, "Nothing comes after the terminal event."
    ERROR_NOT_LAST = _ERROR, "Nothing comes after an `error` event but `response.failed`."
    ERROR_FORM = _WARNING, "An `error` event tells the error nested in `error` and flat beside it: clients read either."
    ERROR_BEFORE_FAILED = _ERROR, "`response.failed` comes right after an `error` event."
    FAILED_ERROR = _ERROR, "A failed response, and no other, has an `error` with a code and a message."
    INCOMPLETE_REASON = _WARNING, "An incomplete response, and no other, has a reason in `incomplete_details`."
    COMPLETED_AT = _ERROR, "Only a completed response has `completed_at`."
    DISHONEST_COMPLETED = _ERROR, "A completed response has no item that was cut, but for runs of code."
    OPEN_ITEMS = _ERROR, "All items are done before the response is completed or incomplete."
    FINAL_OUTPUT = _ERROR, "The `output` of the terminal event equals the items of the stream, member for member."
    USAGE = _ERROR, "A completed or incomplete response has its `usage`."
    USAGE_SUM = _ERROR, "`total_tokens` is the sum of input and output, and no detail is more than what it is part of."

    def __init__(self, severity: Severity, text: str) -> None:
        self.severity = severity
        self.text = text

    @property
    def id(self) -> str:
        """Its name in reports."""
        return self.name.lower().replace("_", "-")
