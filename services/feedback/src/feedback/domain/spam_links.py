"""Addresses within a text, and whose they are: the page's own site, a well-known place, or another site.

People link to the page they write on, and to where they keep pictures, code and recordings; a link to a site that
is neither is what most form spam is sent for. Two hosts are of one site when their last labels are the same.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

OWN: Final = "own"
KNOWN: Final = "known"
FOREIGN: Final = "foreign"
UNPLACED: Final = "unplaced"  # which page the text was written on is not known
_ENDINGS: Final = (
    "xyz", "top", "click", "shop", "icu", "buzz", "online", "site", "live", "vip", "win", "bet", "loan", "cc",
    "ru", "cn", "biz", "info", "club", "pro", "store", "space", "agency", "gift", "cam", "website", "ink", "lol",
    "bid", "xxx", "porn", "sex", "casino", "poker", "app",
)  # fmt: skip
# Endings of hosts that are written without a scheme; none that is a common word or the ending of a file's name.
_BARE: Final = (*_ENDINGS, "com", "net", "org", "co", "io", "ai", "de", "fr", "pl", "eu", "uk", "br", "example")
LINK: Final = re.compile(
    r"(?:https?://|www\.)[^\s<>\"'\]]+"
    r"|(?<![a-z0-9.@-])(?!(?:asp|vb)\.net)(?:[a-z0-9-]{1,63}\.){1,3}(?:"
    + "|".join(_BARE)
    + r")(?![a-z0-9(-])(?:/\S*)?",
    re.IGNORECASE | re.ASCII,
)
# A dot set apart, or named, so that no filter sees the address: `casino . top`, `casino(dot)top`, `casino点com`.
_MAY_HIDE: Final = re.compile(r" \.|dot|punkt|punto|点|[\[({] ?\.", re.IGNORECASE)
_HIDDEN: Final = re.compile(
    r"(?<=[a-z0-9])(?: ?[\[({] ?(?:\.|dot|punkt|punto) ?[\])}] ?| dot | \. ?| ?点 ?)(?=(?:"
    + "|".join((*_BARE, "onion", "ly"))
    + r")(?![a-z0-9]))",
    re.IGNORECASE,
)
_MAY_LINK: Final = re.compile(r"\w\.\w|://")
_ADDRESS: Final = re.compile(r"(https?://)?(?:www\.)?([^\s/?#:@]+)(?::\d+)?([/?#]\S*)?", re.IGNORECASE)
_SCHEME: Final = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)
_LOCAL: Final = re.compile(r"localhost|[\d.:\[\]]+|.*\.(?:local|localhost|test|internal|lan)")
# Second labels that registries, and suffixes that hosters, give to many owners.
_REGISTRIES: Final = frozenset({"ac", "co", "com", "edu", "go", "gob", "gov", "ne", "net", "nom", "or", "org"})
_SHARED: Final = frozenset({
    "azurewebsites.net", "blogspot.com", "github.io", "gitlab.io", "herokuapp.com", "myshopify.com", "netlify.app",
    "pages.dev", "vercel.app", "web.app", "wordpress.com",
})  # fmt: skip
_PLACES: Final = frozenset({
    # pictures and recordings
    "cl.ly", "flic.kr", "giphy.com", "gyazo.com", "ibb.co", "icloud.com", "imgur.com", "jam.dev", "loom.com",
    "monosnap.com", "postimg.cc", "prnt.sc", "prntscr.com", "screencast.com", "screenrec.com", "snipboard.io",
    "streamable.com", "vimeo.com", "youtu.be", "youtube.com", "zight.com",
    # files and notes
    "1drv.ms", "box.com", "docs.google.com", "drive.google.com", "dropbox.com", "figma.com", "miro.com",
    "notion.site", "notion.so", "onedrive.live.com", "photos.app.goo.gl", "sharepoint.com", "wetransfer.com",
    # code and issues
    "atlassian.net", "bitbucket.org", "codepen.io", "codesandbox.io", "github.com", "gitlab.com", "jsfiddle.net",
    "linear.app", "npmjs.com", "pastebin.com", "pypi.org", "sentry.io", "stackblitz.com", "trello.com",
    # what is looked up
    "apple.com", "caniuse.com", "ietf.org", "microsoft.com", "mozilla.org", "play.google.com", "stackoverflow.com",
    "support.google.com", "w3.org", "wikipedia.org",
})  # fmt: skip


# Where people keep what they show, under a name that says so, and what they show by the ending of its file.
_KEEPER: Final = re.compile(
    r"shot|snap|paste|bin\.|drop|share|album|phot|pic|bild|ima?ge?\.|files?\.|cloud|clip|screen|docs\."
)
_FILE: Final = re.compile(
    r"\.(?:png|jpe?g|gif|webp|heic|mp4|mov|webm|pdf|zip|txt|log|har|json|csv)\b", re.IGNORECASE
)
# First labels of the hosts that give anybody an address.
_MAIL: Final = frozenset({
    "126", "163", "aol", "example", "free", "gmail", "gmx", "googlemail", "hotmail", "hushmail", "icloud",
    "laposte", "libero", "live", "mail", "mailbox", "me", "msn", "naver", "o2", "orange", "outlook", "posteo",
    "proton", "protonmail", "qq", "rambler", "seznam", "t-online", "tutanota", "web", "wp", "yahoo", "yandex",
    "zoho",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Link:
    """A link of a text: its host without `www.`, whose it is, and how it was written."""

    host: str
    belongs: str
    is_bare: bool
    has_path: bool


def unveil(text: str) -> str:
    """Return a text in which addresses that were written apart are whole."""
    return _HIDDEN.sub(".", text) if _MAY_HIDE.search(text) else text


def links_of(text: str, page: str | None) -> list[Link]:
    """Return the links of a text written on this page, if any is known."""
    if not _MAY_LINK.search(text):
        return []
    site = page_site(page)
    return [read_link(link, site) for link in LINK.findall(text)]


def belongs(host: str, site: str) -> str:
    """Return whose a host is for somebody on a page of this site; the site is empty when no page is known."""
    if site and (host == site or host.endswith(f".{site}")):
        return OWN
    if host in _PLACES or site_of(host) in _PLACES or _LOCAL.fullmatch(host):
        return KNOWN
    return FOREIGN if site else UNPLACED


def is_mail_host(host: str) -> bool:
    """Return whether a host gives anybody an address, whatever they do."""
    return site_of(host).partition(".")[0] in _MAIL


@lru_cache(maxsize=1_024)
def page_site(page: str | None) -> str:
    """Return the site of a page's address; empty for none, an app's page or one on the sender's own machine."""
    if not page or (_SCHEME.match(page) and not page[:8].casefold().startswith(("http://", "https://"))):
        return ""
    found = _ADDRESS.match(page)
    host = found[2].casefold() if found else ""
    return "" if "." not in host or _LOCAL.fullmatch(host) else site_of(host)


def site_of(host: str) -> str:
    """Return the part of a host that one owner registers, judged by its last labels."""
    labels = host.rsplit(".", 3)
    is_of_country = len(labels) > 1 and len(labels[-1]) == 2 and labels[-2] in _REGISTRIES
    is_shared = is_of_country or ".".join(labels[-2:]) in _SHARED
    return ".".join(labels[-3 if is_shared else -2 :])


def read_link(link: str, site: str) -> Link:
    """Return a link of a text that was written on a page of this site."""
    found = _ADDRESS.match(link)
    if found is None:
        return Link("", UNPLACED, is_bare=False, has_path=True)
    host = found[2].casefold().rstrip(".,;!)")
    is_bare = found[1] is None and link[:4].casefold() != "www."
    whose = belongs(host, site)
    if whose == FOREIGN and found[3] and (_KEEPER.search(host) or _FILE.search(found[3])):
        whose = KNOWN
    return Link(host, whose, is_bare, bool(found[3]))
