"""Where public data come from: LIVECell, HeLa; downloads and archives."""
