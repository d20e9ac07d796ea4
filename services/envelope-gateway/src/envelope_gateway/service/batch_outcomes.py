"""Batch the outcomes and steps of all requests in a transaction into one message per shard."""

from collections import defaultdict
from collections.abc import Sequence

import msgspec
from hearback_contracts.streams import OUTCOME_RECORDED, STREAMS, shard_of
from hearback_kit.bus import Outgoing
from hearback_kit.clock import Clock
from hearback_kit.values.ids import new_id

from envelope_gateway.domain.messages import OutcomeCount, OutcomeRecorded, SubmissionStep
from envelope_gateway.domain.plan import OutcomeNote


class StreamKeys:
    """The keys of every stream by shard; shards of projects are cached."""

    def __init__(self, shards: int) -> None:
        self._shards = shards
        self._shard_by_project: dict[int, int] = {}
        self._keys = {stream.name: stream.shard_keys(shards) for stream in STREAMS}

    def shard(self, project_id: int) -> int:
        """Return the shard of an existing project (the cache is unbounded)."""
        shard = self._shard_by_project.get(project_id)
        if shard is None:
            shard = self._shard_by_project[project_id] = shard_of(project_id, self._shards)
        return shard

    def of(self, stream: str, shard: int) -> str:
        """Return the key of a stream's shard."""
        return self._keys[stream][shard]


class OutcomeBatcher:
    """Summarizes the notes of a group commit as messages."""

    def __init__(self, keys: StreamKeys, clock: Clock, service: str) -> None:
        self._keys = keys
        self._clock = clock
        self._service = service
        self._encode = msgspec.json.Encoder().encode

    def __call__(self, notes: list[OutcomeNote]) -> Sequence[Outgoing]:
        """Return one `outcome.recorded` per shard; equal outcomes are summed."""
        counts: dict[int, dict[tuple[object, ...], OutcomeCount]] = defaultdict(dict)
        steps: dict[int, list[SubmissionStep]] = defaultdict(list)
        for note in notes:
            shard = self._keys.shard(note.project_id)
            if isinstance(note, SubmissionStep):
                steps[shard].append(note)
                continue
            key = (note.project_id, note.key_id, note.category, note.outcome, note.reason, note.sdk)
            known = counts[shard].get((*key, note.timestamp))
            counts[shard][*key, note.timestamp] = note if known is None else _sum(known, note)
        return [
            self._message(shard, list(counts[shard].values()), steps[shard]) for shard in sorted({*counts, *steps})
        ]

    def _message(self, shard: int, outcomes: list[OutcomeCount], steps: list[SubmissionStep]) -> Outgoing:
        identity = new_id()
        message = OutcomeRecorded(
            id=identity,
            occurred_at=self._clock.now(),
            project_id=(outcomes or steps)[0].project_id,
            service=self._service,
            outcomes=outcomes,
            steps=steps,
        )
        name = OUTCOME_RECORDED.name
        return Outgoing(self._keys.of(name, shard), name, self._encode(message), None, trace_of(identity))


def _sum(known: OutcomeCount, more: OutcomeCount) -> OutcomeCount:
    return msgspec.structs.replace(known, quantity=known.quantity + more.quantity, times=known.times + more.times)


def trace_of(message_id: str) -> str:
    """Return a traceparent for a message without one, derived from its id."""
    return f"00-{message_id}-{message_id[16:]}-01"
