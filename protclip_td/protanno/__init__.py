"""Builds ProtAnno stores from UniProt files of any size: `protclip-td protanno`."""
