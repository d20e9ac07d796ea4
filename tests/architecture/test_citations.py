"""Every citation of the protocol pages leads to a heading that is there."""

import re
from pathlib import Path

from test_rules import ROOT, files, named

PAGES = ROOT / "deploy/docs/protocol"
CITATION = re.compile(r"(?<!\w)\(protocol: ([^)]+)\)")
# Documents that no reader of the repository can open.
UNREACHABLE = re.compile(
    r"\(reference:|\bsdk-wire\b|\bingestion-protocol\b|\bfeedback-backend\b|\bdesign \d|\bpeers \d"
)
LINK = re.compile(r"\]\(([^)#\s]*)(?:#([^)\s]+))?\)")


def slug(heading: str) -> str:
    """Return the anchor that Markdown renderers give a heading."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def anchors(page: Path) -> set[str]:
    """Return the anchors of all headings of a page."""
    return {slug(line.lstrip("#")) for line in page.read_text().splitlines() if line.startswith("#")}


def texts() -> list[tuple[Path, str]]:
    return [
        (path, path.read_text()) for path in files() if path.suffix in {".py", ".md"} and path != Path(__file__)
    ]


def test_every_citation_resolves() -> None:
    known = {page.stem: anchors(page) for page in PAGES.glob("*.md")}
    cited, broken = 0, []
    for path, text in texts():
        for found in CITATION.finditer(re.sub(r"\s*\n\s*(?:# )?", " ", text)):
            for target in re.split(r",\s*", found.group(1)):
                page, _, anchor = target.strip().partition("#")
                cited += 1
                if page not in known or (anchor and anchor not in known[page]):
                    broken.append(f"{named(path)}: {target}")
    assert broken == []
    assert cited > 40


def test_nothing_cites_what_no_reader_can_open() -> None:
    found = [f"{named(path)}: {hit}" for path, text in texts() for hit in set(UNREACHABLE.findall(text))]
    assert found == []


def test_every_link_between_pages_resolves() -> None:
    broken = []
    for path, text in texts():
        if path.suffix != ".md":
            continue
        for target, anchor in LINK.findall(text):
            if "://" in target or target.startswith("mailto:"):
                continue
            page = (path.parent / target).resolve() if target else path
            if not page.exists() or (anchor and page.suffix == ".md" and anchor not in anchors(page)):
                broken.append(f"{named(path)}: {target}#{anchor}")
    assert broken == []


def test_every_file_named_in_the_documents_exists() -> None:
    missing = []
    for path in [ROOT / "ARCHITECTURE.md", *sorted((ROOT / "deploy/docs/decisions").glob("*.md"))]:
        names = re.findall(r"`((?:services|shared|deploy|tests)/[\w./-]+)`", path.read_text())
        missing += [f"{named(path)}: {name}" for name in names if not (ROOT / name).exists()]
    assert missing == []
