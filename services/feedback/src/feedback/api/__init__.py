"""HTTP, in Sentry's paths and shapes."""
