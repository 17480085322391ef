"""The one reader of tables.

It serves labels, manifests, alignments, sentences, sensor series and pairs of arrays.
"""
