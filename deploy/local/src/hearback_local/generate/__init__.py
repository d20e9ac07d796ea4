"""Files generated from declarations: OpenAPI documents, JSON Schemas and the reference pages of `deploy/docs`."""
