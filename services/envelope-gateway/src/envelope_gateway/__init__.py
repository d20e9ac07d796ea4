"""Takes what Sentry SDKs send, routes each envelope item, and keeps the registry."""
