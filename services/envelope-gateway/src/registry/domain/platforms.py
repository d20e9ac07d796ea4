"""Platforms of projects, with code snippets that send a first feedback."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final
from urllib.parse import quote, urlsplit


@dataclass(frozen=True, slots=True)
class Snippet:
    """Code to copy: where it belongs, and its language."""

    place: str
    language: str
    code: str


@dataclass(frozen=True, slots=True)
class Platform:
    """A platform by its name in the API.

    Its code has `%(dsn)s`, `%(quoted_dsn)s` for a query, and `%(dialog)s` for the address of the dialog's script.
    """

    name: str
    label: str
    templates: tuple[Snippet, ...]

    def snippets(self, dsn: str) -> list[Snippet]:
        """Return the code for a DSN."""
        parts = urlsplit(dsn)
        host = parts.netloc.rpartition("@")[2]
        prefix = parts.path.rpartition("/")[0]
        values = {
            "dsn": dsn,
            "quoted_dsn": quote(dsn, safe=""),
            "dialog": f"{parts.scheme}://{host}{prefix}/api/embed/error-page/",
        }
        return [replace(template, code=template.code % values) for template in self.templates]


def _shell(command: str) -> Snippet:
    return Snippet("Install", "shell", command)


def _dialog(place: str, event_id: str = "EVENT_ID") -> Snippet:
    source = f"%(dialog)s?eventId={event_id}&amp;dsn=%(quoted_dsn)s"
    return Snippet(place, "html", f'<script src="{source}" async></script>\n')


def _browser(package: str, place: str) -> tuple[Snippet, ...]:
    return (
        _shell(f"npm install {package}"),
        Snippet(
            place,
            "javascript",
            f'import * as Sentry from "{package}";\n\n'
            "Sentry.init({\n"
            '  dsn: "%(dsn)s",\n'
            '  // The widget: a button "Report a Bug" with a screenshot.\n'
            '  integrations: [Sentry.feedbackIntegration({ colorScheme: "system" })],\n'
            "});\n",
        ),
    )


_REACT: Final = (
    *_browser("@sentry/react", "At the start of the app, such as src/main.jsx"),
    Snippet(
        "Around what may crash: the dialog opens with the error",
        "javascript",
        "<Sentry.ErrorBoundary fallback={<p>Something went wrong.</p>} showDialog>\n"
        "  <App />\n"
        "</Sentry.ErrorBoundary>\n",
    ),
)
_NODE: Final = (
    _shell("npm install @sentry/node"),
    Snippet(
        "Before everything else",
        "javascript",
        'import * as Sentry from "@sentry/node";\n\nSentry.init({ dsn: "%(dsn)s" });\n',
    ),
    Snippet(
        "Where your users write to you",
        "javascript",
        "Sentry.captureFeedback({\n"
        '  message: "The export never ends.",\n'
        '  name: "Jane",\n'
        '  email: "jane@example.org",\n'
        "  associatedEventId: Sentry.lastEventId(), // if it is about an error\n"
        "});\n",
    ),
)
_PYTHON_DIALOG: Final = (
    "import sentry_sdk\n\n"
    "# In the handler of an error: the page shows the dialog for this event.\n"
    "event_id = sentry_sdk.last_event_id()\n"
)
_PYTHON: Final = (
    _shell("pip install sentry-sdk"),
    Snippet("At the start of the program", "python", 'import sentry_sdk\n\nsentry_sdk.init(dsn="%(dsn)s")\n'),
    Snippet("Where an error becomes a page", "python", _PYTHON_DIALOG),
    _dialog("In that page"),
)
_DJANGO: Final = (
    _shell('pip install "sentry-sdk[django]"'),
    Snippet(
        "settings.py", "python", 'import sentry_sdk\n\nsentry_sdk.init(dsn="%(dsn)s", send_default_pii=True)\n'
    ),
    Snippet(
        "views.py: the page of an error (handler500 in urls.py)",
        "python",
        "from django.shortcuts import render\n"
        "from sentry_sdk import last_event_id\n\n\n"
        "def handler500(request):\n"
        '    return render(request, "500.html", {"event_id": last_event_id()}, status=500)\n',
    ),
    _dialog("templates/500.html", "{{ event_id }}"),
)
_ANDROID: Final = (
    Snippet(
        "app/build.gradle.kts",
        "kotlin",
        'dependencies {\n  implementation("io.sentry:sentry-android:8.+")\n}\n',
    ),
    Snippet(
        "AndroidManifest.xml, within <application>",
        "xml",
        '<meta-data android:name="io.sentry.dsn" android:value="%(dsn)s" />\n',
    ),
    Snippet(
        "Where your users write to you",
        "kotlin",
        "import io.sentry.Sentry\n"
        "import io.sentry.protocol.Feedback\n\n"
        'val feedback = Feedback("The export never ends.").apply {\n'
        '  name = "Jane"\n'
        '  contactEmail = "jane@example.org"\n'
        "}\n"
        "Sentry.captureFeedback(feedback)\n",
    ),
)
_APPLE: Final = (
    Snippet(
        "Package.swift, or add the package in Xcode",
        "swift",
        '.package(url: "https://github.com/getsentry/sentry-cocoa", from: "8.46.0")\n',
    ),
    Snippet(
        "At the start of the app",
        "swift",
        'import Sentry\n\nSentrySDK.start { options in\n  options.dsn = "%(dsn)s"\n}\n',
    ),
    Snippet(
        "Where your users write to you",
        "swift",
        "SentrySDK.capture(feedback: .init(\n"
        '  message: "The export never ends.",\n'
        '  name: "Jane",\n'
        '  email: "jane@example.org"\n'
        "))\n",
    ),
)
_REACT_NATIVE: Final = (
    _shell("npm install @sentry/react-native"),
    Snippet(
        "App.js",
        "javascript",
        'import * as Sentry from "@sentry/react-native";\n\n'
        "Sentry.init({\n"
        '  dsn: "%(dsn)s",\n'
        "  integrations: [Sentry.feedbackIntegration()],\n"
        "});\n\n"
        "export default Sentry.wrap(App);\n",
    ),
    Snippet("Where your users write to you", "javascript", "Sentry.showFeedbackWidget();\n"),
)
_HTML: Final = (
    _dialog(
        "In the page of an error; EVENT_ID is the id of its event (32 hexadecimal digits) from your server",
    ),
)

PLATFORMS: Final[Mapping[str, Platform]] = MappingProxyType(
    {
        platform.name: platform
        for platform in (
            Platform("javascript", "Browser JavaScript", _browser("@sentry/browser", "At the start of the page")),
            Platform("javascript-react", "React", _REACT),
            Platform("javascript-nextjs", "Next.js", _browser("@sentry/nextjs", "instrumentation-client.js")),
            Platform("python", "Python", _PYTHON),
            Platform("python-django", "Django", _DJANGO),
            Platform("node", "Node.js", _NODE),
            Platform("android", "Android (Kotlin)", _ANDROID),
            Platform("apple-ios", "iOS (Swift)", _APPLE),
            Platform("react-native", "React Native", _REACT_NATIVE),
            Platform("other", "Plain HTML: the dialog alone", _HTML),
        )
    }
)
