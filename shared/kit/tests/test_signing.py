"""Signed texts: read by who has the key, for the purpose and the holder that they were made for."""

from hearback_kit.signing import Signer


def test_a_signed_text_is_read_again() -> None:
    signer = Signer("secret", "links")
    assert signer.read(signer.sign("7.12")) == "7.12"
    assert signer.read(signer.sign("7.12", "one browser"), "one browser") == "7.12"


def test_what_is_forged_or_of_another_purpose_or_holder_is_not() -> None:
    signer = Signer("secret", "links")
    signed = signer.sign("7.12")
    assert signer.read("8" + signed[1:]) is None
    assert signer.read(signed[:-1]) is None
    assert signer.read("7.12") is None
    assert signer.read("") is None
    assert Signer("secret", "cookies").read(signed) is None
    assert Signer("another", "links").read(signed) is None
    assert signer.read(signed, "one browser") is None
    assert signer.read(signer.sign("7.12", "one browser"), "another") is None


def test_links_that_were_mailed_before_stay_valid() -> None:
    signed = "7.12.1I5q7OOagdpLLa47grl7JY-0"
    assert Signer("secret", "hearback unsubscribe").sign("7.12") == signed
