"""LIVECell: its files, fetching them, checking them."""
