"""Settings of the gateway."""

from pathlib import Path
from typing import ClassVar

from hearback_kit.settings import ServiceSettings, bounded
from pydantic import Field
from pydantic_settings import SettingsConfigDict

from envelope_gateway.domain.sizes import KIB, MIB, Limits


class Settings(ServiceSettings):
    """Settings of the gateway; sizes are in bytes after decoding (protocol: limits#sizes-and-counts)."""

    model_config = SettingsConfigDict(env_prefix="ENVELOPE_GATEWAY_")
    service: ClassVar[str] = "envelope-gateway"

    envelope_bytes_max: int = bounded(200 * MIB, KIB, 1024 * MIB, "Bytes of an envelope.")
    event_bytes_max: int = bounded(MIB, KIB, 16 * MIB, "Bytes of an event, of a feedback, and of a /store/ body.")
    user_report_bytes_max: int = bounded(MIB, KIB, 16 * MIB, "Bytes of a user report.")
    attachment_bytes_max: int = bounded(
        200 * MIB, 0, 1024 * MIB, "Bytes of one attachment; projects may have less."
    )
    attachments_bytes_max: int = bounded(200 * MIB, 0, 1024 * MIB, "Bytes of all attachments of an envelope.")
    attachments_count_max: int = bounded(30, 0, 500, "Attachments and user reports of an envelope together.")
    client_reports_bytes_max: int = bounded(
        100 * KIB, KIB, 16 * MIB, "Bytes of all client reports of an envelope."
    )
    client_reports_count_max: int = bounded(100, 1, 500, "Client reports of an envelope.")
    body_memory_max: int = bounded(
        2 * MIB, 64 * KIB, 64 * MIB, "Bytes of a body held in memory; more goes to a file."
    )
    bodies_memory_max: int = bounded(
        256 * MIB, MIB, 64 * 1024 * MIB, "Bytes of all bodies held in memory; then 503."
    )
    bodies_memory_reserve: int = bounded(
        64 * MIB, 0, 64 * 1024 * MIB, "Bytes of these that incomplete bodies never take; at most a quarter."
    )
    address_memory_max: int = bounded(
        64 * MIB, 64 * KIB, 64 * 1024 * MIB, "Bytes of incomplete bodies of one address (IPv6: one /64); then 503."
    )
    spool_dir: Path | None = Field(None, description="Folder for large bodies; none: `spool` in the data folder.")
    spools_max: int = bounded(128, 1, 4096, "Large bodies in files at one time; then 503.")
    address_spools_max: int = bounded(
        32, 1, 4096, "Large bodies of one address (IPv6: one /64) in files at one time; then 503."
    )
    uploads_max: int = bounded(4, 1, 64, "Attachments written to the blob store at one time.")
    upload_requests_max: int = bounded(
        128, 1, 4096, "Requests with attachments at one time; further ones are answered 503."
    )
    retry_after_seconds: int = bounded(5, 1, 3600, "`Retry-After` when nothing can be kept at the moment.")
    quota_retry_after_seconds_max: int = bounded(
        300, 1, 86_400, "Longest wait that is reported to a client when a quota is exhausted."
    )
    quota_answer_seconds_max: float = Field(
        1.0, gt=0, le=30, description="Seconds to wait for the quotas' counters; then everything is accepted."
    )
    commit_requests_max: int = bounded(4_096, 1, 65_536, "Requests that may wait for the stream server.")
    commit_batch_max: int = bounded(256, 1, 4_096, "Requests that share one transaction.")
    commit_gather_ms: int = bounded(
        0,
        0,
        100,
        "Where requests are frequent, least milliseconds between the beginnings of two transactions of"
        " fewer than 16 requests. Some (`hearback up` has 40) spare all services CPU, delay answers by half of it"
        " and cost a gateway at its limit a little throughput.",
    )
    commits_in_flight_max: int = bounded(1, 1, 16, "Transactions on their way to the stream server at one time.")
    stream_entries_max: int = Field(
        1_000_000, ge=1, description="Entries of a stream's shard at which requests are answered 503."
    )

    outage_spool_dir: Path | None = Field(
        None,
        description="Folder of this process alone, on a disk that outlives it, for what Valkey does not take in a"
        " long outage, and for the configuration of the projects served; none: requests are answered 503 then.",
    )
    outage_spool_bytes_max: int = bounded(
        1024 * MIB, MIB, 1024 * 1024 * MIB, "Bytes that wait in this folder; then 503."
    )
    outage_spool_after_seconds: float = bounded(
        5.0, 0, 3600, "Seconds without Valkey until requests go to this folder."
    )

    @property
    def upload_bytes_max(self) -> int:
        """The limit of a body that holds attachments, with the headers of a form's parts."""
        return self.attachments_bytes_max + MIB

    @property
    def limits(self) -> Limits:
        """The limits of envelopes."""
        return Limits(**self.model_dump(include=set(Limits.__slots__)))

    @property
    def spool_folder(self) -> Path:
        """The folder of spooled bodies."""
        return self.spool_dir or self.data_dir / "spool"
