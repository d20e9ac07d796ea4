"""View models of the templates: rows of the list, and the detail of one feedback."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from hearback_contracts.config import MemberRef, OrganizationConfig
from hearback_web.texts import gettext as _
from hearback_web.words import source_words

from feedback.domain.activity import ASSIGNED, STATUS, Activity
from feedback.domain.feedback import Feedback, FeedbackDetail
from feedback.domain.files import file_name, media_type
from feedback.domain.payload import mapping, text
from feedback.domain.search import quoted, tag_name
from feedback.domain.statuses import RESOLVED, UNRESOLVED
from feedback.pages.params import View
from feedback.store.attachments import Attachment

# Shown inline; anything else is a download. Sentry's widget sends `application/png`.
SHOWN_IMAGES: Final = frozenset(
    {"image/png", "image/jpeg", "image/webp", "image/gif", "application/png", "image/x-png", "image/jpg"}
)
PREVIEW_CHARACTERS: Final = 240
TAGS_SHOWN: Final = 24
ATTACHMENTS_MAX: Final = 100


def slug_of(organization: OrganizationConfig, feedback: Feedback) -> str:
    """Return the `feedbackSlug` of a feedback: project slug and id."""
    return f"{organization.project_slug(feedback.project_id)}:{feedback.id}"


@dataclass(frozen=True, slots=True)
class Row:
    """A feedback in a list, with what depends on the list, and on the organization."""

    feedback: Feedback
    url: str
    person: str | None
    preview: str
    project: str
    has_attachments: bool
    is_open: bool
    assignee: MemberRef | None


def person_of(feedback: Feedback) -> str | None:
    """Return the sender's name or address, or None."""
    given = (feedback.name, feedback.contact_email, feedback.user_email, feedback.user_name)
    return next((one for one in given if one and one.strip()), None)


def rows_of(
    organization: OrganizationConfig, view: View, found: Iterable[Feedback], with_attachments: Collection[int] = ()
) -> list[Row]:
    return [
        Row(
            feedback=one,
            url=view.url(organization.slug, slug=slug_of(organization, one)),
            person=person_of(one),
            preview=" ".join(one.message[:PREVIEW_CHARACTERS].split()),
            project=organization.project_slug(one.project_id),
            has_attachments=one.id in with_attachments,
            is_open=one.id == view.open_id,
            assignee=organization.member(one.assigned_to),
        )
        for one in found
    ]


@dataclass(frozen=True, slots=True)
class File:
    """An attachment; `preview_url` is a thumbnail of an image that is shown inline."""

    id: int
    name: str
    kind: str
    size: int
    url: str
    preview_url: str | None


def sorted_files(organization: OrganizationConfig, found: Iterable[Attachment]) -> tuple[list[File], list[File]]:
    """Return attachments, with the API URLs that serve them, as two lists: inline images, and downloads."""
    files = []
    for one in found:
        project = organization.project_slug(one.project_id)
        kind = media_type(one.content_type)
        path = f"/api/0/projects/{organization.slug}/{project}/events/{one.event_id}/attachments/{one.id}/"
        preview = f"{path}?thumbnail=1" if kind in SHOWN_IMAGES else None
        files.append(File(one.id, file_name(one.name), kind, one.size, f"{path}?download=1", preview))
    return [file for file in files if file.preview_url], [file for file in files if not file.preview_url]


@dataclass(frozen=True, slots=True)
class Fact:
    """A labelled value, with a search for everything that shares it."""

    label: str
    value: str
    search_url: str | None = None


@dataclass(frozen=True, slots=True)
class Tag:
    """A tag with a search for its value."""

    key: str
    value: str
    url: str


@dataclass(frozen=True, slots=True)
class Step:
    """A change of the feedback, in words."""

    at: datetime
    who: str | None
    text: str


def detail_of(
    organization: OrganizationConfig, feedback: FeedbackDetail, attachments: Sequence[Attachment], public_url: str
) -> dict[str, Any]:
    """Return what the page of a feedback shows."""
    images, files = sorted_files(organization, attachments)
    slug = slug_of(organization, feedback)
    email = feedback.contact_email or feedback.user_email
    contexts = mapping(feedback.event.get("contexts"))
    return {
        "feedback": feedback,
        "slug": slug,
        "project": organization.project_slug(feedback.project_id),
        "permalink": public_url.rstrip("/") + View(slug=slug).url(organization.slug),
        "url": feedback.url,
        "email": email,
        "email_is_link": bool(email) and _is_address(str(email)),
        "assignee": organization.member(feedback.assigned_to),
        "images": images,
        "files": files,
        "facts": _facts(organization, feedback, contexts),
        "tags": [
            Tag(key, value, _search_url(organization, tag_name(key), value)) for key, value in feedback.event_tags
        ],
        "replay_id": text(mapping(contexts.get("replay")).get("replay_id")) or None,
        "raw_url": f"/api/0/organizations/{organization.slug}/issues/{feedback.id}/events/latest/",
        "source_name": source_words().get(feedback.source, feedback.source),
        "spam": feedback.evidence,
    }


def _is_address(value: str) -> bool:
    return value.isprintable() and value.count("@") == 1 and not any(c in value for c in " <>,;?&#\"'")


def _search_url(organization: OrganizationConfig, key: str, value: str) -> str:
    """Return the URL of a search in all mailboxes."""
    return View(mailbox="all", query=f"{key}:{quoted(value)}").url(organization.slug)


def _facts(organization: OrganizationConfig, feedback: FeedbackDetail, contexts: dict[str, Any]) -> list[Fact]:
    """Return the facts about the sender's environment that are known."""
    sdk = mapping(feedback.event.get("sdk"))
    named = (
        (_("Environment"), "environment", feedback.environment),
        (_("Release"), "release", feedback.release),
        (_("Dist"), "dist", feedback.dist),
        (_("Platform"), "platform", feedback.platform),
        (_("User id"), "user.id", feedback.user_id),
        (_("User name"), "user.username", feedback.user_name),
        (_("Transaction"), "transaction", text(mapping(feedback.event.get("additional")).get("transaction"))),
    )
    facts = [Fact(label, value, _search_url(organization, key, value)) for label, key, value in named if value]
    for key, label in (("browser", _("Browser")), ("os", _("System")), ("device", _("Device"))):
        context = mapping(contexts.get(key))
        value = " ".join(part for part in (text(context.get("name")), text(context.get("version"))) if part)
        if value:
            name = text(context.get("name")) or value
            facts.append(Fact(label, value, _search_url(organization, f"{key}.name", name)))
    if feedback.sdk_name:
        label = " ".join(part for part in (feedback.sdk_name, text(sdk.get("version"))) if part)
        facts.append(Fact(_("SDK"), label, _search_url(organization, "sdk.name", feedback.sdk_name)))
    return facts


def steps_of(organization: OrganizationConfig, changes: Iterable[Activity]) -> list[Step]:
    """Return changes in words, as the activity lists them."""
    names = {member.email: member.name or member.email for member in organization.members}
    return [
        Step(change.at, names.get(change.actor or "", change.actor), _words(organization, change))
        for change in changes
    ]


def _words(organization: OrganizationConfig, change: Activity) -> str:
    if change.kind == STATUS:
        if change.after["status"] == UNRESOLVED:
            was_resolved = change.before["status"] == RESOLVED
            return _("moved it back to the inbox") if was_resolved else _("marked it as not spam")
        return _("resolved it") if change.after["status"] == RESOLVED else _("marked it as spam")
    if change.kind == ASSIGNED:
        member = organization.member(change.after["assigned_to"])
        return _("assigned it to {}").format(member.name or member.email) if member else _("unassigned it")
    return _("set its priority to {}").format(change.after["priority"])
