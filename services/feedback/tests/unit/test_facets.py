"""Search terms: the same when stored and when searched for."""

from feedback.domain.facets import facet, facets_of, presence, words_of


def test_stored_terms_are_the_terms_asked_for() -> None:
    pairs = [("Key", "VALUE"), ("key", "value"), ("k" * 250, "v"), ("x", "v" * 250), ("İ", "İI"), ("none", None)]
    asked = {term for key, value in pairs if value for term in (presence(key), facet(key, value))}
    assert set(facets_of(pairs)) == asked
    assert max(map(len, asked)) == 200


def test_words_split_unspaced_scripts() -> None:
    assert words_of("Zahlung-Fehler: ÄÖÜ_ß") == ["zahlung", "fehler", "äöü", "ss"]
    assert words_of("支付 page") == ["支", "付", "page"]
