"""Tables of results: metafiles, rows, the paper's table from runs."""
