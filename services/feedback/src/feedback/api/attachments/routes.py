"""Attachments of an event, of feedback and of errors alike (protocol: feedback#attachment-api)."""

import re
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse
from hearback_fleet.access import EVENT_READ, EVENT_WRITE, ProjectScope, project_scope
from hearback_fleet.audit import audit_of
from hearback_kit.api.paging import page_link
from hearback_kit.blobs import BlobMissing
from hearback_kit.errors import BadRequest, NotFound, Unavailable
from hearback_kit.values.ids import parse_id

from feedback.api.attachments.downloads import SAFE_HEADERS, disposition, is_current, part_of
from feedback.api.deps import StateDep
from feedback.api.serializers import attachment
from feedback.domain.context import parse_any_event_id
from feedback.domain.files import media_type
from feedback.errors import NoThumbnail
from feedback.service.app_state import AppState
from feedback.service.delete_feedback import delete_attachment as mark_deleted
from feedback.service.make_thumbnail import MEDIA_TYPE
from feedback.store.attachments import Attachment, event_exists, find_attachment, list_attachments

Reader = Annotated[ProjectScope, project_scope(*EVENT_READ)]
Deleter = Annotated[ProjectScope, project_scope(*EVENT_WRITE)]
EventId = Annotated[str, Path(description="Id of the feedback's or error's event.", max_length=100)]
AttachmentId = Annotated[str, Path(description="Id of the attachment.", max_length=32)]
OFFSET_MAX = 100_000
_CURSOR = re.compile(r"0:(\d{1,6}):[01]\Z", re.ASCII)
_KEY = re.compile(r"!?[A-Za-z_.]+:")

router = APIRouter(
    prefix="/api/0/projects/{organization}/{project}/events/{event_id}/attachments", tags=["attachments"]
)


@router.get(
    "/",
    operation_id="listAttachments",
    response_model=list[dict[str, Any]],
    summary="List an event's attachments, by name",
)
async def list_event_attachments(
    request: Request,
    state: StateDep,
    scope: Reader,
    event_id: EventId,
    query: Annotated[str, Query(description="Part of a name, or `is:screenshot`.", max_length=200)] = "",
    cursor: Annotated[str | None, Query(max_length=50)] = None,
    per_page: Annotated[int, Query(ge=1, le=100)] = 100,
) -> Response:
    """Return the attachments of an event in the order of their names, with a `Link` header."""
    event, offset, names = _event_id(event_id), _offset(cursor), _names(query)
    async with state.database.connection() as connection:
        rows = []
        if names is not None:
            rows = await list_attachments(
                connection, scope.project.id, event, name_contains=names, limit=per_page + 1, offset=offset
            )
        known = bool(rows) or await event_exists(connection, scope.project.id, event)
    if not known and not await _is_error_event(state, scope.project.id, event):
        raise NotFound("Event not found")
    link = page_link(
        request,
        previous=f"0:{max(0, offset - per_page)}:1",
        has_previous=offset > 0,
        next_cursor=f"0:{offset + per_page}:0",
        has_next=len(rows) > per_page,
    )
    return JSONResponse([attachment(row) for row in rows[:per_page]], headers={"Link": link})


def _event_id(text: str) -> str:
    event_id = parse_any_event_id(text)
    if event_id is None:
        raise NotFound("Event not found")
    return event_id


async def _is_error_event(state: AppState, project_id: int, event_id: str) -> bool:
    """Return whether the index has this error event; False while the index cannot be reached."""
    index = state.error_events
    try:
        return index.is_configured and event_id in await index.find(project_id, [event_id])
    except Unavailable:
        return False


def _offset(cursor: str | None) -> int:
    if not cursor:
        return 0
    match = _CURSOR.match(cursor)
    if match is None or int(match[1]) > OFFSET_MAX:
        raise BadRequest("Invalid cursor parameter.", code="invalid_cursor")
    return int(match[1])


def _names(query: str) -> list[str] | None:
    """Return the words that an attachment's name has to contain; None for a query that matches nothing."""
    names = []
    for word in query.split():
        if word == "is:screenshot":
            names.append("screenshot")
        elif _KEY.match(word):
            return None
        else:
            names.append(word)
    return names


async def _find(state: AppState, project_id: int, event_id: str, attachment_id: str) -> Attachment:
    event, number = _event_id(event_id), parse_id(attachment_id)
    row = None
    if number is not None:
        row = await state.database.read(find_attachment, project_id, event, number)
    if row is None:
        raise NotFound("Attachment not found")
    return row


@router.get(
    "/{attachment_id}/",
    operation_id="getAttachment",
    response_model=dict[str, Any],
    summary="Get an attachment; its bytes with `?download`",
    responses={206: {"description": "A part of the bytes."}, 304: {"description": "Not modified."}},
)
async def get_attachment(
    request: Request,
    state: StateDep,
    scope: Reader,
    event_id: EventId,
    attachment_id: AttachmentId,
    download: Annotated[str | None, Query(description="With any value: the bytes.")] = None,
    thumbnail: Annotated[str | None, Query(description="With any value: a small picture of an image.")] = None,
) -> Response:
    """Return an attachment's record; with `download` its bytes, with `thumbnail` a preview."""
    row = await _find(state, scope.project.id, event_id, attachment_id)
    if thumbnail is not None:
        return await _thumbnail(request, state, row)
    if download is not None:
        return await _download(request, state, row)
    return JSONResponse(attachment(row))


async def _download(request: Request, state: AppState, row: Attachment) -> Response:
    tag = f'"{row.sha1}"'
    headers = {**SAFE_HEADERS, "ETag": tag, "Content-Disposition": disposition(row.name)}
    if is_current(request.headers.get("if-none-match"), tag):
        return Response(status_code=304, headers=headers)
    wanted = request.headers.get("range")
    if request.headers.get("if-range", tag) != tag:
        wanted = None
    part = part_of(wanted, row.size)
    if not await state.blobs.exists(row.blob_key):
        raise NotFound("Attachment not found")
    headers["Content-Length"] = str(part.end - part.start)
    if not part.is_whole:
        headers["Content-Range"] = f"bytes {part.start}-{part.end - 1}/{part.size}"
    return StreamingResponse(
        state.blobs.stream(row.blob_key, part.start, part.end),
        status_code=200 if part.is_whole else 206,
        headers=headers | {"Content-Type": media_type(row.content_type)},
    )


async def _thumbnail(request: Request, state: AppState, row: Attachment) -> Response:
    headers = {**SAFE_HEADERS, "Cache-Control": "private, max-age=86400", "ETag": f'"{row.sha1}-thumbnail"'}
    headers.pop("Accept-Ranges")
    if is_current(request.headers.get("if-none-match"), headers["ETag"]):
        return Response(status_code=304, headers=headers)
    if row.size > state.settings.image_bytes_max:
        raise NoThumbnail("The file is too large for a thumbnail.")
    async with state.thumbnails.slots:
        try:
            picture = await state.thumbnails.make(await state.blobs.get(row.blob_key))
        except BlobMissing as error:
            raise NotFound("Attachment not found") from error
    return Response(picture, media_type=MEDIA_TYPE, headers=headers | {"Content-Disposition": "inline"})


@router.delete(
    "/{attachment_id}/",
    operation_id="deleteAttachment",
    status_code=204,
    response_class=Response,
    summary="Delete an attachment",
)
async def delete_attachment(
    request: Request, state: StateDep, scope: Deleter, event_id: EventId, attachment_id: AttachmentId
) -> Response:
    """Delete an attachment; its bytes follow within seconds."""
    row = await _find(state, scope.project.id, event_id, attachment_id)
    audit = await audit_of(request, scope)
    await mark_deleted(state.unit_of_work, audit, row, scope.project.slug)
    return Response(status_code=204)
