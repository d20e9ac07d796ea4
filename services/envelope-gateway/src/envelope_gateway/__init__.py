"""Accepts what Sentry SDKs send and routes each envelope item."""
