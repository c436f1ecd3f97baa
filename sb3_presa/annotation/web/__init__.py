"""The labelling page: who may do what, its server, templates and scripts."""
