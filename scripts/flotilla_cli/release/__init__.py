"""One release: images, signatures, catalogs, packages and notes, in steps of which each is done once."""
