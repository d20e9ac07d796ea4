"""Search queries of every kind, for Hypothesis."""

from feedback.domain.search_keys import ALIASES, KEYS
from hypothesis import strategies as st

KEY = st.sampled_from(sorted(KEYS | ALIASES.keys())) | st.text("abAB_.-", min_size=1, max_size=5)
VALUE = (
    st.text(max_size=12)
    | st.sampled_from(["", "*", "-24h", "+9999w", ">2026-01-01", '"x y"', "[a,b]", "[]", ">=5", "id:42", "me"])
    | st.sampled_from(["linked", "new", "true", "high", "null", "9999-12-31", "0001-01-01", "1" * 30])
)
TERM = st.builds(lambda key, value, sign: f"{sign}{key}:{value}", KEY, VALUE, st.sampled_from(["", "!"]))
QUERIES = st.lists(TERM | st.text(max_size=10), max_size=6).map(" ".join) | st.text(max_size=60)
