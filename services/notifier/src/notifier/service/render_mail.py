"""Render the templates of mails, with inlined styles."""

from collections.abc import Mapping
from importlib import resources
from typing import Any

from css_inline import CSSInliner
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from notifier.domain.mail import Renderer


def mail_renderer() -> Renderer:
    """Return the renderer of the text and HTML parts; templates are loaded once."""
    environment = Environment(
        loader=PackageLoader("notifier", "templates"),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
    )
    html, text = environment.get_template("mail.html"), environment.get_template("mail.txt")
    css = resources.files("notifier").joinpath("templates/mail.css").read_text()
    inliner = CSSInliner(keep_style_tags=False, keep_at_rules=True, load_remote_stylesheets=False)

    def render(values: Mapping[str, Any]) -> tuple[str, str]:
        return text.render(**values), inliner.inline(html.render(**values, css=css))

    return render
