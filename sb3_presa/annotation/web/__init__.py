"""The labelling page: access control, server, templates and scripts."""
