"""Streams between services: publish, consume in batches, claim from dead consumers, dead letters."""

from hearback_kit.bus.consumer import Consumer
from hearback_kit.bus.dead_letters import OnDead
from hearback_kit.bus.messages import Incoming, Outgoing
from hearback_kit.bus.options import ConsumerOptions
from hearback_kit.bus.redis_streams import RedisStreams
