"""What takes the notifier's mail: an SMTP server, or a folder that stands for one."""

from hearback_kit.mail import MailFolder, MailTransport, SmtpServer

from notifier.settings import Settings


def mail_transport(settings: Settings) -> MailTransport:
    """Return the server that is set up, or the folder when there is none."""
    if settings.smtp_url is None:
        return MailFolder(settings.mail_folder)
    return SmtpServer(
        settings.smtp_url.get_secret_value(),
        connections_max=settings.smtp_connections_max,
        seconds_max=settings.smtp_seconds_max,
    )
