"""Generates OpenAPI documents, JSON Schemas, deployments and the reference pages of `deploy/docs`."""
