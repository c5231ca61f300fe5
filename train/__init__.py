"""Train the models of a config on its data, into a run folder."""
