"""Platforms of projects, with code snippets that send a first feedback."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
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
    """A platform by its name in the API; `snippets` returns its code for a DSN."""

    name: str
    label: str
    snippets: Callable[[str], tuple[Snippet, ...]]


def _shell(command: str) -> Snippet:
    return Snippet("Install", "shell", command)


def _javascript(package: str, place: str) -> Callable[[str], tuple[Snippet, ...]]:
    def snippets(dsn: str) -> tuple[Snippet, ...]:
        return (
            _shell(f"npm install {package}"),
            Snippet(
                place,
                "javascript",
                f'import * as Sentry from "{package}";\n\n'
                "Sentry.init({\n"
                f'  dsn: "{dsn}",\n'
                '  // The widget: a button "Report a Bug" with a screenshot.\n'
                '  integrations: [Sentry.feedbackIntegration({ colorScheme: "system" })],\n'
                "});\n",
            ),
        )

    return snippets


def _react(dsn: str) -> tuple[Snippet, ...]:
    return (
        *_javascript("@sentry/react", "At the start of the app, such as src/main.jsx")(dsn),
        Snippet(
            "Around what may crash: the dialog opens with the error",
            "javascript",
            "<Sentry.ErrorBoundary fallback={<p>Something went wrong.</p>} showDialog>\n"
            "  <App />\n"
            "</Sentry.ErrorBoundary>\n",
        ),
    )


def _node(dsn: str) -> tuple[Snippet, ...]:
    return (
        _shell("npm install @sentry/node"),
        Snippet(
            "Before everything else",
            "javascript",
            f'import * as Sentry from "@sentry/node";\n\nSentry.init({{ dsn: "{dsn}" }});\n',
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


def _python(dsn: str) -> tuple[Snippet, ...]:
    return (
        _shell("pip install sentry-sdk"),
        Snippet("At the start of the program", "python", f'import sentry_sdk\n\nsentry_sdk.init(dsn="{dsn}")\n'),
        Snippet("Where an error becomes a page", "python", _PYTHON_DIALOG),
        _modal_script(dsn, "In that page"),
    )


def _django(dsn: str) -> tuple[Snippet, ...]:
    return (
        _shell('pip install "sentry-sdk[django]"'),
        Snippet(
            "settings.py", "python", f'import sentry_sdk\n\nsentry_sdk.init(dsn="{dsn}", send_default_pii=True)\n'
        ),
        Snippet(
            "views.py: the page of an error (handler500 in urls.py)",
            "python",
            "from django.shortcuts import render\n"
            "from sentry_sdk import last_event_id\n\n\n"
            "def handler500(request):\n"
            '    return render(request, "500.html", {"event_id": last_event_id()}, status=500)\n',
        ),
        _modal_script(dsn, "templates/500.html", "{{ event_id }}"),
    )


def _android(dsn: str) -> tuple[Snippet, ...]:
    return (
        Snippet(
            "app/build.gradle.kts",
            "kotlin",
            'dependencies {\n  implementation("io.sentry:sentry-android:8.+")\n}\n',
        ),
        Snippet(
            "AndroidManifest.xml, within <application>",
            "xml",
            f'<meta-data android:name="io.sentry.dsn" android:value="{dsn}" />\n',
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


def _apple(dsn: str) -> tuple[Snippet, ...]:
    return (
        Snippet(
            "Package.swift, or add the package in Xcode",
            "swift",
            '.package(url: "https://github.com/getsentry/sentry-cocoa", from: "8.46.0")\n',
        ),
        Snippet(
            "At the start of the app",
            "swift",
            f'import Sentry\n\nSentrySDK.start {{ options in\n  options.dsn = "{dsn}"\n}}\n',
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


def _react_native(dsn: str) -> tuple[Snippet, ...]:
    return (
        _shell("npm install @sentry/react-native"),
        Snippet(
            "App.js",
            "javascript",
            'import * as Sentry from "@sentry/react-native";\n\n'
            "Sentry.init({\n"
            f'  dsn: "{dsn}",\n'
            "  integrations: [Sentry.feedbackIntegration()],\n"
            "});\n\n"
            "export default Sentry.wrap(App);\n",
        ),
        Snippet("Where your users write to you", "javascript", "Sentry.showFeedbackWidget();\n"),
    )


def _modal_script(dsn: str, place: str, event_id: str = "EVENT_ID") -> Snippet:
    parts = urlsplit(dsn)
    host = parts.netloc.rpartition("@")[2]
    prefix = parts.path.rpartition("/")[0]
    address = f"{parts.scheme}://{host}{prefix}/api/embed/error-page/"
    return Snippet(
        place,
        "html",
        f'<script src="{address}?eventId={event_id}&amp;dsn={quote(dsn, safe="")}" async></script>\n',
    )


def _html(dsn: str) -> tuple[Snippet, ...]:
    return (
        _modal_script(
            dsn,
            "In the page of an error; EVENT_ID is the id of its event (32 hexadecimal digits) from your server",
        ),
    )


PLATFORMS: Final[Mapping[str, Platform]] = MappingProxyType(
    {
        platform.name: platform
        for platform in (
            Platform(
                "javascript", "Browser JavaScript", _javascript("@sentry/browser", "At the start of the page")
            ),
            Platform("javascript-react", "React", _react),
            Platform("javascript-nextjs", "Next.js", _javascript("@sentry/nextjs", "instrumentation-client.js")),
            Platform("python", "Python", _python),
            Platform("python-django", "Django", _django),
            Platform("node", "Node.js", _node),
            Platform("android", "Android (Kotlin)", _android),
            Platform("apple-ios", "iOS (Swift)", _apple),
            Platform("react-native", "React Native", _react_native),
            Platform("other", "Plain HTML: the dialog alone", _html),
        )
    }
)


def platform_of(name: str | None) -> Platform:
    """Return a platform by its name in the API, else browser JavaScript."""
    return PLATFORMS.get(name or "") or PLATFORMS["javascript"]
