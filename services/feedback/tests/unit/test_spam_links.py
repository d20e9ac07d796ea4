"""Whose a link is: the page's own site, a well-known place, or another site."""

import pytest
from feedback.domain.spam import Content, judge_by_rules
from feedback.domain.spam_features import extract
from feedback.domain.spam_links import links_of, page_site, site_of
from hypothesis import given
from hypothesis import strategies as st

PAGE = "https://www.shop.example/cart?step=2"


@pytest.mark.parametrize(
    ("text", "page", "belongs"),
    [
        ("see https://shop.example/help", PAGE, "own"),
        ("see HTTPS://Docs.Shop.example:8443/help", PAGE, "own"),
        ("your site shop.example ranks low", PAGE, "own"),
        ("see https://shop.example.top/", PAGE, "foreign"),
        ("see https://myshop.example/", PAGE, "foreign"),
        ("see bestpills.top", PAGE, "foreign"),
        ("see bestpills . top", PAGE, "foreign"),
        ("see bestpills(dot)top", PAGE, "foreign"),
        ("https://imgur.com/a/x81", PAGE, "known"),
        ("https://docs.google.com/document/d/1", PAGE, "known"),
        ("https://sites.google.com/view/pills", PAGE, "foreign"),
        ("https://acme.atlassian.net/browse/A-1", PAGE, "known"),
        ("http://localhost:3000/", PAGE, "known"),
        ("http://127.0.0.1:9000/", PAGE, "known"),
        ("https://b.co.uk/", "https://a.co.uk/", "foreign"),
        ("https://b.a.co.uk/", "https://a.co.uk/", "own"),
        ("https://eve.github.io/", "https://ada.github.io/", "foreign"),
        ("https://pills.example/", None, "unplaced"),
        ("https://pills.example/", "app://wallet/send", "unplaced"),
        ("https://pills.example/", "http://localhost:5173/", "unplaced"),
        ("https://pills.example/", "", "unplaced"),
    ],
)
def test_whose_a_link_is(text: str, page: str | None, belongs: str) -> None:
    signs = extract(text, page=page).signs
    expected = {"own": "own_link", "known": "known_link", "foreign": "foreign_link", "unplaced": "link"}
    assert expected[belongs] in signs
    assert ("link" in signs) is (belongs in {"foreign", "unplaced"})
    assert ("foreign_link" in signs) is (belongs == "foreign")


@pytest.mark.parametrize(
    "text", ["page 3.5 of docs.", "a . b", "file.txt and main.py", "", "ends.", "wait . please"]
)
def test_no_link_is_found_where_none_is(text: str) -> None:
    assert links_of(text, PAGE) == []
    assert "links:0" in extract(text, page=PAGE).signs


def test_rules_do_not_count_links_to_the_page_itself() -> None:
    text = "https://shop.example/a https://shop.example/b"
    assert judge_by_rules(Content(text, page=PAGE)).signs == ()
    assert judge_by_rules(Content(text)).signs == ("only_links", "link_density")


@pytest.mark.parametrize(
    ("email", "text", "sign"),
    [
        ("sales@cheap-pills.example", "hello", "wares_in_address"),
        ("ann@mail.acme.com", "see https://acme.com/x", "links_to_sender"),
        ("ann@shop.example", "see https://shop.example/x", None),
        ("", "see https://acme.com/x", None),
    ],
)
def test_signs_of_the_sender(email: str, text: str, sign: str | None) -> None:
    signs = extract(text, page=PAGE, email=email).signs
    assert {"wares_in_address", "links_to_sender"} & set(signs) == ({sign} if sign else set())


def test_a_disguise_is_seen_through() -> None:
    for text in ("buy v1agra", "f r e e s e x chat", "look at pills [.] top"):
        assert "disguise" in extract(text).signs
    for text in ("buy viagra", "Error 404 in v1.2 of h264", "a b c", "https://a.example/x1y"):
        assert "disguise" not in extract(text).signs


def test_a_ware_is_on_topic_where_the_page_is_about_it() -> None:
    assert "on_topic" in extract("the slots do not spin", page="https://lucky-casino.example/").signs
    assert "off_topic" in extract("the slots do not spin", page=PAGE).signs


@given(st.text(max_size=300), st.text(max_size=60))
def test_every_text_and_page_can_be_read(text: str, page: str) -> None:
    assert all(link.belongs in {"own", "known", "foreign", "unplaced"} for link in links_of(text, page))
    assert site_of(page_site(page)) == page_site(page)
    extract(text, text, page, text)
